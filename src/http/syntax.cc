#include "http/syntax.h"

#include <algorithm>
#include <limits>

#include "http/char_set.h"

namespace millrace::http {
namespace {

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_one_of(std::string_view chars, char c) {
  return chars.find(c) != std::string_view::npos;
}

constexpr CharSet kTokenChars(+[](char c) {
  return is_letter(c) || is_digit(c) || is_one_of("!#$%&'*+-.^_`|~", c);
});

// unreserved / sub-delims without the comma
constexpr CharSet kNameChars(+[](char c) {
  return is_letter(c) || is_digit(c) || is_one_of("-._~!$&'()*+;=", c);
});

constexpr CharSet kPathChars(+[](char c) { return is_visible(c) && !is_one_of("\"<>#\\", c); });

// Browsers send a query's backslash as it is (URL standard, query percent-encode set).
constexpr CharSet kQueryChars(+[](char c) { return is_visible(c) && !is_one_of("\"<>#", c); });

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_registered_name(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%') {
      if (i + 2 >= name.size() || hex_digit(name[i + 1]) < 0 || hex_digit(name[i + 2]) < 0)
        return false;
      i += 2;
    } else if (!kNameChars.has(name[i])) {
      return false;
    }
  }
  return true;
}

// What stands between the brackets: an IPv6 address or IPvFuture. Nothing resolves it here, so its
// characters are enough.
bool is_ip_literal(std::string_view literal) {
  return !literal.empty() && std::all_of(literal.begin(), literal.end(),
                                         [](char c) { return kNameChars.has(c) || c == ':'; });
}

}  // namespace

bool is_token_char(char c) {
  return kTokenChars.has(c);
}

bool is_token(std::string_view text) {
  return !text.empty() && kTokenChars.has_all(text);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return x == y || lower(x) == lower(y); });
}

bool is_host(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    port = text.substr(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    if (!is_registered_name(text.substr(0, colon))) return false;
    port = text.substr(colon);
  }
  if (port.empty()) return true;
  return port.front() == ':' && port.size() <= 6 &&
         std::all_of(port.begin() + 1, port.end(), is_digit);
}

std::optional<uint64_t> parse_length(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  uint64_t length = 0;
  for (const char c : text) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (length > (kLargest - digit) / 10) return kLargest;
    length = length * 10 + digit;
  }
  return length;
}

std::optional<Target> parse_target(std::string_view target) {
  Target result;
  std::string_view rest = target;
  if (!rest.starts_with('/')) {
    const size_t scheme_end = rest.find("://");
    if (scheme_end == std::string_view::npos) return std::nullopt;
    const std::string_view scheme = rest.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https"))
      return std::nullopt;
    rest.remove_prefix(scheme_end + 3);
    result.absolute = true;
    result.authority = rest.substr(0, rest.find_first_of("/?"));
    // An http URI without a host is invalid (RFC 9110, section 4.2.1); one with user information
    // fails as a host.
    if (result.authority.empty() || !is_host(result.authority)) return std::nullopt;
    rest.remove_prefix(result.authority.size());
  }
  const size_t question = std::min(rest.find('?'), rest.size());
  result.path = question == 0 ? std::string_view("/") : rest.substr(0, question);
  result.query = question == rest.size() ? std::string_view() : rest.substr(question + 1);
  if (!kPathChars.has_all(result.path) || !kQueryChars.has_all(result.query)) return std::nullopt;
  return result;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

}  // namespace millrace::http
