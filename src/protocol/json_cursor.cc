#include "protocol/json_cursor.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/assert.h"
#include "protocol/json_scan.h"

namespace millrace::protocol {
namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The code unit of the four hexadecimal digits at `digits`, which have been checked.
uint32_t code_unit(const char* digits) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) unit = unit * 16 + static_cast<uint32_t>(hex_value(digits[i]));
  return unit;
}

constexpr bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
constexpr bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// Writes a code point as UTF-8 (RFC 3629) and returns the place after it.
char* put_utf8(char* to, uint32_t point) {
  if (point < 0x80) {
    *to++ = static_cast<char>(point);
    return to;
  }
  if (point < 0x800) {
    *to++ = static_cast<char>(0xC0U | (point >> 6U));
  } else {
    if (point < 0x10000) {
      *to++ = static_cast<char>(0xE0U | (point >> 12U));
    } else {
      *to++ = static_cast<char>(0xF0U | (point >> 18U));
      *to++ = static_cast<char>(0x80U | ((point >> 12U) & 0x3FU));
    }
    *to++ = static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
  }
  *to++ = static_cast<char>(0x80U | (point & 0x3FU));
  return to;
}

// Reads the \u escape whose `u` is at `at`, and its second half if it has one. Moves `at` behind
// it.
uint32_t take_code_point(const char*& at, const char* end) {
  constexpr uint32_t kReplacement = 0xFFFD;
  const uint32_t unit = code_unit(at + 1);
  at += 5;
  if (is_low_surrogate(unit)) return kReplacement;
  if (!is_high_surrogate(unit)) return unit;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return kReplacement;
  const uint32_t low = code_unit(at + 2);
  if (!is_low_surrogate(low)) return kReplacement;
  at += 6;
  return 0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00);
}

constexpr char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // " \ and /
  }
}

}  // namespace

bool JsonCursor::at_end() {
  skip_space();
  return at_ == end_;
}

bool JsonCursor::next_line() {
  if (failed()) return false;
  const char* const gap = at_;
  if (at_end()) return false;
  if (std::memchr(gap, '\n', static_cast<size_t>(at_ - gap)) != nullptr) return true;
  return fail("expected a line break after a message");
}

bool JsonCursor::begin_object() {
  skip_space();
  if (failed()) return false;
  if (!next_is('{')) return fail("expected an object");
  if (!open(true)) return false;
  just_opened_ = true;
  return true;
}

bool JsonCursor::next_key(std::string_view& key) {
  skip_space();
  if (failed()) return false;
  const bool first = std::exchange(just_opened_, false);
  if (next_is('}')) {
    ++at_;
    --depth_;
    return false;
  }
  if (!first) {
    if (!next_is(',')) return fail("expected ',' or '}'");
    ++at_;
    skip_space();
  }
  if (!read_string(key)) return false;
  skip_space();
  if (!next_is(':')) return fail("expected ':'");
  ++at_;
  return true;
}

bool JsonCursor::begin_array() {
  skip_space();
  if (failed()) return false;
  if (!next_is('[')) return fail("expected an array");
  if (!open(false)) return false;
  just_opened_ = true;
  return true;
}

bool JsonCursor::next_element() {
  skip_space();
  if (failed()) return false;
  const bool first = std::exchange(just_opened_, false);
  if (next_is(']')) {
    ++at_;
    --depth_;
    return false;
  }
  if (first) return true;
  if (!next_is(',')) return fail("expected ',' or ']'");
  ++at_;
  return true;
}

bool JsonCursor::skip_null() {
  skip_space();
  return !failed() && next_is('n') && literal("null");
}

bool JsonCursor::read_string(std::string_view& text) {
  skip_space();
  if (failed()) return false;
  if (!next_is('"')) return fail("expected a string");
  std::string_view raw;
  bool escaped = false;
  if (!scan_string(raw, escaped)) return false;
  text = escaped ? unescape(raw) : raw;
  return true;
}

bool JsonCursor::read_bool(bool& flag) {
  skip_space();
  if (failed()) return false;
  if (next_is('t') || next_is('f')) {
    const bool value = next_is('t');
    if (!literal(value ? "true" : "false")) return false;
    flag = value;
    return true;
  }
  return fail("expected true or false");
}

bool JsonCursor::read_raw(std::string_view& raw) {
  skip_space();
  const char* const start = at_;
  if (!skip_value()) return false;
  raw = std::string_view(start, static_cast<size_t>(at_ - start));
  return true;
}

