// The epoll set of one loop. Level-triggered: a handler that leaves bytes unread is called again in
// the next turn, which is what lets a connection read a bounded amount a turn. Interest in writing
// is asked for only after a short write.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::net {

class Pollable {
 public:
  virtual void on_events(uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  static constexpr int kEventsMax = 1024;  // that one wait() returns

  bool valid() const { return epoll_ >= 0; }

  bool add(int fd, uint32_t events, Pollable& pollable);
  void change(int fd, uint32_t events, Pollable& pollable);
  // Also forgets events of this turn that were not handed over yet, so that a pollable may be
  // destroyed in any callback.
  void remove(int fd, Pollable& pollable);

  // Waits at most so long (milliseconds; -1: for ever) and returns how many events there are to
  // dispatch().
  int wait(int timeout_ms);
  void dispatch(int count);

  // Whether the pollable whose events are being handed over still exists.
  bool current_alive() const { return events_[static_cast<size_t>(at_)].data.ptr != nullptr; }

 private:
  int epoll_ = -1;
  int count_ = 0;
  int at_ = 0;
  std::array<epoll_event, kEventsMax> events_{};
};

}  // namespace millrace::net
