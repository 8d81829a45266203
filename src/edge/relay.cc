#include "edge/relay.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/log.h"
#include "edge/core.h"

namespace millrace::edge {
namespace {

using namespace std::chrono_literals;
using metrics::Counter;
using Kind = SessionRequest::Kind;

constexpr base::Duration kQuiet = 10s;  // between words about dropped messages

Counter counter_of(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kNotFound:
      return Counter::kNodeMessagesNotFound;
    case base::ErrorCode::kTooLarge:
      return Counter::kNodeMessagesTooLarge;
    default:
      return Counter::kNodeMessagesUnavailable;
  }
}

int status_of(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kNotFound:
      return 404;
    case base::ErrorCode::kTooLarge:
      return 413;
    default:
      return 503;
  }
}

}  // namespace

// A request that another node is to answer.
struct Relay::Waiting final : net::Timer {
  Waiting(Relay& of, uint64_t number) : relay(of), id(number) {}
  void on_timer() override { relay.on_deadline(id); }

  Relay& relay;
  const uint64_t id;
  hub::Address to;
  Kind kind = Kind::kCommands;
  SessionId session;
  uint64_t ack = 0;
  SessionAnswered answered;
};

Relay::Relay(Core& core) : core_(core), self_(std::make_shared<Relay*>(this)) {}
Relay::~Relay() = default;

hub::Address Relay::own_address() const {
  return {.node = core_.options.node, .core = core_.loop.core()};
}

// ---- Ours, to another node ----

void Relay::ask(std::string_view node, SessionRequest request, SessionAnswered answered) {
  hub::Address to{.node = std::string(node), .core = request.session.connection.core};
  if (request.kind == Kind::kLetGo) {
    answered({});
    return send({.from = own_address(), .request = std::move(request)}, to);
  }
  const bool poll = request.kind == Kind::kPoll;
  if (poll && core_.draining) return answered({});
  if (waiting_.size() >= core_.options.node_requests_max) {
    core_.metrics.add(Counter::kNodeRequestsLimit);
    return answered({.status = 503});
  }
  auto made = std::make_unique<Waiting>(*this, ++last_id_);
  Waiting& waiting = *made;
  waiting.to = to;
  waiting.kind = request.kind;
  waiting.session = request.session;
  waiting.ack = request.ack;
  waiting.answered = std::move(answered);
  const base::Duration hold = poll ? core_.options.long_poll.hold : 0ms;
  core_.loop.wheel().set(waiting, hold + core_.options.node_timeout);
  waiting_.emplace(waiting.id, std::move(made));
  send({.from = own_address(), .id = last_id_, .request = std::move(request)}, to);
}

void Relay::send(const ControlAsk& ask, const hub::Address& to) {
  core_.metrics.add(Counter::kNodeMessagesOutbound);
  core_.hub.send_control(to, encode(ask),
                         [relay = std::weak_ptr(self_), id = ask.id](const base::Result<>& sent) {
                           if (sent) return;
                           if (const auto alive = relay.lock())
                             (*alive)->on_unsent(id, sent.error());
                         });
}

void Relay::on_unsent(uint64_t id, const base::Error& error) {
  core_.metrics.add(counter_of(error.code));
  finish(id, {.status = status_of(error.code)});
}

void Relay::on_answer(ControlAnswer answer) {
  const auto found = waiting_.find(answer.id);
  if (found == waiting_.end() || found->second->to != answer.from)
    return core_.metrics.add(Counter::kNodeMessagesLate);
  finish(answer.id, std::move(answer.answer));
}

void Relay::on_deadline(uint64_t id) {
  core_.metrics.add(Counter::kNodeRequestsTimeout);
  let_go(*waiting_.at(id));
  finish(id, {.status = 504});
}

// What the session would answer now, nobody would get before its client asks again.
void Relay::let_go(const Waiting& poll) {
  if (poll.kind != Kind::kPoll) return;
  send({.from = own_address(),
        .request = {.session = poll.session, .kind = Kind::kLetGo, .ack = poll.ack}},
       poll.to);
}

void Relay::finish(uint64_t id, SessionAnswer answer) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  SessionAnswered answered = std::move(found->second->answered);
  waiting_.erase(found);
  answered(std::move(answer));
}

void Relay::drain() {
  std::vector<uint64_t> polls;
  for (const auto& [id, waiting] : waiting_) {
    if (waiting->kind == Kind::kPoll) polls.push_back(id);
  }
  for (const uint64_t id : polls) {
    let_go(*waiting_.at(id));
    finish(id, {});
  }
}

// ---- Another node's, to us ----

void Relay::on_control(std::string_view bytes) {
  core_.metrics.add(Counter::kNodeMessagesInbound);
  std::expected<Control, ControlFault> control = decode_control(bytes);
  if (!control) return drop(control.error(), bytes.size());
  if (auto* const ask = std::get_if<ControlAsk>(&*control)) return on_ask(std::move(*ask));
  on_answer(std::move(std::get<ControlAnswer>(*control)));
}

// A session answers before the core that it is on has gone, and therefore before us.
void Relay::on_ask(ControlAsk ask) {
  core_.on_request(std::move(ask.request),
                   [this, to = std::move(ask.from), id = ask.id](SessionAnswer answered) {
                     if (id != 0) answer(to, id, std::move(answered));
                   });
}

void Relay::answer(const hub::Address& to, uint64_t id, SessionAnswer answered) {
  core_.metrics.add(Counter::kNodeMessagesOutbound);
  std::string bytes =
      encode(ControlAnswer{.from = own_address(), .id = id, .answer = std::move(answered)});
  core_.hub.send_control(to, std::move(bytes),
                         [relay = std::weak_ptr(self_), to, id](const base::Result<>& sent) {
                           if (sent) return;
                           const auto alive = relay.lock();
                           if (alive == nullptr) return;
                           (*alive)->core_.metrics.add(counter_of(sent.error().code));
                           // The client gets it where the session is: it asks again, and may come
                           // to that node then.
                           if (sent.error().code == base::ErrorCode::kTooLarge)
                             (*alive)->answer(to, id, {.status = 503});
                         });
}

void Relay::drop(ControlFault fault, size_t bytes) {
  const bool unknown = fault == ControlFault::kUnknown;
  core_.metrics.add(unknown ? Counter::kNodeMessagesUnknown : Counter::kNodeMessagesMalformed);
  if (core_.loop.now() < quiet_until_) return;
  quiet_until_ = core_.loop.now() + kQuiet;
  base::log::warn("a message of another node was dropped",
                  {{"reason", unknown ? "unknown kind" : "malformed"}, {"bytes", bytes}});
}

}  // namespace millrace::edge
