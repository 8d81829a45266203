// HTTP/1.1, server side (RFC 9110, RFC 9112): requests in, responses out, and the door through
// which a WebSocket leaves. Outgoing requests are in client.h, which is part of this contract.
//
// A Server belongs to one core and takes over accepted streams. It parses with a library behind
// this header, answers through a Router, and gives a stream away when a handler takes it (101
// Switching Protocols). A WebSocket that was upgraded costs nothing here.
//
// Limits     Options: bytes and count of headers, bytes of body, requests in flight, and time to
//            the first byte of a request, between its bytes, and for all of its head. Every
//            malformed or ambiguous request gets a 4xx and a close.
// Order      Responses of one connection leave in the order of its requests (pipelining),
//            whenever they are ready.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/client.h"  // IWYU pragma: export
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::http {

struct Options {
  size_t head_bytes_max = 16UL * 1024;  // request line and headers: 431, or 414 for the line alone
  size_t headers_max = 100;             // 431
  size_t body_bytes_max = 1024UL * 1024;  // 413
  // Requests read but not answered; more are left unread until there is room.
  size_t pipelined_max = 64;
  // From the first byte of a request, and for the first request from the accept, to the end of its
  // head: 408, or just closed if no byte came.
  std::chrono::milliseconds head_timeout{10'000};
  // To the first byte, on a connection that answered before: closed. Also for a peer that takes
  // nothing of what is written to it.
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds body_gap_timeout{10'000};  // between bytes of a body: 408
};

// The values of all headers of one name, joined with ", " (RFC 9110, section 5.2): a view of the
// request where there is one, or none; a string of its own where there are several.
class JoinedHeader {
 public:
  void add(std::string_view value) {
    if (count_++ == 0) {
      only_ = value;
    } else {
      if (count_ == 2) several_ = only_;
      several_.append(", ").append(value);
    }
  }
  std::string_view view() const { return count_ > 1 ? several_ : only_; }

 private:
  size_t count_ = 0;
  std::string_view only_;
  std::string several_;
};

struct Header {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

// A parsed request. Views are valid until the handler returns.
struct Request {
  std::string_view method;
  std::string_view target;  // as it came
  std::string_view path;    // of the target, not decoded; always starts with '/'
  std::string_view query;   // after '?', not decoded
  bool http_1_1 = true;
  bool upgrade = false;  // asks for another protocol (Connection: upgrade)
  std::span<const Header> headers;
  std::string_view body;
  std::string_view peer;  // the other end's address, as net::Stream::peer()
  // What a PROXY header said of the other end, and whose word about clients is taken (null:
  // nobody's). For client().
  std::optional<net::IpAddress> proxied;
  const net::TrustedPeers* trusted_proxies = nullptr;

  // The value of a header, "" if absent; of several, the first. Names compare without case.
  std::string_view header(std::string_view name) const;
  JoinedHeader joined_header(std::string_view name) const;
  // A query parameter, percent-decoded ('+' is a space); nullopt if absent or badly encoded.
  std::optional<std::string> parameter(std::string_view name) const;
  // All of one name, in order, those that are badly encoded left out.
  std::vector<std::string> parameters(std::string_view name) const;

  // The client's address without its port, "203.0.113.7": what a PROXY header said, or else the
  // peer's ("unix" for a unix socket's). If that is a trusted proxy, X-Forwarded-For is walked from
  // the right, and the first address that is no trusted proxy is the client's; without that header,
  // Forwarded (RFC 7239). What is malformed, hidden or unknown stops the walk at the address before
  // it: nobody is believed beyond a trusted proxy's word. Worked out at each call.
  std::string client() const;
  // Whether a trusted proxy has sent this request, so that what it says in headers of its own
  // counts.
  bool from_trusted_proxy() const;
};

struct Response {
  int status = 200;
  std::string content_type;  // "" sends no Content-Type
  std::string body;
  // Further ones; Content-Length, Date and Connection are made by the server.
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;

  static Response text(int status, std::string body);
  static Response json(int status, std::string body);

  // Status line and headers for a stream that was taken out of its server: the body is what follows
  // on it, and ends with it. `body` and `close` are not looked at.
  std::string endless_head() const;
  // All of it, for such a stream: it ends behind it, whatever `close` says.
  std::string last() const;
};

// A stream that was taken out of a server, and the bytes that the peer had sent beyond the request.
struct TakenStream {
  std::unique_ptr<net::Stream> stream;
  std::string unread;
};

// Answers one request, once, on the server's core, at once or later. Movable. One destroyed without
// an answer sends a 500. When the peer has gone, answering does nothing.
class Responder {
 public:
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();

  void send(Response response);

  // What the bytes of the request and of its answer are counted as, plain HTTP unless it is said
  // before the answer.
  void count_as(metrics::Transport transport);

  // Takes the connection out of the server; nothing has been written to it for this request. Only
  // inside the handler's call, and only when no earlier request is unanswered; else, and if the
  // peer has gone, nullopt (and a 400 is sent).
  std::optional<TakenStream> take_stream();

  // Whether the peer is known to have gone, so that expensive work may be skipped.
  bool gone() const;

  // For an answer that takes long: `on_gone` is called if the peer goes before it, or ends its
  // side, which for an HTTP client is the same. At most once, and not when the server is destroyed.
  void on_gone(std::move_only_function<void()> on_gone);

 private:
  friend class Connection;
  struct State;
  explicit Responder(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

using Handler = std::function<void(const Request& request, Responder responder)>;

// Paths to handlers; filled before the server starts. An unknown path is 404; a known one with
// another method 405 with Allow. A GET route answers HEAD too (the body is left out).
class Router {
 public:
  // `path` is matched exactly; one that ends in '/' followed by '*' matches everything below it.
  void add(std::string method, std::string path, Handler handler);
  // Calls the handler that fits, or answers 404 or 405.
  void route(const Request& request, Responder responder) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Handler handler;
  };
  std::vector<Route> routes_;
};

// The HTTP connections of one core.
class Server {
 public:
  // `trusted_proxies`: for Request::client().
  Server(net::Loop& loop, metrics::Core& metrics, const Options& options, const Router& router,
         net::TrustedPeers trusted_proxies = {});
  ~Server();

  // `proxied` is the client's address as a PROXY header said it, if there was one.
  void accept(std::unique_ptr<net::Stream> stream,
              const std::optional<net::IpAddress>& proxied = std::nullopt);

  // Answers 503 with Retry-After and closes, after at most one read: for a node that is full. A
  // bounded number waits a bounded time; over it, the oldest one goes.
  void refuse(std::unique_ptr<net::Stream> stream, std::chrono::seconds retry_after);

  // Drain: idle connections are closed now, the others after the response they are at.
  void close_when_idle();

  size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- Without sockets: what the server, its tests and the fuzz target call ----

struct ParseError {
  int status = 400;
  std::string_view reason;
};

// An incremental parser of one connection's requests. feed() takes the bytes that came, cut
// anywhere; next() hands over one whole request at a time. Strict where ambiguity is dangerous:
// both Content-Length and Transfer-Encoding, differing or repeated Content-Length, a bare LF or CR,
// white space before a header's colon, obs-fold, an unknown transfer coding, no or two Host headers
// are all errors (RFC 9112, sections 3.2, 5.1, 5.2, 6.1, 11.2).
class RequestParser {
 public:
  explicit RequestParser(const Options& options);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Step : uint8_t { kNeedMore, kRequest, kError };

  void feed(std::string_view bytes);
  // kRequest: request() is valid until the next call of feed() or next(). kError: error() says what
  // to answer; no more follows.
  Step next();
  const Request& request() const;
  const ParseError& error() const;
  bool keep_alive() const;  // of the request last handed over

  // For time-outs: bytes of a request are there, but not all of its head, or not all of its body.
  bool in_head() const;
  bool in_body() const;
  // Whether the peer holds back a body until it is told "100 Continue" (RFC 9110, section 10.1.1).
  // True once a request.
  bool take_expect_continue();
  // Bytes that came behind the request last handed over; take_unread() hands them over, if that was
  // one with `upgrade`.
  size_t unread_bytes() const;
  std::string take_unread();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::http
