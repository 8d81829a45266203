// Accepts connections of one socket on one loop, a bounded number a turn.
#pragma once

#include "net/net.h"
#include "net/poller.h"

namespace millrace::net {

class Listener final : public Pollable {
 public:
  Listener(ListenSocket socket, Poller& poller, metrics::Core& metrics, size_t accepts_per_turn,
           Acceptor& acceptor);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void on_events(uint32_t events) override;

 private:
  void shed_one();

  ListenSocket socket_;
  Poller& poller_;
  metrics::Core& metrics_;
  const size_t accepts_per_turn_;
  Acceptor& acceptor_;
  int spare_fd_ = -1;  // given up to take and close a connection when no other file can be opened
};

}  // namespace millrace::net
