#include "edge/stream_connection.h"

#include <utility>

#include "edge/poll_stream.h"

namespace millrace::edge {
namespace {

// Requests that may wait for one client, which sends them one after another or a few at once.
constexpr size_t kWaitingMax = 64;
constexpr size_t kWaitingBytesMax = 1024UL * 1024;

}  // namespace

StreamConnection::StreamConnection(Core& core, std::unique_ptr<net::Stream> stream,
                                   Transport transport, Variant variant)
    : Connection(core, std::move(stream), transport, variant), secret_(make_uuid(core.random)) {}

StreamConnection::StreamConnection(Core& core, std::unique_ptr<PollStream> stream, Variant variant)
    : Connection(core, std::move(stream), Transport::kLongPoll, variant),
      secret_(make_uuid(core.random)) {}

StreamConnection::~StreamConnection() {
  if (waiting_ == nullptr) return;
  // The end of its stream says more than a status could.
  for (Waiting& each : waiting_->requests) each.answered(answer());
  note_waiting(-static_cast<int64_t>(waiting_->bytes));
}

void StreamConnection::start(std::string_view head, std::string_view commands) {
  open(head);
  expect_connect();
  session_.on_frame(core_, *this, commands);
}

void StreamConnection::start(Opening opening, const protocol::ConnectRequest& connect) {
  if (opening.refusals.empty())
    open(opening.head);
  else
    opening_ = std::make_unique<Opening>(std::move(opening));
  expect_connect();
  session_.connect(core_, *this, connect);
}

void StreamConnection::open(std::string_view head) {
  push_frame(base::SharedBytes::copy_of(head), 0);
}

void StreamConnection::on_connected() {
  if (opening_ != nullptr) open(std::exchange(opening_, nullptr)->head);
  Connection::on_connected();
}

bool StreamConnection::is_session(const SessionId& id) const {
  unsigned difference = id.connection == ref() ? 0 : 1;
  for (size_t i = 0; i < secret_.size(); ++i)
    difference |= static_cast<unsigned>(id.secret[i] ^ secret_[i]);
  return difference == 0;
}

PollStream* StreamConnection::polls() const {
  if (transport() != Transport::kLongPoll) return nullptr;
  return static_cast<PollStream*>(stream_.get());
}

// ---- Input ----

// The client has sent its request; what it sends behind that is for nobody.
void StreamConnection::take_input(std::span<char>) {}

void StreamConnection::on_request(SessionRequest request, SessionAnswered answered) {
  switch (request.kind) {
    case SessionRequest::Kind::kCommands:
      return take_commands(std::move(request.data), std::move(answered));
    case SessionRequest::Kind::kPoll:
      if (polls() == nullptr) return answered({.status = 400});
      return polls()->poll(request.ack, std::move(answered));
    case SessionRequest::Kind::kLetGo:
      answered({});
      if (polls() != nullptr) polls()->let_go(request.ack);
      return;
    case SessionRequest::Kind::kGoodbye:
      answered({});
      if (polls() != nullptr) done();
      return;
  }
}

// To one that is closing nobody needs to say anything: it is told why on the way that it listens.
void StreamConnection::take_commands(std::string commands, SessionAnswered answered) {
  if (state_ != State::kOpen) return answered(answer());
  if (variant().bare) return answered(answer(400));
  if (!must_wait()) {
    session_.on_frame(core_, *this, commands);
    return answered(answer());
  }
  if (waiting_ == nullptr) waiting_ = std::make_unique<Queue>();
  if (waiting_->requests.size() == kWaitingMax ||
      waiting_->bytes + commands.size() > kWaitingBytesMax) {
    answered(answer(429));
    return close(model::disconnects::kTooManyRequests);
  }
  waiting_->bytes += commands.size();
  note_waiting(static_cast<int64_t>(commands.size()));
  waiting_->requests.push_back({std::move(commands), std::move(answered)});
}

SessionAnswer StreamConnection::answer(int status) const {
  return {.status = status, .transport = transport()};
}

void StreamConnection::note_waiting(int64_t bytes) {
  core_.metrics.add(metrics::TransportGauge::kKeptBytes, transport(), bytes);
}

bool StreamConnection::must_wait() const {
  return waiting_ != nullptr || session_.connecting() || too_many_in_flight(false);
}

// In a turn of its own: this may be the end of one, after which nothing more of it is flushed.
void StreamConnection::update_input() {
  if (waiting_ == nullptr || session_.connecting() || too_many_in_flight(true)) return;
  core_.loop.post([&core = core_, ref = ref()] {
    Connection* const connection = core.find(ref);
    if (connection != nullptr) connection->emulated()->take_waiting();
  });
}

void StreamConnection::take_waiting() {
  while (waiting_ != nullptr && state_ == State::kOpen) {
    if (session_.connecting() || too_many_in_flight(true)) return;
    Waiting next = std::move(waiting_->requests.front());
    waiting_->requests.pop_front();
    waiting_->bytes -= next.commands.size();
    note_waiting(-static_cast<int64_t>(next.commands.size()));
    if (waiting_->requests.empty()) waiting_.reset();
    session_.on_frame(core_, *this, next.commands);
    next.answered(answer());
  }
}

// ---- Closing ----

bool StreamConnection::refuse(uint32_t code, std::string_view meaning) {
  if (opening_ == nullptr) return false;
  const std::string response = opening_->refusal(code, meaning);
  if (response.empty()) return false;
  opening_.reset();
  open(response);
  begin_close(State::kFinishing);
  return true;
}

void StreamConnection::say_goodbye(const model::Disconnect& why) {
  if (refuse(why.code, why.reason)) return;
  if (opening_ != nullptr) open(std::exchange(opening_, nullptr)->head);
  push({}, protocol::DisconnectPush{why});
  begin_close(State::kFinishing);
}

}  // namespace millrace::edge
