#include "net/file_watch.h"

namespace millrace::net {

FileWatch::~FileWatch() {
  if (wanted_ != 0) poller_.remove(fd_, *this);
}

bool FileWatch::want(bool readable, bool writable) {
  const uint32_t wanted = (readable ? static_cast<uint32_t>(EPOLLIN | EPOLLRDHUP) : 0U) |
                          (writable ? static_cast<uint32_t>(EPOLLOUT) : 0U);
  if (wanted == wanted_) return true;
  if (wanted == 0) {
    poller_.remove(fd_, *this);
  } else if (wanted_ != 0) {
    poller_.change(fd_, wanted, *this);
  } else if (!poller_.add(fd_, wanted, *this)) {
    return false;
  }
  wanted_ = wanted;
  return true;
}

void FileWatch::on_events(uint32_t events) {
  const bool dead = (events & (EPOLLERR | EPOLLHUP)) != 0;
  // An event may be of something that was not wanted any more a moment later.
  const bool readable =
      (dead || (events & (EPOLLIN | EPOLLRDHUP)) != 0) && (wanted_ & EPOLLIN) != 0;
  const bool writable = (dead || (events & EPOLLOUT) != 0) && (wanted_ & EPOLLOUT) != 0;
  if (readable || writable) handler_.on_ready(readable, writable);
}

}  // namespace millrace::net
