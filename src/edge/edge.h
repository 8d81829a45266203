// The edge owns sockets: bytes, frames, lifetimes, pending output, admission. What may happen is
// the hub's decision.
//
// One Edge per core. It adds its endpoints to that core's HTTP router, takes streams over when they
// upgrade or are answered without an end, and is how the hub of the same core reaches its sessions.
// Everything runs on that core; only Admission is shared. Requests that name a session are brought
// to the edge that has it, of this node or another.
//
// Limits     Options: message size, subscriptions per client, bytes of pending output, time to
//            connect, to answer a ping and to close. Over the subscriptions a command is answered
//            with an error; over the others the client is closed with a code that says so, or cut
//            where it does not even close. Errors and codes are counted.
// Stopping   drain() closes every client with a code that makes it reconnect; connections() is 0
//            when the last one has gone.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "http/http.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "net/net.h"

namespace millrace::edge {

using metrics::Transport;

// How a client that only listens is told that it can't connect (refusal.h): a disconnect for an
// error, and for the code of either a response.
struct ErrorToDisconnect {
  uint32_t code = 0;
  uint16_t to_code = 0;   // 3000 to 4999
  std::string to_reason;  // up to 123 bytes
};
struct CodeToResponse {
  uint32_t code = 0;
  int status = 0;
  std::string body;  // "": what the code means
};

// Endpoints that carry a connection over HTTP requests.
struct HttpTransport {
  bool enabled = false;
  std::string path;
  size_t body_bytes_max = 65'536;  // of the request that opens a connection: 413
  // A stream on which nothing was written for so long gets a filler (keep_alive.h); 0: it does not.
  std::chrono::milliseconds keep_alive_interval{25'000};
  size_t padding_bytes = 0;  // that say nothing, before the first message
  // Of a unidirectional one. Not empty: streams begin when it is decided who may connect.
  std::vector<CodeToResponse> refusals{};
};

struct LongPollTransport {
  bool enabled = false;
  std::string path;  // of the request that opens a connection
  std::string poll_path;
  size_t body_bytes_max = 65'536;                  // of each request: 413
  std::chrono::milliseconds hold{25'000};          // a poll that has nothing to bring
  std::chrono::milliseconds poll_timeout{15'000};  // a client without a poll is gone then
};

struct UniWebSocketTransport {
  bool enabled = false;
  std::string path;
  size_t message_bytes_max = 65'536;  // of what a client sends: 1009
  bool compression = false;
  int compression_level = 1;
  size_t compression_bytes_min = 0;
  bool join_push_messages = false;  // pushes that leave together: one frame, a line for each
  bool disconnect_push = true;      // before the close frame, with the same code
  bool closing_handshake = true;    // a close frame when the server closes
};

struct Options {
  std::string server_version;
  std::string node;  // uid of this run of the server among all: its broker's address has it too

  // client.*
  // globs; empty: the Origin's host must be the Host that was asked
  std::vector<std::string> allowed_origins;
  std::chrono::milliseconds ping_interval{25'000};  // 0: no pings
  std::chrono::milliseconds pong_timeout{8'000};    // 0: pongs are not waited for
  std::chrono::milliseconds stale_close_delay{10'000};
  // What clients have, after the end of a token, to bring a new one.
  std::chrono::milliseconds expired_close_delay{25'000};
  std::chrono::milliseconds expired_sub_close_delay{25'000};
  size_t channel_limit = 128;
  // client.queue_max_size: a client with more publications unsent gets no more of them, and is
  // closed; so a single one may be larger. Over half of it, nothing more is read from the client.
  size_t outbox_bytes_max = 1024UL * 1024;
  bool connect_include_server_time = false;
  // client.proxy.connect.*: whether the application's backend is asked about clients without a
  // token, and what of theirs it is shown: headers of the request, and those that a connect command
  // emulates.
  bool asks_backend = false;
  std::vector<std::string> forwarded_headers;
  std::vector<std::string> forwarded_emulated_headers;
  // In which trusted proxies name the user; "": in none.
  std::string user_id_http_header;

  // websocket.*
  bool websocket_disabled = false;
  std::string websocket_path = "/connection/websocket";
  size_t message_bytes_max = 65'536;
  size_t message_fragments_max = 65'536;
  bool compression = false;
  int compression_level = 1;
  size_t compression_bytes_min = 0;
  // for the peer's close frame, and for what still has to be sent
  std::chrono::milliseconds close_timeout{5'000};

  // The transports that a client falls back to, and those on which it only listens.
  HttpTransport http_stream;
  HttpTransport sse;
  LongPollTransport long_poll;
  UniWebSocketTransport uni_websocket;
  HttpTransport uni_sse;
  HttpTransport uni_http_stream;
  std::vector<ErrorToDisconnect> unidirectional_disconnects;  // besides the usual ones
  // init.*: where there is nothing but an answer; "": nowhere
  std::string init_path;
  // emulation.*: where clients of http_stream, sse and long_poll send their commands to
  std::string emulation_path = "/emulation";
  size_t emulation_body_bytes_max = 65'536;
  // Requests for sessions of other nodes: how many of a core may wait for their answers, and how
  // long, for a poll beyond its hold.
  size_t node_requests_max = 65'536;
  std::chrono::milliseconds node_timeout{5'000};

  // Publications wait so long for others to the same connection, or until there are so many.
  // Replies, pings and closes don't wait, and take along what does.
  std::chrono::milliseconds write_delay{};
  size_t batch_messages_max = 100;
  // The same, for everything that a core has to send, while that core is behind.
  std::chrono::milliseconds busy_write_delay{};

  // --dev: a raw WebSocket echo at /echo, for conformance suites; messages up to 16 MiB
  bool echo = false;
};

// Who may come in, for all cores together. Thread-safe.
class Admission {
 public:
  struct Limits {
    // open sockets of any kind: the files this process may have, less a few
    size_t sockets_max = SIZE_MAX;
    // client connections: what the reserve leaves, or client.connection_limit
    size_t connections_max = SIZE_MAX;
    // of each transport, besides: its connection_limit; 0: no limit of its own
    std::array<size_t, metrics::kTransports> transport_connections_max{};
    size_t connections_per_second_max = 0;  // client.connection_rate_limit; 0: no limit
  };

  explicit Admission(const Limits& limits) : limits_(limits) {}

  // Whether one more socket may stay when this process has `open_sockets` of them. Over
  // connections_max, and up to here, sockets are only for health checks, metrics and the API.
  bool has_room(size_t open_sockets) const { return open_sockets < limits_.sockets_max; }

  // Somebody asks to become a client connection. False: answer 503. True: close_connection() gives
  // the place back.
  bool open_connection(base::MonotonicTime now, Transport transport);
  void close_connection(Transport transport);

  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  size_t connections(Transport transport) const;

  // From now on nobody new may come in.
  void close() { closed_.store(true, std::memory_order_relaxed); }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

 private:
  bool within_rate(base::MonotonicTime now);

  const Limits limits_;
  std::atomic<size_t> connections_{0};
  std::array<std::atomic<size_t>, metrics::kTransports> of_transport_{};
  // when, at the rate that is allowed, the next connection is due
  std::atomic<int64_t> next_slot_us_{0};
  std::atomic<bool> closed_{false};
};

// Whether an Origin header may open a connection to `host`. No Origin: not a browser, always
// allowed.
bool origin_allowed(std::string_view origin, std::string_view host,
                    std::span<const std::string> patterns);

class Core;

class Edge final : public hub::Delivery {
 public:
  struct Parts {
    net::Loop& loop;
    metrics::Core& metrics;
    hub::Hub& hub;
    base::Random& random;
    Admission& admission;
    const Options& options;
  };

  explicit Edge(const Parts& parts);
  ~Edge();
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // Before the first connection: the edges of all cores in order, this one among them.
  void connect(std::span<Edge* const> edges);

  // Adds the endpoints that clients connect to. The edge must outlive the router.
  void add_routes(http::Router& router);

  // Closes every client with `why`. Handshakes that come later get 503, and polls that wait for
  // another node are told to ask again.
  void drain(const model::Disconnect& why);

  size_t connections() const;
  size_t local_channels() const;  // with a subscriber on this core

  // hub::Delivery
  void deliver(std::string_view channel, std::span<const hub::Event> events) override;
  void answer(hub::Answer answer) override;
  void carry_out(const hub::Order& order) override;
  void on_control(std::string_view bytes) override;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace millrace::edge
