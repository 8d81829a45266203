// The life of a connection:
//
//   kOpen ──▶ kClosing ──▶ kFinishing ──▶ kLingering ──▶ kDone
//
//   kOpen       messages flow
//   kClosing    (WebSocket) our close frame is queued or sent; the peer's is awaited, all else is
//               discarded
//   kFinishing  nothing more is awaited from the peer: what is pending must leave
//   kLingering  everything was sent, FIN too; what the peer still sends is read and discarded,
//               because closing a socket with unread bytes sends RST, which may overtake the end
//   kDone       to be destroyed at the end of the turn
//
// Every state but kOpen and kDone has a deadline of close_timeout. Flushing, at the end of the
// turn, moves a closing connection on; so nothing is destroyed, and no listener removed from a
// channel, while a fan-out walks over them.
#include "edge/connection.h"

#include <array>
#include <utility>

#include "edge/framing.h"
#include "edge/refusal.h"

namespace millrace::edge {
namespace {

// more commands of a client than this are not read before earlier ones are answered
constexpr size_t kAsksInFlightMax = 1024;

// Replies are joined up to this size; then the next frame begins.
constexpr size_t kRepliesBytesAim = 32UL * 1024;

// One for all pings there will ever be, in each way in which they are sent.
const base::SharedBytes& ping_frame(Variant variant) {
  constexpr size_t kFramings = 4;
  static const auto frames = [] {
    std::array<base::SharedBytes, kFramings * protocol::kFormats> made;
    for (size_t i = 0; i < made.size(); ++i) {
      const Variant of{.format = static_cast<protocol::Format>(i / kFramings),
                       .framing = static_cast<Framing>(i % kFramings)};
      std::string message;
      protocol::append_ping(of.format, message);
      made[i] = framed(of, message);
    }
    return made;
  }();
  return frames[static_cast<size_t>(variant.format) * kFramings +
                static_cast<size_t>(variant.framing)];
}

}  // namespace

Connection::Connection(Core& core, std::unique_ptr<net::Stream> stream, Transport transport,
                       Variant variant)
    : core_(core),
      stream_(std::move(stream)),
      transport_(transport),
      variant_(variant),
      session_(variant.format) {
  stream_->set_handler(this);
}

void Connection::expect_connect() {
  core_.loop.wheel().set(*this, core_.options.stale_close_delay);
}

// ---- Input ----

void Connection::on_readable() {
  if (state_ == State::kDone) return;
  if (state_ == State::kLingering || state_ == State::kFinishing) return discard_input();
  const std::span<char> scratch = core_.loop.scratch();
  const net::IoResult result = stream_->read(scratch);
  switch (result.status) {
    case net::IoResult::Status::kDone:
      core_.metrics.add(metrics::TransportCounter::kBytesInbound, transport(), result.bytes);
      return take_input(scratch.first(result.bytes));
    case net::IoResult::Status::kWouldBlock:
      return;
    case net::IoResult::Status::kEnd:
    case net::IoResult::Status::kError:
      broken_ = true;
      return done();
  }
}

void Connection::discard_input() {
  const std::span<char> scratch = core_.loop.scratch();
  const net::IoResult result = stream_->read(scratch);
  if (result.status == net::IoResult::Status::kError) return done();
  if (result.status != net::IoResult::Status::kEnd) return;
  // It may have closed its side only, and still be reading what is pending.
  peer_ended_ = true;
  if (state_ == State::kLingering) done();
}

// Whether a client has too much in flight, or does not read what it is sent: then it is not heard
// either. `already` says that it was so before.
bool Connection::too_many_in_flight(bool already) const {
  const size_t asks = session_.asks_in_flight();
  const size_t pending = outbox_.bytes();
  const size_t soft_max = core_.options.outbox_bytes_max / 2;
  return already ? asks > kAsksInFlightMax / 2 || pending > soft_max / 2
                 : asks > kAsksInFlightMax || pending > soft_max;
}

// ---- Output ----

void Connection::append_message(base::FunctionRef<void(std::string&)> append) {
  if (state_ != State::kOpen) return;
  if (replies_ == nullptr) replies_ = core_.spare_strings.take();
  append(*replies_);
  ++messages_to_flush_;
  core_.metrics.add(metrics::TransportCounter::kMessagesOutbound, transport());
  if (replies_->size() > kRepliesBytesAim || each_alone(variant_.framing)) seal_replies();
  mark_dirty();
}

void Connection::reply(uint32_t id, const protocol::ReplyBody& body) {
  if (variant_.bare) return tell_unidirectional(body);
  append_message([&](std::string& messages) {
    protocol::append_reply(session_.format(), messages, id, body);
  });
  const bool connected = std::holds_alternative<protocol::ConnectResult>(body);
  if (connected && held_ != nullptr) release_held();
}

void Connection::push(std::string_view channel, const protocol::PushBody& body) {
  append_message([&](std::string& messages) {
    protocol::append_push(session_.format(), messages, channel, body, 0, shape());
  });
}

// With the position at which the client stands, so that it goes on from there if it is cut off
// before the first publication.
void Connection::push_connected(const protocol::ConnectResult& result) {
  const protocol::ConnectPush body{result};
  const bool resumes = variant_.ids && result.subs.size() == 1 && result.subs[0].second.recoverable;
  if (!resumes) return push({}, body);
  const auto& [channel, sub] = result.subs[0];
  const model::Offset offset =
      sub.publications.empty() ? sub.offset : sub.publications.back().offset;
  std::string event;
  append_event_id(event, offset, sub.epoch, channel);
  std::string message;
  protocol::append_push(session_.format(), message, {}, body, 0, shape());
  append_framed(event, variant_, message);
  core_.metrics.add(metrics::TransportCounter::kMessagesOutbound, transport());
  push_frame(base::SharedBytes::copy_of(event), 0);
}

// It asked for one thing only: to be connected.
void Connection::tell_unidirectional(const protocol::ReplyBody& body) {
  if (const auto* error = std::get_if<model::ReplyError>(&body)) {
    if (refuse(error->code, error->message)) return;
    return close(disconnect_for(*error, core_.options.unidirectional_disconnects));
  }
  const auto* connected = std::get_if<protocol::ConnectResult>(&body);
  if (connected == nullptr) return;
  push_connected(*connected);
  if (held_ != nullptr) release_held();
}

void Connection::answer(hub::Answer& answer) {
  session_.on_answer(core_, *this, answer);
  update_input();
}

void Connection::carry_out(const hub::Order& order) {
  if (!echo_) session_.on_order(core_, *this, order);
}

void Connection::on_publications(const base::SharedBytes& frames, uint32_t messages) {
  if (state_ != State::kOpen) return core_.metrics.add(metrics::Counter::kDroppedClosing, messages);
  if (session_.connecting()) return hold(frames, messages);
  if (outbox_.publication_bytes() > core_.options.outbox_bytes_max) {
    // Nothing of this turn was offered to the kernel yet: only what it does not take makes a client
    // slow. In this state flushing removes no listener, so the fan-out may go on.
    flush();
    if (state_ == State::kOpen && outbox_.publication_bytes() > core_.options.outbox_bytes_max) {
      core_.metrics.add(metrics::Counter::kDroppedSlow, messages);
      return close(model::disconnects::kSlow);
    }
  }
  core_.metrics.add(metrics::TransportCounter::kMessagesOutbound, transport(), messages);
  const bool may_wait = core_.options.write_delay.count() > 0 && !dirty_;
  if (may_wait && messages_to_flush_ + messages < core_.options.batch_messages_max)
    return let_wait(frames, messages);
  push_frame(frames, messages);
}

void Connection::let_wait(const base::SharedBytes& frames, uint32_t messages) {
  outbox_.push(frames, messages);
  messages_to_flush_ += messages;
  if (!std::exchange(delayed_, true)) core_.flush_after_delay(*this);
}

void Connection::on_write_delay_over() {
  delayed_ = false;
  if (!outbox_.empty()) mark_dirty();
}

// The client does not know yet what it is subscribed to.
void Connection::hold(const base::SharedBytes& frames, uint32_t messages) {
  if (held_ == nullptr) held_ = std::make_unique<Held>();
  held_->frames.emplace_back(frames, messages);
  held_->bytes += frames.size();
  if (held_->bytes > core_.options.outbox_bytes_max) close(model::disconnects::kSlow);
}

void Connection::release_held() {
  const std::unique_ptr<Held> held = std::move(held_);
  for (auto& [frames, messages] : held->frames) {
    core_.metrics.add(metrics::TransportCounter::kMessagesOutbound, transport(), messages);
    push_frame(std::move(frames), messages);
  }
}

void Connection::push_frame(base::SharedBytes frame, uint32_t messages) {
  if (replies_ != nullptr) seal_replies();
  messages_to_flush_ += messages;
  outbox_.push(std::move(frame), messages);
  mark_dirty();
}

// Replies of a turn leave as one frame, in their place before whatever is pushed next.
void Connection::seal_replies() {
  outbox_.push(core_.fanout.frame_of(variant_, *replies_), 0);
  core_.spare_strings.give_back(std::move(replies_));
}

void Connection::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  core_.flush_later(*this);
}

