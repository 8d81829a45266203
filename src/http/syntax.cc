#include "http/syntax.h"

#include <algorithm>
#include <array>
#include <limits>

namespace millrace::http {
namespace {

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    table[i] = is_letter(c) || is_digit(c) ||
               (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  }
  return table;
}
constexpr std::array<bool, 256> kTokenChars = token_table();

// unreserved / sub-delims without the comma
bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos;
}

bool is_registered_name(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '%') {
      if (i + 2 >= name.size() || hex_digit(name[i + 1]) < 0 || hex_digit(name[i + 2]) < 0)
        return false;
      i += 2;
    } else if (!is_name_char(name[i])) {
      return false;
    }
  }
  return true;
}

// What stands between the brackets: an IPv6 address or IPvFuture. Nothing resolves it here, so its
// characters are enough.
bool is_ip_literal(std::string_view literal) {
  return !literal.empty() && std::all_of(literal.begin(), literal.end(),
                                         [](char c) { return is_name_char(c) || c == ':'; });
}

bool is_path_char(char c) {
  return is_visible(c) && std::string_view("\"<>#\\").find(c) == std::string_view::npos;
}

// Browsers send a query's backslash as it is (URL standard, query percent-encode set).
bool is_query_char(char c) {
  return is_visible(c) && std::string_view("\"<>#").find(c) == std::string_view::npos;
}

}  // namespace

bool is_token_char(char c) {
  return kTokenChars[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
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
  if (!std::all_of(result.path.begin(), result.path.end(), is_path_char)) return std::nullopt;
  if (!std::all_of(result.query.begin(), result.query.end(), is_query_char)) return std::nullopt;
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
