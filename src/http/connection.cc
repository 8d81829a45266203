#include "http/connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"

namespace millrace::http {
namespace {

namespace log = base::log;
using metrics::Counter;
using metrics::Transport;
using metrics::TransportCounter;
using Status = net::IoResult::Status;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Counter class_counter(int status) {
  if (status >= 500) return Counter::kHttpResponses5xx;
  if (status >= 400) return Counter::kHttpResponses4xx;
  return status >= 300 ? Counter::kHttpResponses3xx : Counter::kHttpResponses2xx;
}

Counter rejection_counter(int status) {
  if (status == 408) return Counter::kHttpTimeout;
  const bool size = status == 413 || status == 414 || status == 431;
  return size ? Counter::kHttpTooLarge : Counter::kHttpMalformed;
}

}  // namespace

// Stands at the top of everything that enters a connection from outside.
class Connection::Callback {
 public:
  explicit Callback(Connection& connection) : connection_(connection) { ++connection_.depth_; }
  ~Callback() {
    if (--connection_.depth_ == 0 && connection_.phase_ == Phase::kGone)
      connection_.owner_.remove(connection_);
  }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

 private:
  Connection& connection_;
};

Connection::Connection(ConnectionOwner& owner, std::unique_ptr<net::Stream> stream,
                       const std::optional<net::IpAddress>& proxied)
    : owner_(owner), stream_(std::move(stream)), parser_(owner.options), proxied_(proxied) {
  stream_->set_handler(this);
  owner_.metrics.add(metrics::Gauge::kHttpConnections, 1);
  update_timer();
}

Connection::~Connection() {
  MILLRACE_DEBUG_ASSERT(depth_ == 0);
  detach_exchanges();
  owner_.metrics.add(TransportCounter::kBytesInbound, Transport::kHttp, uncounted_bytes_);
  owner_.metrics.add(metrics::Gauge::kHttpConnections, -1);
}

// ---- Events ----

void Connection::on_readable() {
  const Callback callback(*this);
  // Nothing is asked for after the peer's end, so this is the news that all of the stream is dead.
  if (peer_ended_) {
    phase_ = Phase::kGone;
    return;
  }
  const std::span<char> scratch = owner_.loop.scratch().first(kReadBytesMax);
  const net::IoResult result = stream_->read(scratch);
  switch (result.status) {
    case Status::kWouldBlock:
      return;
    case Status::kError:
      phase_ = Phase::kGone;
      return tell_gone();
    case Status::kEnd:
      peer_ended_ = true;
      tell_gone();
      break;
    case Status::kDone: {
      uncounted_bytes_ += result.bytes;
      received_ = true;
      const std::string_view bytes(scratch.data(), result.bytes);
      if (phase_ == Phase::kOpen) {
        parser_.feed(bytes);
      } else {
        discard_input(bytes);
      }
      break;
    }
  }
  advance();
}

void Connection::on_writable() {
  const Callback callback(*this);
  blocked_ = false;
  advance();
}

void Connection::on_timer() {
  const Callback callback(*this);
  const Wait over = std::exchange(wait_, Wait::kNone);
  switch (over) {
    case Wait::kNone:
      return;
    case Wait::kHead:
      if (parser_.in_head()) {
        fail({408, "the head took too long"});
        break;
      }
      // Not a byte came. A browser that connects ahead of need would take a 408 for the answer to
      // its first request.
      owner_.metrics.add(Counter::kHttpTimeout);
      phase_ = Phase::kGone;
      return;
    case Wait::kBody:
      fail({408, "the body took too long"});
      break;
    case Wait::kWrite:
      owner_.metrics.add(Counter::kHttpTimeout);
      stream_->reset();
      phase_ = Phase::kGone;
      return;
    case Wait::kIdle:
    case Wait::kLinger:
      phase_ = Phase::kGone;
      return;
  }
  advance();
}

void Connection::close_when_idle() {
  const Callback callback(*this);
  if (phase_ == Phase::kOpen && !exchanges_.empty()) {
    exchanges_.back()->framing.close = true;
    phase_ = Phase::kFinishing;
  }
  if (depth_ == 1) advance();
}

// ---- Reading and dispatching ----

// Goes as far as input and room allow; then decides what to wait for.
void Connection::advance() {
  collect_answers();
  bool starved = false;
  do {
    starved = dispatch_requests();
    // Answers to what came before go first; until then the peer waits, or sends its body without
    // being told.
    if (phase_ == Phase::kOpen && exchanges_.empty() && parser_.take_expect_continue()) {
      owner_.metrics.add(TransportCounter::kBytesOutbound, Transport::kHttp, kContinue.size());
      append_output(std::string(kContinue));
    }
    write_output();
  } while (!starved && phase_ == Phase::kOpen && has_room());
  settle();
}

bool Connection::has_room() const {
  return exchanges_.size() < owner_.options.pipelined_max && output_bytes() < kOutputBytesMax;
}

// Returns whether it stopped for want of bytes, rather than of room.
bool Connection::dispatch_requests() {
  while (phase_ == Phase::kOpen && has_room()) {
    switch (parser_.next()) {
      case RequestParser::Step::kNeedMore:
        return true;
      case RequestParser::Step::kError:
        fail(parser_.error());
        return true;
      case RequestParser::Step::kRequest:
        dispatch();
        break;
    }
  }
  return false;
}

// With who is at the other end.
Request Connection::identified(Request request) {
  if (peer_.empty()) peer_ = stream_->peer();
  request.peer = peer_;
  request.proxied = proxied_;
  request.trusted_proxies = &owner_.trusted_proxies;
  return request;
}

void Connection::dispatch() {
  owner_.metrics.add(Counter::kHttpRequests);
  ++requests_;
  const Request request = identified(parser_.request());
  if (log::enabled(log::Level::kDebug)) {
    log::debug("request", {{"method", request.method},
                           {"path", request.path},
                           {"client", request.client()},
                           {"peer", request.peer}});
  }
  const auto exchange = std::make_shared<Responder::State>();
  exchange->connection = this;
  exchange->framing = {.head = request.method == "HEAD",
                       .http_1_1 = request.http_1_1,
                       .close = !parser_.keep_alive() || owner_.draining};
  const size_t behind = parser_.unread_bytes();
  exchange->request_bytes = std::exchange(uncounted_bytes_, behind) - behind;
  exchange->in_handler = true;
  exchanges_.push_back(exchange);
  if (exchange->framing.close) phase_ = Phase::kFinishing;
  owner_.router.route(request, Responder(exchange));
  exchange->in_handler = false;
  collect_answers();
}

// The last answer of this connection, in its place behind those to the requests before.
void Connection::fail(const ParseError& error) {
  owner_.metrics.add(rejection_counter(error.status));
  if (log::enabled(log::Level::kDebug)) {
    // Of what is malformed no header is believed.
    const Request request = identified({});
    log::debug("request refused", {{"status", error.status},
                                   {"reason", error.reason},
                                   {"client", request.client()},
                                   {"peer", request.peer}});
  }
  const auto exchange = std::make_shared<Responder::State>();
  exchange->framing.close = true;
  exchange->request_bytes = std::exchange(uncounted_bytes_, 0);
  exchange->answered = true;
  respond(*exchange, Response::text(error.status, std::string(error.reason) + "\n"));
  exchanges_.push_back(exchange);
  phase_ = Phase::kFinishing;
  collect_answers();
}

void Connection::discard_input(std::string_view bytes) {
  discarded_bytes_ += bytes.size();
  if (discarded_bytes_ > kLingerBytesMax) phase_ = Phase::kGone;
}

// ---- Answering and writing ----

void Connection::answer(Responder::State& exchange, const Response& response) {
  const Callback callback(*this);
  respond(exchange, response);
  // Inside a callback of this connection its end does the rest, for all answers together.
  if (depth_ == 1) advance();
}

void Connection::respond(Responder::State& exchange, const Response& response) {
  if (response.close) exchange.framing.close = true;
  exchange.output = serialized(response, exchange.framing, owner_.date.at(base::wall_clock_ms()));
  owner_.metrics.add(class_counter(response.status));
  owner_.metrics.add(TransportCounter::kBytesOutbound, exchange.counted_as, exchange.output.size());
  count_request(exchange);
}

// Whose bytes they are is known when it is answered, or never will be.
void Connection::count_request(Responder::State& exchange) {
  owner_.metrics.add(TransportCounter::kBytesInbound, exchange.counted_as,
                     std::exchange(exchange.request_bytes, 0));
}

std::optional<TakenStream> Connection::take_stream(Responder::State& exchange) {
  const Callback callback(*this);
  const bool first = exchange.in_handler && exchanges_.size() == 1 && phase_ != Phase::kGone;
  if (first) write_output();  // answers to earlier requests
  if (!first || peer_ended_ || phase_ == Phase::kGone || output_bytes() > 0) return std::nullopt;
  phase_ = Phase::kGone;
  detach_exchanges();
  stream_->set_handler(nullptr);
  stream_->pause_reading(false);
  return TakenStream{std::move(stream_), parser_.take_unread()};
}

// Moves the answers whose turn has come to the output.
void Connection::collect_answers() {
  size_t ready = 0;
  while (ready < exchanges_.size() && exchanges_[ready]->answered) {
    Responder::State& exchange = *exchanges_[ready++];
    append_output(std::move(exchange.output));
    exchange.connection = nullptr;
    if (!exchange.framing.close) continue;
    phase_ = Phase::kFinishing;
    detach_exchanges();  // the peer was told that nothing follows
    return;
  }
  exchanges_.erase(exchanges_.begin(), exchanges_.begin() + static_cast<ptrdiff_t>(ready));
}

void Connection::append_output(std::string bytes) {
  if (output_.empty()) {
    output_ = std::move(bytes);
    return;
  }
  output_.erase(0, written_);
  written_ = 0;
  output_ += bytes;
}

void Connection::write_output() {
  while (phase_ != Phase::kGone && !output_.empty() && !blocked_) {
    const std::string_view part = std::string_view(output_).substr(written_);
    const net::IoResult result = stream_->write({&part, 1});
    owner_.metrics.add(Counter::kWrites);
    if (result.status == Status::kError || result.status == Status::kEnd) {
      phase_ = Phase::kGone;
      return;
    }
    const size_t taken = result.status == Status::kDone ? result.bytes : 0;
    written_ += taken;
    if (taken > 0) sent_ = true;
    if (written_ < output_.size()) {
      owner_.metrics.add(Counter::kShortWrites);
      blocked_ = true;
      return;
    }
    output_ = {};
    written_ = 0;
  }
}

// ---- What next ----

void Connection::settle() {
  if (phase_ == Phase::kGone) return;
  if (exchanges_.empty() && output_.empty() && phase_ != Phase::kLingering) {
    const bool idle = !parser_.in_head() && !parser_.in_body();
    if (peer_ended_ || (owner_.draining && idle && phase_ == Phase::kOpen)) {
      phase_ = Phase::kGone;
      return;
    }
    if (phase_ == Phase::kFinishing) linger();
  } else if (phase_ == Phase::kLingering && peer_ended_) {
    phase_ = Phase::kGone;
    return;
  }
  // After the last request only the peer's end is of interest, and only to some.
  const bool deaf = phase_ == Phase::kFinishing && !somebody_listens_for_the_end();
  stream_->pause_reading(deaf || (phase_ == Phase::kOpen && !has_room()));
  update_timer();
}

void Connection::linger() {
  phase_ = Phase::kLingering;
  stream_->shutdown_write();
}

bool Connection::somebody_listens_for_the_end() const {
  return !peer_ended_ && std::ranges::any_of(exchanges_, [](const Exchange& exchange) {
    return static_cast<bool>(exchange->on_gone);
  });
}

// Who hears it may answer, and so change the list.
void Connection::tell_gone() {
  const std::vector<Exchange> exchanges = exchanges_;
  for (const Exchange& exchange : exchanges) {
    if (exchange->on_gone) std::exchange(exchange->on_gone, nullptr)();
  }
}

void Connection::detach_exchanges() {
  for (const Exchange& exchange : exchanges_) {
    count_request(*exchange);
    exchange->connection = nullptr;
  }
  exchanges_.clear();
}

Connection::Wait Connection::wanted_wait() const {
  if (phase_ == Phase::kLingering) return Wait::kLinger;
  if (!output_.empty()) return Wait::kWrite;
  if (phase_ != Phase::kOpen || !has_room() || peer_ended_) return Wait::kNone;
  if (parser_.in_body()) return Wait::kBody;
  // A connection's first byte counts as part of its first head, or it could be kept open for ever
  // at no cost.
  if (parser_.in_head() || requests_ == 0) return Wait::kHead;
  return exchanges_.empty() ? Wait::kIdle : Wait::kNone;
}

void Connection::update_timer() {
  const Wait wanted = wanted_wait();
  const bool received = std::exchange(received_, false);
  const bool sent = std::exchange(sent_, false);
  const bool moves = (wanted == Wait::kBody && received) || (wanted == Wait::kWrite && sent);
  if (wanted == wait_ && wait_request_ == requests_ && !moves) return;
  wait_ = wanted;
  wait_request_ = requests_;
  net::TimerWheel& wheel = owner_.loop.wheel();
  switch (wanted) {
    case Wait::kNone:
      return wheel.cancel(*this);
    case Wait::kHead:
      return wheel.set(*this, owner_.options.head_timeout);
    case Wait::kBody:
      return wheel.set(*this, owner_.options.body_gap_timeout);
    case Wait::kIdle:
    case Wait::kWrite:
      return wheel.set(*this, owner_.options.idle_timeout);
    case Wait::kLinger:
      return wheel.set(*this, kLingerTime);
  }
}

}  // namespace millrace::http