void Connection::flush() {
  dirty_ = quiet_ = false;
  if (state_ == State::kDone) return;
  if (state_ != State::kOpen) leave();
  if (replies_ != nullptr) seal_replies();
  const Outbox::Written written = outbox_.flush(*stream_);
  core_.note_written(transport(), written, std::exchange(messages_to_flush_, 0));
  note_outbox_bytes(outbox_.bytes());
  switch (written.flushed) {
    case Outbox::Flushed::kFailed:
      broken_ = broken_ || state_ == State::kOpen;
      return done();
    case Outbox::Flushed::kBlocked:
      core_.metrics.add(metrics::Counter::kShortWrites);
      break;
    case Outbox::Flushed::kAll:
      if (state_ == State::kFinishing) {
        if (peer_ended_) return done();
        state_ = State::kLingering;
        stream_->shutdown_write();
      }
      break;
  }
  update_input();
  if (session_.waits_for_room() && !backlogged()) make_room();
}

bool Connection::backlogged() const {
  const size_t replies = replies_ == nullptr ? 0 : replies_->size();
  return outbox_.bytes() + replies > core_.options.outbox_bytes_max / 2;
}

// In a turn of its own: the one that flushes is over.
void Connection::make_room() {
  core_.loop.post([&core = core_, ref = ref_] {
    Connection* const connection = core.find(ref);
    if (connection == nullptr) return;
    connection->session_.on_room(core, *connection);
  });
}

