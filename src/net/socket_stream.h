// A Stream over a non-blocking socket.
#pragma once

#include "metrics/metrics.h"
#include "net/net.h"
#include "net/poller.h"

namespace millrace::net {

class SocketStream final : public Stream, public Pollable {
 public:
  // Takes over `fd`. `poller` and `metrics` outlive the stream.
  SocketStream(int fd, Poller& poller, metrics::Core& metrics);
  ~SocketStream() override;
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const std::string_view> parts) override;
  void pause_reading(bool paused) override;
  void shutdown_write() override;
  void reset() override;
  std::string peer() const override;

  void on_events(uint32_t events) override;

 private:
  void update_interest();
  void want_write(bool wanted);

  StreamHandler* handler_ = nullptr;
  Poller& poller_;
  metrics::Core& metrics_;
  const int fd_;
  bool paused_ = false;
  // the peer's FIN was read; asking for more would report it again for ever
  bool ended_ = false;
  bool want_write_ = false;
};
static_assert(sizeof(SocketStream) <= 48, "one for each client");

}  // namespace millrace::net
