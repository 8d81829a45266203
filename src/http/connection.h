// One HTTP connection: reads requests, hands them to the router, and writes the answers in the
// order of the requests.
//
//   open --a last request, an error, a drain--> finishing --all written--> lingering --> gone
//     |--taken by a handler--> gone (the stream lives on elsewhere)
//     '--the stream is dead, or time is up--> gone
//
//   open       reads, parses and dispatches                 dispatch_requests()
//   finishing  reads no more; answers what is in flight     collect_answers(), write_output()
//   lingering  has sent FIN; throws away what still comes   linger(), discard_input()
//   gone       leaves the server as the callback returns    ~Callback()
//
// It lingers because closing on unread bytes would send RST, and the peer could lose the answer
// that was on its way to it (RFC 9112, section 9.6).
//
// Lifetime   Handlers run inside callbacks and may do anything that ends the connection: nothing is
//            destroyed before the outermost Callback goes out of scope. A responder shares an
//            exchange with the connection; who goes first cuts the tie.
// Limits     While pipelined_max requests are unanswered, or kOutputBytesMax wait to be written,
//            nothing is read or dispatched. A peer that takes none of its output for idle_timeout
//            is cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"
#include "http/response.h"
#include "net/net.h"

namespace millrace::http {

class Connection;

// One request on its way to an answer: shared, because a responder may outlive the connection and
// the other way round.
struct Responder::State {
  Connection* connection = nullptr;  // null when it has gone
  Framing framing;
  bool in_handler = false;
  bool answered = false;
  metrics::Transport counted_as = metrics::Transport::kHttp;
  size_t request_bytes = 0;  // until they are counted
  std::string output;        // the answer, until those before it have left
  std::move_only_function<void()> on_gone;
};

// What the connections of one server share.
class ConnectionOwner {
 public:
  ConnectionOwner(net::Loop& server_loop, metrics::Core& server_metrics,
                  const Options& server_options, const Router& routes, net::TrustedPeers trusted)
      : loop(server_loop),
        metrics(server_metrics),
        options(server_options),
        router(routes),
        trusted_proxies(std::move(trusted)) {}

  // Destroys `connection`.
  virtual void remove(Connection& connection) = 0;

  net::Loop& loop;
  metrics::Core& metrics;
  const Options options;
  const Router& router;
  const net::TrustedPeers trusted_proxies;
  DateLine date;
  bool draining = false;

 protected:
  ~ConnectionOwner() = default;
};

class Connection final : private net::StreamHandler, private net::Timer {
 public:
  static constexpr size_t kReadBytesMax = 64UL * 1024;     // a turn, so that nobody hogs it
  static constexpr size_t kOutputBytesMax = 256UL * 1024;  // waiting; one response may be larger
  static constexpr size_t kLingerBytesMax = 1024UL * 1024;
  static constexpr base::Duration kLingerTime = std::chrono::seconds(2);

  Connection(ConnectionOwner& owner, std::unique_ptr<net::Stream> stream,
             const std::optional<net::IpAddress>& proxied);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Drain: closes now if nothing is under way, else after the last answer that is.
  void close_when_idle();

  // The responders' side.
  void answer(Responder::State& exchange, const Response& response);
  std::optional<TakenStream> take_stream(Responder::State& exchange);

  // Where the owner keeps it.
  size_t slot = 0;

 private:
  using Exchange = std::shared_ptr<Responder::State>;
  enum class Phase : uint8_t { kOpen, kFinishing, kLingering, kGone };
  enum class Wait : uint8_t { kNone, kHead, kBody, kIdle, kWrite, kLinger };
  class Callback;

  void on_readable() override;
  void on_writable() override;
  void on_timer() override;

  void advance();
  bool dispatch_requests();
  Request identified(Request request);
  void dispatch();
  void fail(const ParseError& error);
  void respond(Responder::State& exchange, const Response& response);
  void count_request(Responder::State& exchange);
  void collect_answers();
  void append_output(std::string bytes);
  void write_output();
  void discard_input(std::string_view bytes);
  void settle();
  void linger();
  bool somebody_listens_for_the_end() const;
  void tell_gone();
  void detach_exchanges();
  void update_timer();
  Wait wanted_wait() const;
  bool has_room() const;
  size_t output_bytes() const { return output_.size() - written_; }

  ConnectionOwner& owner_;
  std::unique_ptr<net::Stream> stream_;
  RequestParser parser_;
  std::string peer_;  // asked for with the first request
  const std::optional<net::IpAddress> proxied_;
  std::vector<Exchange> exchanges_;  // in order; answered only behind an unanswered one
  std::string output_;
  size_t written_ = 0;  // of output_
  size_t discarded_bytes_ = 0;
  size_t uncounted_bytes_ = 0;  // that were read and belong to no request yet
  uint64_t requests_ = 0;
  uint64_t wait_request_ = 0;  // the request that wait_ began with
  uint32_t depth_ = 0;         // callbacks on the stack
  Phase phase_ = Phase::kOpen;
  Wait wait_ = Wait::kNone;
  bool received_ = false;  // bytes, since the timer was last looked at
  bool sent_ = false;      // likewise
  bool blocked_ = false;   // the stream took less than it was given
  bool peer_ended_ = false;
};

}  // namespace millrace::http