// Keeps our share of the gauge.
void Connection::note_outbox_bytes(size_t bytes) {
  const auto now = static_cast<int64_t>(bytes);
  if (now == noted_outbox_bytes_) return;
  core_.metrics.add(metrics::TransportGauge::kOutboxBytes, transport(), now - noted_outbox_bytes_);
  noted_outbox_bytes_ = now;
}

// ---- Deadlines ----

void Connection::wake_after(base::Duration delay) {
  if (session_timer_ == nullptr) session_timer_ = std::make_unique<SessionTimer>(*this);
  core_.loop.wheel().set(*session_timer_, delay);
}

void Connection::on_connected() {
  core_.keep_alive.watch(transport(), ref_);
  const base::Duration interval = core_.options.ping_interval;
  if (interval.count() == 0) return core_.loop.wheel().cancel(*this);
  // The first ping comes somewhere in the interval's second half, so that clients that came
  // together are not pinged together.
  const int64_t half = interval.count() / 2;
  core_.loop.wheel().set(*this, base::Duration(half + static_cast<int64_t>(core_.random.below(
                                                          static_cast<uint64_t>(half) + 1))));
}

void Connection::keep_alive() {
  if (!std::exchange(quiet_, true)) return;
  // Where something waits, a client that does not read would get only more to read.
  if (state_ != State::kOpen || !outbox_.empty()) return;
  core_.metrics.add(metrics::TransportCounter::kKeepAlives, transport());
  push_frame(filler(variant_), 0);
}

bool Connection::on_pong() {
  return std::exchange(awaiting_pong_, false);
}

void Connection::ping() {
  core_.metrics.add(metrics::Counter::kControlOutbound);
  push_frame(ping_frame(variant_), 0);
}

// A ping, then the time a pong has, then the rest of the interval: the timer fires twice an
// interval, and a pong touches nothing.
void Connection::await_pong() {
  core_.metrics.add(metrics::Counter::kPingsSent);
  unread_at_ping_ = outbox_.bytes();
  awaiting_pong_ = pong_window_ = core_.options.pong_timeout.count() > 0 && wants_pongs();
  core_.loop.wheel().set(*this,
                         pong_window_ ? core_.options.pong_timeout : core_.options.ping_interval);
}

// Whether the client has read something since the ping, or since this was asked last.
bool Connection::moving() {
  const size_t before = std::exchange(unread_at_ping_, outbox_.bytes());
  return outbox_.empty() || outbox_.bytes() < before;
}

void Connection::on_open_timer() {
  if (!session_.connected()) return close(model::disconnects::kStale);
  if (awaiting_pong_) {
    // While we don't read from a client, its pong can't arrive: it has time as long as it moves.
    if (!reading_paused_ || !moving()) return close(model::disconnects::kNoPong);
    return core_.loop.wheel().set(*this, core_.options.pong_timeout);
  }
  if (!pong_window_) {
    ping();
    return await_pong();
  }
  pong_window_ = false;
  core_.loop.wheel().set(*this, core_.options.ping_interval - core_.options.pong_timeout);
}

void Connection::on_timer() {
  switch (state_) {
    case State::kOpen:
      return on_open_timer();
    case State::kClosing:
    case State::kFinishing:
    case State::kLingering:
      // The peer neither closes nor reads: there is nobody to be polite to.
      stream_->reset();
      return done();
    case State::kDone:
      return;
  }
}

// ---- Closing ----

void Connection::close(const model::Disconnect& why) {
  if (state_ != State::kOpen) return;
  core_.metrics.add(metrics::CodeCounter::kDisconnects, why.code);
  broken_ = why.reconnects();
  // A slow client would get the reason only after all that it does not read.
  if (why.code == model::disconnects::kSlow.code)
    core_.metrics.add(metrics::Counter::kDroppedSlow, outbox_.drop());
  say_goodbye(why);
}

void Connection::begin_close(State state) {
  state_ = state;
  if (std::exchange(reading_paused_, false)) stream_->pause_reading(false);
  core_.loop.wheel().set(*this, core_.options.close_timeout);
  mark_dirty();
}

void Connection::finish() {
  if (state_ == State::kClosing) state_ = State::kFinishing;
  mark_dirty();
}

void Connection::done() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  note_outbox_bytes(0);
  core_.loop.wheel().cancel(*this);
  core_.destroy_later(*this);
}

void Connection::leave() {
  if (std::exchange(left_, true)) return;
  if (!echo_) session_.leave(core_, *this);
}

}  // namespace millrace::edge
