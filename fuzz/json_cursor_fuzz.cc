// Our JSON reader against simdjson's DOM parser, an independent implementation of the same grammar:
// whatever one accepts, so does the other, but for three differences, each of which must really be
// there to excuse a disagreement:
//
//   depth              ours refuses more than kJsonDepthMax levels
//   numbers            simdjson refuses those outside the range of a double or 64-bit integer
//   half surrogates    simdjson refuses a \u escape of half a surrogate pair, which the grammar has
#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "protocol/protocol.h"

namespace {

using namespace millrace;

// How deep brackets are nested outside strings. Right for valid JSON, which is all it is asked
// about.
size_t depth_of(std::string_view json) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_exponent(char c) {
  return c == 'e' || c == 'E';
}

// How many of a number's digits are kept, for the run of digits that begins at `i`: so few that the
// number is in range.
size_t digits_kept(std::string_view json, size_t i) {
  const bool exponent = i >= 2 && (is_exponent(json[i - 1]) || is_exponent(json[i - 2]));
  return exponent ? 1 : 15;
}

// The same text with what simdjson may object to made harmless: runs of digits cut short, and \u
// escapes of surrogates given another first half. Neither makes something grammatical that was not.
std::string tamed(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < json.size();) {
    const char c = json[i];
    if (!in_string && is_digit(c)) {
      const size_t end = std::min(json.find_first_not_of("0123456789", i), json.size());
      out += json.substr(i, std::min(end - i, digits_kept(json, i)));
      i = end;
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') {
      const std::string_view escape = json.substr(i, 4);
      const bool surrogate =
          escape.size() == 4 && escape[1] == 'u' && (escape[2] | 0x20) == 'd' &&
          std::string_view("89abcdefABCDEF").find(escape[3]) != std::string_view::npos;
      out += surrogate ? std::string_view("\\u00") : escape.substr(0, 2);
      i += surrogate ? 4 : 2;
      continue;
    }
    out += c;
    ++i;
  }
  return out;
}

simdjson::error_code parse(std::string_view json) {
  static simdjson::dom::parser parser;
  return parser.parse(simdjson::padded_string(json)).error();
}

// The raw line breaks go, the value stays.
void check_line(std::string_view json) {
  std::string line;
  protocol::append_json_line(line, json);
  MILLRACE_ASSERT(line.find_first_of("\r\n") == std::string::npos);
  MILLRACE_ASSERT(protocol::valid_json(line));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const bool ours = protocol::valid_json(json);
  if (ours) {
    MILLRACE_ASSERT(parse(tamed(json)) == simdjson::SUCCESS);
    check_line(json);
  } else if (parse(json) == simdjson::SUCCESS) {
    MILLRACE_ASSERT(depth_of(json) > protocol::kJsonDepthMax);
  }
  return 0;
}
