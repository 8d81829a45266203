// A foreign descriptor's place in the epoll set.
#pragma once

#include "net/net.h"
#include "net/poller.h"

namespace millrace::net {

class FileWatch final : public Watch, private Pollable {
 public:
  FileWatch(Poller& poller, int fd, WatchHandler& handler)
      : poller_(poller), fd_(fd), handler_(handler) {}
  ~FileWatch() override;
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  bool want(bool readable, bool writable) override;

 private:
  void on_events(uint32_t events) override;

  Poller& poller_;
  const int fd_;
  WatchHandler& handler_;
  uint32_t wanted_ = 0;  // 0: not in the set, where even so its errors would be told
};

}  // namespace millrace::net
