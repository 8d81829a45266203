// Where connections wait that begin with a PROXY header (proxy_header.h): between the listener and
// whoever speaks TLS or HTTP to them.
//
//   accept() --its peer is trusted--> waiting --a whole header--> Welcome
//      |--a unix socket, and those are not trusted--> Welcome        '--malformed, late, gone-->
//      closed
//      '--any other peer--> closed
//
// The header is demanded, never guessed: who could leave it out could also make one up (section 2
// of the protocol's text). A peer that is not trusted is closed at once. A unix socket is no way in
// from the network: unless "unix" is trusted, who comes by it is taken for itself, without a
// header, so that health checks and scrapes of the same machine have a way in.
//
// Cores      All on the loop's.
// Limits     Exactly the header's bytes are read. A waiting connection costs one object of some 250
//            bytes and what it has sent of its header; how many there may be is admission's matter.
// Metrics    millrace_proxy_headers_total{outcome}
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "net/ip_address.h"

namespace millrace::net {

class Loop;
class Stream;

class ProxyEntrance {
 public:
  struct Options {
    TrustedPeers trusted;
    base::Duration header_timeout{};  // from the accept to the end of the header; then closed
  };
  // Takes over a connection whose own bytes come next. `source` is the client's address; nullopt:
  // the peer's own is. Called in a callback of the stream, which may be destroyed in it.
  using Welcome =
      std::function<void(std::unique_ptr<Stream> stream, const std::optional<IpAddress>& source)>;

  // `loop` and `metrics` outlive it.
  ProxyEntrance(Loop& loop, metrics::Core& metrics, Options options, Welcome welcome);
  // Closes who still waits.
  ~ProxyEntrance();

  void accept(std::unique_ptr<Stream> stream);

  // Drain: closes those whose header is awaited.
  void close_waiting();

  size_t waiting() const;

 private:
  class Visitor;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::net
