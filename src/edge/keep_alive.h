// What keeps a stream alive on which nothing is said: proxies take a connection for dead on which
// no byte came for 30 or 60 seconds, and cut it. Pings do the same, unless client.ping_interval is
// longer than the transport's keep_alive_interval, or there are none.
//
// What is written is a filler (framing.h), which no client notices. WebSockets need none: they have
// pings. Polls need none: they are answered in time.
//
// Lives on one core, owned by it. All streams of a transport have the same interval, and so they
// are due in the order in which they came: a queue for each transport, and neither a timer nor a
// byte in the connection. Where pings are enough, nothing is in it.
#pragma once

#include <array>
#include <deque>

#include "base/clock.h"
#include "base/ids.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::edge {

class Core;
struct HttpTransport;

class KeepAlive {
 public:
  explicit KeepAlive(Core& core);

  // From now on, until it is gone: a stream that may be written to.
  void watch(metrics::Transport transport, const base::ConnectionRef& stream);

 private:
  struct Watched {
    base::MonotonicTime due;
    base::ConnectionRef stream;
  };
  // The streams of one transport, the one that is to be looked at first in front.
  class Queue final : public net::Timer {
   public:
    void begin(Core& core, const HttpTransport& options);
    void watch(const base::ConnectionRef& stream);
    void on_timer() override;

   private:
    Core* core_ = nullptr;
    // Between two looks at a stream: half its interval, because it is seen only at the second one
    // that nothing was written since the first. 0: nobody is watched.
    base::Duration period_{0};
    std::deque<Watched> watched_;
  };

  std::array<Queue, metrics::kTransports> queues_;
};

}  // namespace millrace::edge
