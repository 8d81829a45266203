#include "net/socket_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace::net {
namespace {

size_t size_of(std::span<const std::string_view> parts) {
  size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  return size;
}

// Of more than kPartsMax parts, the first ones.
ssize_t send_parts(int fd, std::span<const std::string_view> parts) {
  std::array<iovec, Stream::kPartsMax> vectors;
  const size_t count = std::min(parts.size(), vectors.size());
  for (size_t i = 0; i < count; ++i)
    vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

SocketStream::SocketStream(int fd, Poller& poller, metrics::Core& metrics)
    : poller_(poller), metrics_(metrics), fd_(fd) {
  // Without a place in the epoll set the stream hears nothing, and its owner's time-outs end it.
  if (!poller_.add(fd_, EPOLLIN | EPOLLRDHUP, *this)) {
    metrics_.add(metrics::Counter::kAcceptErrors);
  }
  metrics_.add(metrics::Gauge::kStreams, 1);
}

SocketStream::~SocketStream() {
  poller_.remove(fd_, *this);
  ::close(fd_);
  metrics_.add(metrics::Gauge::kStreams, -1);
}

IoResult SocketStream::read(std::span<char> into) {
  for (;;) {
    const ssize_t n = ::recv(fd_, into.data(), into.size(), 0);
    if (n > 0) return {IoResult::Status::kDone, static_cast<size_t>(n)};
    if (n == 0) {
      ended_ = true;
      update_interest();
      return {IoResult::Status::kEnd, 0};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Status::kWouldBlock, 0};
    return {IoResult::Status::kError, 0};
  }
}

IoResult SocketStream::write(std::span<const std::string_view> parts) {
  for (;;) {
    const ssize_t n = parts.size() == 1
                          ? ::send(fd_, parts[0].data(), parts[0].size(), MSG_NOSIGNAL)
                          : send_parts(fd_, parts);
    if (n >= 0) {
      const auto taken = static_cast<size_t>(n);
      // Of one part, the common case, nothing need be added up.
      want_write(taken < parts[0].size() || (parts.size() > 1 && taken < size_of(parts)));
      return {IoResult::Status::kDone, taken};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      want_write(true);
      return {IoResult::Status::kWouldBlock, 0};
    }
    return {IoResult::Status::kError, 0};
  }
}

void SocketStream::want_write(bool wanted) {
  if (wanted == want_write_) return;
  want_write_ = wanted;
  update_interest();
}

void SocketStream::pause_reading(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  update_interest();
}

void SocketStream::update_interest() {
  uint32_t events = 0;
  if (!paused_ && !ended_) events |= EPOLLIN | EPOLLRDHUP;
  if (want_write_) events |= EPOLLOUT;
  poller_.change(fd_, events, *this);
}

void SocketStream::shutdown_write() {
  ::shutdown(fd_, SHUT_WR);
}

void SocketStream::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

std::string SocketStream::peer() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "unknown";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(address.sin6_port));
  }
  return "unix";
}

void SocketStream::on_events(uint32_t events) {
  Poller& poller = poller_;  // `this` may be gone after any call of the handler
  if ((events & EPOLLOUT) != 0 && want_write_) {
    want_write(false);
    if (handler_ != nullptr) handler_->on_writable();
    if (!poller.current_alive()) return;
  }
  // An error or a hang-up is told by the read that finds it, also while reading is paused: the peer
  // is gone for good.
  constexpr uint32_t kReadable = EPOLLIN | EPOLLRDHUP;
  const bool dead = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (dead || ((events & kReadable) != 0 && !paused_ && !ended_)) {
    if (handler_ != nullptr) handler_->on_readable();
  }
}

}  // namespace millrace::net
