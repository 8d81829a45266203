// Where the generator connects to, and from which of this machine's addresses.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::bench {

// "ws://host:port/path?query"
struct Url {
  std::string host;  // without brackets
  uint16_t port = 80;
  std::string path;       // "" or from the "/" on, without the query
  std::string query;      // "" or from the "?" on
  std::string authority;  // for the Host header

  static base::Result<Url> parse(std::string_view text);
  // The path of an endpoint that is beside "…/websocket"; none where this path does not end so.
  std::optional<std::string> beside(std::string_view name) const;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool is_loopback_v4() const;
};

// Asks the system's resolver; blocks. The first address counts.
base::Result<SocketAddress> resolve(const Url& url);

// 127.0.0.1, 127.0.0.2, ... with any port.
SocketAddress loopback_source(size_t index);

}  // namespace millrace::bench
