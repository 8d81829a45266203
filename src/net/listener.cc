#include "net/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/socket_stream.h"

namespace millrace::net {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

std::unexpected<base::Error> refused(const Address& address, const char* what) {
  return base::fail(base::ErrorCode::kIo, std::string("cannot ") + what + " " +
                                              address.to_string() + ": " + std::strerror(errno));
}

SocketAddress unix_address(const std::string& path) {
  SocketAddress result;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  std::memcpy(&result.storage, &address, sizeof(address));
  result.size = sizeof(address);
  return result;
}

bool ipv6_works() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_addr = in6addr_any;
  const bool works = ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0;
  ::close(fd);
  return works;
}

base::Result<SocketAddress> resolve(const Address& address) {
  if (!address.unix_path.empty()) return unix_address(address.unix_path);
  addrinfo hints{};
  hints.ai_family = address.host.empty() ? (ipv6_works() ? AF_INET6 : AF_INET) : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                  std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return base::fail(base::ErrorCode::kInvalid,
                      "cannot resolve " + address.to_string() + ": " + ::gai_strerror(error));
  }
  SocketAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

// Whether a unix socket's file was left behind by a process that is gone.
bool stale(const SocketAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool gone = ::connect(fd, address.get(), address.size) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return gone;
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

// SO_REUSEPORT would let a second server join silently, so the first socket finds out without it
// whether the port is free.
bool taken(const SocketAddress& address) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  const bool in_use = ::bind(fd, address.get(), address.size) != 0 && errno == EADDRINUSE;
  ::close(fd);
  if (in_use) errno = EADDRINUSE;
  return in_use;
}

// Options that accepted sockets inherit are set here, once, rather than on each of them.
void prepare(int fd, const SocketAddress& address) {
  if (address.family() == AF_UNIX) return;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (address.family() == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

base::Result<int> open_listening(const Address& address, const SocketAddress& resolved,
                                 const ListenOptions& options) {
  const int fd = ::socket(resolved.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused(address, "open a socket for");
  prepare(fd, resolved);
  if (::bind(fd, resolved.get(), resolved.size) != 0 || ::listen(fd, options.backlog) != 0) {
    auto error = refused(address, "listen on");
    ::close(fd);
    return error;
  }
  return fd;
}

uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

}  // namespace

base::Result<ListenSocket> ListenSocket::bind(Address& address, const ListenOptions& options) {
  base::Result<SocketAddress> resolved = resolve(address);
  if (!resolved) return base::fail(resolved);
  const bool is_unix = resolved->family() == AF_UNIX;
  if (is_unix && stale(*resolved)) ::unlink(address.unix_path.c_str());
  if (!is_unix && address.port != 0 && taken(*resolved)) return refused(address, "listen on");
  base::Result<int> fd = open_listening(address, *resolved, options);
  if (!fd) return base::fail(fd);
  if (!is_unix) address.port = bound_port(*fd);
  return ListenSocket(*fd, address, options);
}

base::Result<ListenSocket> ListenSocket::another() const {
  if (!address_.unix_path.empty()) {
    const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return refused(address_, "duplicate the socket of");
    return ListenSocket(fd, address_, options_);
  }
  base::Result<SocketAddress> resolved = resolve(address_);
  if (!resolved) return base::fail(resolved);
  base::Result<int> fd = open_listening(address_, *resolved, options_);
  if (!fd) return base::fail(fd);
  return ListenSocket(*fd, address_, options_);
}

ListenSocket::ListenSocket(int fd, Address address, const ListenOptions& options)
    : fd_(fd), address_(std::move(address)), options_(options) {}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(std::move(other.address_)),
      options_(other.options_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(address_, other.address_);
  std::swap(options_, other.options_);
  return *this;
}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

Listener::Listener(ListenSocket socket, Poller& poller, metrics::Core& metrics,
                   size_t accepts_per_turn, Acceptor& acceptor)
    : socket_(std::move(socket)),
      poller_(poller),
      metrics_(metrics),
      accepts_per_turn_(accepts_per_turn),
      acceptor_(acceptor),
      spare_fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  // EPOLLEXCLUSIVE: of the loops that share a unix socket, one wakes for a connection, not all.
  poller_.add(socket_.fd(), EPOLLIN | EPOLLEXCLUSIVE, *this);
}

Listener::~Listener() {
  poller_.remove(socket_.fd(), *this);
  if (spare_fd_ >= 0) ::close(spare_fd_);
}

void Listener::on_events(uint32_t) {
  for (size_t i = 0; i < accepts_per_turn_; ++i) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      metrics_.add(metrics::Counter::kAccepts);
      acceptor_.on_accept(std::make_unique<SocketStream>(fd, poller_, metrics_));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    metrics_.add(metrics::Counter::kAcceptErrors);
    if (errno == EMFILE || errno == ENFILE) shed_one();
    return;
  }
}

// Left in the queue, the connection would report itself again in every turn: it is taken with the
// spare file and closed. Admission refuses well before this, so it happens only when something else
// in the process has used up the files.
void Listener::shed_one() {
  if (spare_fd_ >= 0) ::close(spare_fd_);
  const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace millrace::net
