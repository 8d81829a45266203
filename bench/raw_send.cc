// The physical bound of a fan-out: one thread, and for every message one send() per subscriber.
//
//   raw_send PORT
//
// Speaks the plain dialect of `millrace bench`, as the peers do: text frames that begin with `P`,
// from a client of /pub or /sub, go to everybody on /sub as they are; /sub/CHANNEL and /pub/CHANNEL
// are a channel of their own; /echo sends back. What one read brought is sent together. It does
// nothing that a server must do besides: no limits, no timeouts, no fragments, no UTF-8 check, and
// a reader that doesn't read stops everybody. It belongs to bench/compare, listens on 127.0.0.1
// only, and is no example of anything.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kEventsMax = 1024;
constexpr uint8_t kText = 0x1, kClose = 0x8, kPing = 0x9, kPong = 0xA;

using Channel = std::vector<int>;

struct Connection {
  int socket = -1;
  bool shaken = false;  // the handshake is done
  bool echo = false;
  Channel* subscribed = nullptr;
  size_t place = 0;  // in *subscribed
  Channel* published = nullptr;
  std::string input;  // what the next read has to complete
};

struct Frame {
  uint8_t opcode = 0;
  size_t head_bytes = 0;
  size_t payload_bytes = 0;
  std::array<char, 4> mask{};
};

// The frame at the start of `bytes`; false until all of it is there.
bool read_frame(std::string_view bytes, Frame& frame) {
  if (bytes.size() < 2) return false;
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  frame.opcode = at(0) & 0x0F;
  size_t length = at(1) & 0x7F, extra = 0;
  if (length >= 126) {
    extra = length == 126 ? 2 : 8;
    if (bytes.size() < 2 + extra) return false;
    length = 0;
    for (size_t i = 0; i < extra; ++i) length = length << 8 | at(2 + i);
  }
  frame.head_bytes = 2 + extra + 4;
  frame.payload_bytes = length;
  if (bytes.size() < frame.head_bytes || bytes.size() - frame.head_bytes < length) return false;
  bytes.copy(frame.mask.data(), 4, 2 + extra);
  return true;
}

// Adds a server's frame to `out`, its payload unmasked.
void add_frame(std::string& out, uint8_t opcode, const Frame& frame, std::string_view masked) {
  out.push_back(static_cast<char>(0x80 | opcode));
  const size_t size = masked.size();
  if (size < 126) {
    out.push_back(static_cast<char>(size));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    out.push_back(static_cast<char>(bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(size >> (8 * i) & 0xFF));
  }
  const size_t start = out.size();
  out.append(masked);
  for (size_t i = 0; i < size; ++i) {
    out[start + i] = static_cast<char>(out[start + i] ^ frame.mask[i & 3]);
  }
}

// Sends all of it, and waits where the kernel has no room.
void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = socket, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else {
      return;  // the next read tells that it is closed
    }
  }
}

std::string accept_key(std::string key) {
  key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  std::array<unsigned char, 32> text{};
  const int size = EVP_EncodeBlock(text.data(), digest.data(), SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(text.data()), static_cast<size_t>(size)};
}

// The value of a header, by its name and colon.
std::string_view header(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
  const auto found = std::ranges::search(head, name, same);
  if (found.empty()) return {};
  const size_t at = static_cast<size_t>(found.begin() - head.begin());
  head.remove_prefix(at + name.size());
  head.remove_prefix(std::min(head.find_first_not_of(' '), head.size()));
  return head.substr(0, head.find("\r\n"));
}

class Server {
 public:
  explicit Server(uint16_t port);
  void run();

 private:
  void accept_all();
  void readable(Connection& connection);
  bool shake(Connection& connection);
  void take(Connection& connection, std::string_view rest);
  void close(Connection& connection);

  int listener_ = -1;
  int epoll_ = -1;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  std::string joined_;  // what this read publishes
  std::string answer_;  // what this read's sender gets
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, Channel> channels_;
};

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

Server::Server(uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  check(listener_ >= 0, "socket");
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(listener_, 4096) == 0, "listen");
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) == 0, "epoll_ctl");
}

void Server::run() {
  std::vector<epoll_event> events(kEventsMax);
  for (;;) {
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(kEventsMax), -1);
    check(ready >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < ready; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
      connection == nullptr ? accept_all() : readable(*connection);
    }
  }
}

void Server::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->socket = socket;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = connection.get()}};
    check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
    connections_[socket] = std::move(connection);
  }
}

void Server::readable(Connection& connection) {
  const ssize_t got = ::recv(connection.socket, buffer_.data(), buffer_.size(), 0);
  if (got <= 0) {
    if (got == 0 || errno != EAGAIN) close(connection);
    return;
  }
  const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
  if (connection.shaken && connection.input.empty()) return take(connection, bytes);
  connection.input.append(bytes);
  if (!connection.shaken && !shake(connection)) return;
  const std::string whole = std::exchange(connection.input, std::string());
  take(connection, whole);
}

// Answers the request once all of it is there.
bool Server::shake(Connection& connection) {
  const size_t end = connection.input.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view head(connection.input.data(), end + 2);
  const size_t from = head.find(' ') + 1;
  const std::string path(head.substr(from, head.find(' ', from) - from));
  send_all(connection.socket,
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
               accept_key(std::string(header(head, "Sec-WebSocket-Key:"))) + "\r\n\r\n");
  connection.echo = path == "/echo";
  if (!connection.echo) {
    connection.published = &channels_[path.size() > 4 ? path.substr(5) : ""];
    if (path.starts_with("/sub")) {
      connection.subscribed = connection.published;
      connection.place = connection.subscribed->size();
      connection.subscribed->push_back(connection.socket);
    }
  }
  connection.shaken = true;
  connection.input.erase(0, end + 4);
  return true;
}

// Takes the whole frames that have come, sends on what they ask for, and keeps the rest.
void Server::take(Connection& connection, std::string_view rest) {
  bool closing = false;
  joined_.clear();
  answer_.clear();
  for (Frame frame; !closing && read_frame(rest, frame);) {
    const std::string_view masked = rest.substr(frame.head_bytes, frame.payload_bytes);
    const bool publishes = !masked.empty() && (masked[0] ^ frame.mask[0]) == 'P';
    if (frame.opcode == kClose) {
      closing = true;
    } else if (frame.opcode == kPing) {
      add_frame(answer_, kPong, frame, masked);
    } else if (connection.echo && frame.opcode != kPong) {
      add_frame(answer_, frame.opcode, frame, masked);
    } else if (frame.opcode == kText && publishes) {
      add_frame(joined_, kText, frame, masked);
    }
    rest.remove_prefix(frame.head_bytes + frame.payload_bytes);
  }
  connection.input.assign(rest);
  send_all(connection.socket, answer_);
  if (!joined_.empty()) {
    for (const int subscriber : *connection.published) send_all(subscriber, joined_);
  }
  if (closing) close(connection);
}

void Server::close(Connection& connection) {
  if (Channel* channel = connection.subscribed) {
    const int last = channel->back();
    (*channel)[connection.place] = last;
    connections_.at(last)->place = connection.place;
    channel->pop_back();
  }
  const int socket = connection.socket;
  connections_.erase(socket);
  ::close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: raw_send PORT\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Server(static_cast<uint16_t>(std::strtoul(argv[1], nullptr, 10))).run();
}
