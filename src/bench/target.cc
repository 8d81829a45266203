#include "bench/target.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace millrace::bench {
namespace {

std::unexpected<base::Error> bad(std::string_view text, const std::string& why) {
  return base::fail(base::ErrorCode::kInvalid, "--url " + std::string(text) + ": " + why);
}

}  // namespace

base::Result<Url> Url::parse(std::string_view text) {
  constexpr std::string_view kScheme = "ws://";
  if (text.starts_with("wss://"))
    return bad(text, "TLS is not spoken; measure behind what terminates it");
  if (!text.starts_with(kScheme)) return bad(text, "expected ws://HOST:PORT/PATH");
  const std::string_view rest = text.substr(kScheme.size());
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  Url url;
  url.authority = rest.substr(0, end);
  const std::string_view behind = rest.substr(end);
  const size_t query = std::min(behind.find('?'), behind.size());
  url.path = behind.substr(0, query);
  url.query = behind.substr(query);
  std::string_view host = url.authority;
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    const auto read = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || url.port == 0)
      return bad(text, "the port is a number from 1 to 65535");
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return bad(text, "expected ws://HOST:PORT/PATH");
  if (text.find_first_of(" \r\n\t#") != std::string_view::npos)
    return bad(text, "a URL has neither blanks nor a fragment");
  url.host = host;
  return url;
}

std::optional<std::string> Url::beside(std::string_view name) const {
  constexpr std::string_view kEnd = "/websocket";
  if (!path.ends_with(kEnd)) return std::nullopt;
  return path.substr(0, path.size() - kEnd.size() + 1) + std::string(name);
}

bool SocketAddress::is_loopback_v4() const {
  if (storage.ss_family != AF_INET) return false;
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
}

base::Result<SocketAddress> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(url.port);
  const int failed = ::getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) {
    return base::fail(base::ErrorCode::kUnavailable,
                      "cannot find " + url.host + ": " + ::gai_strerror(failed));
  }
  SocketAddress address;
  address.bytes = std::min(found->ai_addrlen, static_cast<socklen_t>(sizeof address.storage));
  std::memcpy(&address.storage, found->ai_addr, address.bytes);
  ::freeaddrinfo(found);
  return address;
}

SocketAddress loopback_source(size_t index) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  constexpr uint32_t kFirst = 0x7F00'0001;
  address.sin_addr.s_addr = htonl(kFirst + static_cast<uint32_t>(index % 0x00FF'FFFD));
  SocketAddress source;
  std::memcpy(&source.storage, &address, sizeof address);
  source.bytes = sizeof address;
  return source;
}

}  // namespace millrace::bench
