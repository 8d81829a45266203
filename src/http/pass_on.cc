// Headers that a request of ours carries on somebody else's word (client.h).
#include <algorithm>
#include <string_view>

#include "http/client.h"
#include "http/syntax.h"

namespace millrace::http {
namespace {

// About one connection (RFC 9110, section 7.6.1), about the message that they came with, or about
// how we are answered: each hop says its own.
constexpr std::string_view kOwn[] = {
    "Accept-Encoding",
    "Connection",
    "Expect",
    "Host",
    "Http2-Settings",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Te",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
};
constexpr std::string_view kOwnGroups[] = {"Content-", "Sec-Websocket-"};

}  // namespace

std::string spelled_header(std::string_view name) {
  std::string out;
  bool begins = true;
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    if (begins && lower) {
      out.push_back(static_cast<char>(c - 'a' + 'A'));
    } else if (!begins && upper) {
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out.push_back(c);
    }
    begins = c == '-';
  }
  return out;
}

bool may_pass_on(std::string_view name) {
  const std::string spelled = spelled_header(name);
  return is_token(name) && std::ranges::find(kOwn, spelled) == std::end(kOwn) &&
         std::ranges::none_of(kOwnGroups,
                              [&](std::string_view group) { return spelled.starts_with(group); });
}

bool is_header_value(std::string_view value) {
  return trimmed(value) == value && std::ranges::all_of(value, is_field_char);
}

}  // namespace millrace::http
