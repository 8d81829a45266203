#include "net/poller.h"

#include <unistd.h>

namespace millrace::net {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

Poller::~Poller() {
  if (epoll_ >= 0) ::close(epoll_);
}

bool Poller::add(int fd, uint32_t events, Pollable& pollable) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::change(int fd, uint32_t events, Pollable& pollable) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd, Pollable& pollable) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = at_; i < count_; ++i) {
    epoll_event& event = events_[static_cast<size_t>(i)];
    if (event.data.ptr == &pollable) event.data.ptr = nullptr;
  }
}

int Poller::wait(int timeout_ms) {
  const int count =
      ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
  return count < 0 ? 0 : count;  // EINTR
}

void Poller::dispatch(int count) {
  count_ = count;
  for (at_ = 0; at_ < count_; ++at_) {
    const epoll_event& event = events_[static_cast<size_t>(at_)];
    if (event.data.ptr == nullptr) continue;
    static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
  count_ = at_ = 0;
}

}  // namespace millrace::net
