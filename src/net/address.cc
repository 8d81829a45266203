#include <charconv>

#include "net/net.h"

namespace millrace::net {
namespace {

base::Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return base::fail(base::ErrorCode::kInvalid,
                      "not a port between 0 and 65535 in address '" + std::string(whole) + "'");
  }
  return port;
}

}  // namespace

base::Result<Address> Address::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr size_t kUnixPathMax = 107;  // sockaddr_un::sun_path without its terminating zero
  Address address;
  if (text.starts_with(kUnix)) {
    address.unix_path = text.substr(kUnix.size());
    if (address.unix_path.empty() || address.unix_path.size() > kUnixPathMax) {
      return base::fail(
          base::ErrorCode::kInvalid,
          "the path of a unix socket has 1 to 107 bytes: '" + std::string(text) + "'");
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return base::fail(base::ErrorCode::kInvalid, "no port in address '" + std::string(text) + "'");
  }
  base::Result<uint16_t> port = parse_port(text.substr(colon + 1), text);
  if (!port) return base::fail(port);
  address.port = *port;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return base::fail(base::ErrorCode::kInvalid,
                      "an IPv6 address needs brackets: '" + std::string(text) + "'");
  }
  address.host = host;
  return address;
}

std::string Address::to_string() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace millrace::net