// One value, containers and all. What is open is remembered as one bit a level, so depth costs no
// stack.
bool JsonCursor::skip_value() {
  if (failed()) return false;
  const size_t outer_depth = depth_;
  for (;;) {
    skip_space();
    bool opened = false;
    if (next_is('{') || next_is('[')) {
      const bool object = *at_ == '{';
      if (!open(object)) return false;
      skip_space();
      opened = !next_is(object ? '}' : ']');
      if (opened && object && !scan_key()) return false;
    } else if (!scan_scalar()) {
      return false;
    }
    if (opened) continue;
    // After a value, or before the end of an empty container: close what ends here.
    for (;;) {
      if (depth_ == outer_depth) return true;
      skip_space();
      const bool object = is_object_[depth_ - 1];
      if (!next_is(object ? '}' : ']')) break;
      ++at_;
      --depth_;
    }
    if (!next_is(',')) return fail("expected ',' or the end of an object or array");
    ++at_;
    skip_space();
    if (is_object_[depth_ - 1] && !scan_key()) return false;
  }
}

bool JsonCursor::fail(const char* what) {
  if (failure_ == nullptr) failure_ = what;
  return false;
}

base::Error JsonCursor::error() const {
  MILLRACE_DEBUG_ASSERT(failed());
  return base::Error{base::ErrorCode::kInvalid,
                     "JSON, byte " + std::to_string(at_ - begin_) + ": " + failure_};
}

void JsonCursor::skip_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
}

bool JsonCursor::literal(std::string_view word) {
  if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) {
    return fail("expected a value");
  }
  at_ += word.size();
  return true;
}

bool JsonCursor::open(bool object) {
  if (depth_ == kJsonDepthMax) return fail("nested too deeply");
  is_object_[depth_++] = object;
  ++at_;
  return true;
}

bool JsonCursor::scan_key() {
  if (!next_is('"')) return fail("expected a key");
  std::string_view raw;
  bool escaped = false;
  if (!scan_string(raw, escaped)) return false;
  skip_space();
  if (!next_is(':')) return fail("expected ':'");
  ++at_;
  return true;
}

bool JsonCursor::scan_scalar() {
  if (at_ == end_) return fail("the text ends within a value");
  switch (*at_) {
    case '"': {
      std::string_view raw;
      bool escaped = false;
      return scan_string(raw, escaped);
    }
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default: {
      bool whole = false;
      return scan_number(whole);
    }
  }
}

// Requires the opening quote at the cursor. `raw` is what is between the quotes.
bool JsonCursor::scan_string(std::string_view& raw, bool& escaped) {
  const char* const start = ++at_;
  for (;;) {
    at_ = find_string_stop(at_, end_);
    if (at_ == end_) return fail("the text ends within a string");
    if (*at_ == '"') break;
    if (*at_ != '\\') return fail("a control character within a string");
    escaped = true;
    if (!scan_escape()) return false;
  }
  raw = std::string_view(start, static_cast<size_t>(at_ - start));
  ++at_;
  return true;
}

bool JsonCursor::scan_escape() {
  constexpr std::string_view kSimple = "\"\\/bfnrt";
  if (end_ - at_ < 2) return fail("the text ends within a string");
  if (kSimple.find(at_[1]) != std::string_view::npos) {
    at_ += 2;
    return true;
  }
  if (at_[1] != 'u' || end_ - at_ < 6) return fail("not an escape");
  for (int i = 2; i < 6; ++i) {
    if (hex_value(at_[i]) < 0) return fail("not an escape");
  }
  at_ += 6;
  return true;
}

// number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ ( "e" / "E" ) [ "+" / "-" ] 1*digit
// ]
bool JsonCursor::scan_number(bool& whole) {
  whole = true;
  if (next_is('-')) ++at_;
  if (next_is('0')) {
    ++at_;
  } else if (!scan_digits()) {
    return false;
  }
  if (next_is('.')) {
    whole = false;
    ++at_;
    if (!scan_digits()) return false;
  }
  if (next_is('e') || next_is('E')) {
    whole = false;
    ++at_;
    if (next_is('+') || next_is('-')) ++at_;
    if (!scan_digits()) return false;
  }
  return true;
}

bool JsonCursor::scan_digits() {
  if (at_ == end_ || !is_digit(*at_)) return fail("expected a value");
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return true;
}

// A string never gets longer by this: the shortest escape of a three-byte character has six bytes.
// And no part of the text is unescaped twice. So what is left of the text, when the first string
// needs room, is room enough for all of them.
std::string_view JsonCursor::unescape(std::string_view raw) {
  if (unescaped_ == nullptr) {
    unescaped_ = std::make_unique_for_overwrite<char[]>(static_cast<size_t>(end_ - raw.data()));
    unescaped_end_ = unescaped_.get();
  }
  char* const start = unescaped_end_;
  char* to = start;
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    const void* const found = std::memchr(at, '\\', static_cast<size_t>(end - at));
    const char* const escape = found == nullptr ? end : static_cast<const char*>(found);
    std::memcpy(to, at, static_cast<size_t>(escape - at));
    to += escape - at;
    at = escape;
    if (at == end) break;
    ++at;
    if (*at == 'u') {
      to = put_utf8(to, take_code_point(at, end));
    } else {
      *to++ = simple_escape(*at++);
    }
  }
  unescaped_end_ = to;
  return {start, static_cast<size_t>(to - start)};
}

}  // namespace millrace::protocol
