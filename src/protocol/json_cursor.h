// A JsonCursor reads JSON text (RFC 8259) once, from left to right: what is asked for is read,
// everything else is skipped, and both are checked against the whole grammar.
//
// Why not a library: docs/adr/0002-json-cursor.md. In short: a payload must be validated and passed
// on byte for byte, so the reader needs the place of a value in the text, and no tree of it.
//
// Lifetime   Views point into the text, or for a string with escapes, into the cursor's own memory:
//            they live as long as both.
// Limits     Nesting: kJsonDepthMax containers; no recursion. Memory: at most the text's size,
//            taken at the first string with an escape that is read (rather than skipped).
// Failure    Sticky: the first error is kept, every method then returns false and reads nothing. So
//            a caller checks once.
// Requires   Valid UTF-8, which the caller checks for the whole text at once.
//
// A \u escape of half a surrogate pair is grammatical; where such a string is read, it becomes
// U+FFFD. Numbers are checked for grammar only; whole numbers that are read must fit their type,
// without fraction or exponent.
#pragma once

#include <bitset>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "protocol/protocol.h"

namespace millrace::protocol {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  // Views of its memory may be out: it stays where it is.
  JsonCursor(const JsonCursor&) = delete;
  JsonCursor& operator=(const JsonCursor&) = delete;

  // Whether nothing but white space is left.
  bool at_end();

  // Moves on to a value on a later line. False at the end of the text; a value on the same line is
  // an error.
  bool next_line();

  // An object: begin_object(), then next_key() until it returns false, with one value read or
  // skipped after each key.
  bool begin_object();
  bool next_key(std::string_view& key);

  // An array: begin_array(), then next_element() until it returns false, with one value read or
  // skipped after each.
  bool begin_array();
  bool next_element();

  // Consumes `null` if that is what comes next.
  bool skip_null();

  bool read_string(std::string_view& text);
  bool read_bool(bool& flag);
  template <std::integral T>
  bool read_integer(T& number);

  // Any value: its exact text, without the white space around it.
  bool read_raw(std::string_view& raw);
  bool skip_value();

  // The caller's own objection to what was just read.
  bool fail(const char* what);

  bool failed() const { return failure_ != nullptr; }
  // Requires failed().
  base::Error error() const;

 private:
  void skip_space();
  bool next_is(char c) const { return at_ != end_ && *at_ == c; }
  bool literal(std::string_view word);
  bool open(bool object);
  bool scan_key();
  bool scan_scalar();
  bool scan_string(std::string_view& raw, bool& escaped);
  bool scan_escape();
  bool scan_number(bool& whole);
  bool scan_digits();
  std::string_view unescape(std::string_view raw);

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* failure_ = nullptr;
  bool just_opened_ = false;
  size_t depth_ = 0;
  std::bitset<kJsonDepthMax> is_object_;  // by depth, within skip_value()
  std::unique_ptr<char[]> unescaped_;
  char* unescaped_end_ = nullptr;
};

template <std::integral T>
bool JsonCursor::read_integer(T& number) {
  skip_space();
  if (failed()) return false;
  const char* const start = at_;
  bool whole = true;
  if (!scan_number(whole)) return false;
  const auto [stop, code] = std::from_chars(start, at_, number);
  if (whole && code == std::errc() && stop == at_) return true;
  at_ = start;
  return fail("expected a whole number within its field's range");
}

}  // namespace millrace::protocol
