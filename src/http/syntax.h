// The small grammars of HTTP/1.1 that the scans and the request's accessors share (RFC 9110,
// section 5.6; RFC 3986).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::http {

// token = 1*tchar (RFC 9110, section 5.6.2): methods and field names.
bool is_token_char(char c);
bool is_token(std::string_view text);

// VCHAR: printable ASCII without the space.
constexpr bool is_visible(char c) {
  return c > ' ' && c < '\x7f';
}

// What a field's value may hold: visible ASCII, space, tab and obs-text (RFC 9110, section 5.5).
constexpr bool is_field_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// 0 to 15, or -1.
int hex_digit(char c);

// Without the spaces and tabs around it.
std::string_view trimmed(std::string_view text);

// ASCII letters compare without case. Names mostly differ in length, or are written the same way,
// so that few are compared letter by letter.
bool same_letters(std::string_view a, std::string_view b);
inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a == b || same_letters(a, b));
}

// Host = uri-host [ ":" port ] (RFC 9110, section 7.2); may be empty. A comma, though RFC 3986
// allows it in a name, is not taken: it is how two Host fields look that something on the way has
// joined.
bool is_host(std::string_view text);

// 1*DIGIT; a number beyond 64 bits is given as the largest.
std::optional<uint64_t> parse_length(std::string_view text);

// A request target in origin form, or in absolute form with http or https, taken apart (RFC 9112,
// section 3.2).
struct Target {
  std::string_view authority;  // only of the absolute form
  std::string_view path;       // starts with '/'
  std::string_view query;
  bool absolute = false;
};
// nullopt: another form, or characters that have no place in a target.
std::optional<Target> parse_target(std::string_view target);

// application/x-www-form-urlencoded: %XX, and '+' for a space. nullopt: a '%' without two
// hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace millrace::http
