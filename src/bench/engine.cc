#include "bench/engine.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/assert.h"
#include "base/base64.h"
#include "base/random.h"
#include "bench/http_answer.h"

namespace millrace::bench {
namespace {

constexpr size_t kScratchBytes = 512UL * 1024;
constexpr size_t kEventsMax = 512;
constexpr std::string_view kDeflateOffer =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover\r\n";

std::string words_of(int error) {
  return std::strerror(error);
}

Client::Held& held(Client& client) {
  if (!client.held) client.held = std::make_unique<Client::Held>();
  return *client.held;
}

void drop_if_empty(Client& client) {
  if (client.held && client.held->input.empty() && client.held->fragments.empty() &&
      client.held->output.empty())
    client.held.reset();
}

// "HTTP/1.1 503 Service Unavailable" of an answer that is not the one that was hoped for.
std::string status_line(std::string_view head) {
  return "the server answered " + std::string(head.substr(0, head.find('\r')));
}

}  // namespace

int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

base::Result<std::unique_ptr<Engine>> Engine::create(ClientHandler& handler,
                                                     const Options& options) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return base::fail(base::ErrorCode::kIo, "epoll_create1: " + words_of(errno));
  return std::unique_ptr<Engine>(new Engine(handler, options, fd));
}

Engine::Engine(ClientHandler& handler, const Options& options, int epoll_fd)
    : handler_(handler),
      options_(options),
      epoll_fd_(epoll_fd),
      scratch_(kScratchBytes),
      now_(now_ns()) {
  base::OsRandom random;
  std::array<uint8_t, 16> nonce;
  random.fill(nonce);
  base::append_base64(key_, {reinterpret_cast<const char*>(nonce.data()), nonce.size()});
  accept_ = websocket::accept_key(key_);
  next_mask_ = static_cast<uint32_t>(random.next_u64());
}

Engine::~Engine() {
  ::close(epoll_fd_);
}

base::Result<> Engine::wake_on(int fd) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return base::fail(base::ErrorCode::kIo, "epoll_ctl: " + words_of(errno));
}

bool Engine::connect(Client& client, const SocketAddress& to, const SocketAddress* from,
                     std::string_view request) {
  client.state = ClientState::kConnecting;
  client.mask_key = next_mask_ += 0x9E37'79B9;
  client.fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto refused = [&](const char* what) {
    fail(client, std::string(what) + ": " + words_of(errno));
    return false;
  };
  if (client.fd < 0) return refused("socket");
  const int on = 1;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (from != nullptr) {
    // The port is chosen when the destination is known: each pair of addresses has all ports.
    ::setsockopt(client.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(client.fd, from->get(), from->bytes) != 0) return refused("bind");
  }
  if (::connect(client.fd, to.get(), to.bytes) != 0 && errno != EINPROGRESS)
    return refused("connect");
  held(client).output = request;
  if (client.carriage == Carriage::kFrames) {
    client.held->output.append(key_).append("\r\n");
    if (options_.deflate) client.held->output.append(kDeflateOffer);
    client.held->output.append("\r\n");
  }
  // One registration for its whole life: edges, of which those of writing come only after a write
  // that was refused.
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &client}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, client.fd, &event) != 0) return refused("epoll_ctl");
  return true;
}

void Engine::close(Client& client) {
  if (client.fd >= 0) ::close(client.fd);
  client.fd = -1;
  client.state = ClientState::kClosed;
  client.held.reset();
}

void Engine::fail(Client& client, std::string_view reason) {
  if (client.state == ClientState::kClosed) return;
  const ClientState was = client.state;
  close(client);
  client.state = was;  // for on_closed(), which wants to know how far it came
  handler_.on_closed(client, reason);
  if (client.fd < 0) client.state = ClientState::kClosed;
}

void Engine::turn(int64_t timeout_ns) {
  std::array<epoll_event, kEventsMax> events;
  const int64_t wait_ns = std::max<int64_t>(timeout_ns, 0);
  const timespec timeout{.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
  const int count = ::epoll_pwait2(epoll_fd_, events.data(), kEventsMax, &timeout, nullptr);
  now_ = now_ns();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.ptr != nullptr) on_event(*static_cast<Client*>(event.data.ptr), event.events);
  }
}

void Engine::on_event(Client& client, uint32_t events) {
  // An event of this turn may have closed it, and another may have opened it again.
  if (client.fd < 0) return;
  if (client.state == ClientState::kConnecting) {
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(client.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) return fail(client, "connect: " + words_of(error));
    if ((events & EPOLLOUT) == 0) return;
    // An answer that is polled for has its own head.
    client.state =
        client.carriage == Carriage::kAnswers ? ClientState::kJoining : ClientState::kUpgrading;
  }
  if ((events & EPOLLOUT) != 0 && pending_bytes(client) > 0) on_writable(client);
  if (client.fd >= 0 && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    on_readable(client, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

void Engine::on_writable(Client& client) {
  Client::Held& kept = *client.held;
  while (kept.output_sent < kept.output.size()) {
    const ssize_t sent = ::send(client.fd, kept.output.data() + kept.output_sent,
                                kept.output.size() - kept.output_sent, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return fail(client, "send: " + words_of(errno));
    kept.output_sent += static_cast<size_t>(sent);
  }
  kept.output.clear();
  kept.output_sent = 0;
  drop_if_empty(client);
}

void Engine::send(Client& client, std::string_view bytes) {
  if (client.fd < 0 || bytes.empty()) return;
  if (pending_bytes(client) == 0) {
    const ssize_t sent = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
      return fail(client, "send: " + words_of(errno));
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  if (!bytes.empty()) held(client).output.append(bytes);
}

void Engine::on_readable(Client& client, bool until_end) {
  bool more = true;
  while (more && client.fd >= 0) {
    if (!read_once(client, more)) return;
    more = more || until_end;
  }
}

// `more`: the buffer was filled, so that there may be more. False: the client has ended, or
// everything was read.
bool Engine::read_once(Client& client, bool& more) {
  size_t kept = 0;
  if (client.held && !client.held->input.empty()) {
    // What is incomplete comes first, so that what follows completes it in one piece.
    std::string& input = client.held->input;
    kept = input.size();
    if (kept * 2 > scratch_.size()) scratch_.resize(scratch_.size() * 2);
    std::copy(input.begin(), input.end(), scratch_.begin());
    input.clear();
  }
  const size_t room = scratch_.size() - kept;
  const ssize_t count = ::recv(client.fd, scratch_.data() + kept, room, 0);
  if (count <= 0) {
    if (kept > 0) client.held->input.assign(scratch_.data(), kept);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    fail(client, count == 0 ? "the server ended the connection" : "recv: " + words_of(errno));
    return false;
  }
  received_bytes_ += static_cast<uint64_t>(count);
  more = static_cast<size_t>(count) == room;
  now_ = now_ns();
  take(client, {scratch_.data(), kept + static_cast<size_t>(count)});
  return client.fd >= 0;
}

void Engine::take(Client& client, std::string_view bytes) {
  MILLRACE_DEBUG_ASSERT(out_.empty());
  if (client.state == ClientState::kUpgrading) bytes.remove_prefix(take_head(client, bytes));
  if (client.fd >= 0 && client.state != ClientState::kUpgrading)
    bytes.remove_prefix(take_messages(client, bytes));
  if (client.fd >= 0) {
    if (!bytes.empty()) held(client).input.assign(bytes);
    if (!out_.empty()) send(client, out_);
    drop_if_empty(client);
  }
  out_.clear();
}

size_t Engine::take_head(Client& client, std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > kHttpHeadBytesMax) fail(client, "the head of the answer is too long");
    return 0;
  }
  const std::string_view head = bytes.substr(0, end);
  const bool upgrades = client.carriage == Carriage::kFrames;
  const std::string_view mistake = upgrades ? mistake_in_upgrade(head) : "";
  if (!head.starts_with(upgrades ? "HTTP/1.1 101" : "HTTP/1.1 200")) {
    fail(client, status_line(head));
  } else if (!mistake.empty()) {
    fail(client, mistake);
  } else {
    client.state = ClientState::kJoining;
    handler_.on_upgraded(client, out_);
  }
  return end + 4;
}

std::string_view Engine::mistake_in_upgrade(std::string_view head) const {
  if (head.find(accept_) == std::string_view::npos)
    return "the answer to the upgrade has a wrong Sec-WebSocket-Accept";
  if (!options_.deflate) return "";
  if (head.find("permessage-deflate") == std::string_view::npos)
    return "the server does not compress";
  if (head.find("server_no_context_takeover") == std::string_view::npos)
    return "the server compresses with a context for each client";
  return "";
}

size_t Engine::take_messages(Client& client, std::string_view bytes) {
  switch (client.carriage) {
    case Carriage::kFrames:
      return take_frames(client, bytes);
    case Carriage::kLines:
      return take_lines(client, bytes);
    case Carriage::kDelimited:
      return take_delimited(client, bytes);
    case Carriage::kEvents:
      return take_events(client, bytes);
    case Carriage::kAnswers:
      return take_answers(client, bytes);
  }
  return 0;
}

}  // namespace millrace::bench
