#include "edge/core.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "edge/connection.h"
#include "edge/relay.h"
#include "edge/stream_connection.h"

namespace millrace::edge {

Core::Core(const Edge::Parts& parts)
    : loop(parts.loop),
      metrics(parts.metrics),
      hub(parts.hub),
      random(parts.random),
      admission(parts.admission),
      options(parts.options),
      visitors(parts.options),
      fanout({.compression = {.level = options.compression_level,
                              .bytes_min = options.compression_bytes_min},
              .uni_compression = {.level = options.uni_websocket.compression_level,
                                  .bytes_min = options.uni_websocket.compression_bytes_min}},
             parts.metrics),
      keep_alive(*this),
      relay_(std::make_unique<Relay>(*this)) {
  loop.add_turn_hook(*this);
}

Core::~Core() {
  if (!delayed_.empty()) loop.cancel(delay_timer_);
  for_each([this](Connection& connection) { destroy(connection); });
  loop.remove_turn_hook(*this);
}

websocket::Options Core::websocket_options(bool echo, Variant variant) const {
  constexpr size_t kEchoBytesMax = 16UL * 1024 * 1024;
  constexpr size_t kEchoFragmentsMax = 1UL << 20;
  const size_t client_bytes_max =
      variant.bare ? options.uni_websocket.message_bytes_max : options.message_bytes_max;
  return {.message_bytes_max = echo ? kEchoBytesMax : client_bytes_max,
          .message_fragments_max = echo ? kEchoFragmentsMax : options.message_fragments_max,
          .deflate = variant.deflate};
}

void Core::log_client(const http::Request& request, Transport transport) {
  if (!base::log::enabled(base::log::Level::kDebug)) return;
  base::log::debug("client connects", {{"address", request.client()},
                                       {"transport", metrics::name_of(transport)},
                                       {"peer", request.peer}});
}

Connection& Core::adopt(std::unique_ptr<Connection> connection) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  connection->set_ref({loop.core(), index, ++slot.generation});
  slot.connection = std::move(connection);
  ++open_;
  metrics.add(metrics::TransportGauge::kConnections, slot.connection->transport(), 1);
  return *slot.connection;
}

// ---- Requests that name a session ----

void Core::request(std::string_view node, SessionRequest request, SessionAnswered answered) {
  if (node != options.node) return relay_->ask(node, std::move(request), std::move(answered));
  const size_t home = request.session.connection.core.value();
  if (home >= cores_.size()) return answered({.status = 404});
  Core* const there = cores_[home];
  if (there == this) return on_request(std::move(request), std::move(answered));
  const uint64_t asked = ++last_asked_;
  asked_.emplace(asked, std::move(answered));
  there->loop.post(
      [there, &back = loop, here = this, asked, request = std::move(request)]() mutable {
        // The way back is the loop: when a node is taken down, this core may go before that one.
        there->on_request(std::move(request), [&back, here, asked](SessionAnswer answer) {
          back.post([here, asked, answer = std::move(answer)]() mutable {
            here->on_answered(asked, std::move(answer));
          });
        });
      });
}

void Core::on_request(SessionRequest request, SessionAnswered answered) {
  const base::ConnectionRef& ref = request.session.connection;
  const bool here = ref.core == loop.core() && ref.slot < slots_.size();
  Connection* const connection = here ? find(ref) : nullptr;
  StreamConnection* const session = connection == nullptr ? nullptr : connection->emulated();
  if (session == nullptr || !session->is_session(request.session)) return answered({.status = 404});
  session->on_request(std::move(request), std::move(answered));
}

void Core::on_answered(uint64_t asked, SessionAnswer answer) {
  const auto found = asked_.find(asked);
  SessionAnswered answered = std::move(found->second);
  asked_.erase(found);
  answered(std::move(answer));
}

Connection* Core::find(const base::ConnectionRef& ref) const {
  MILLRACE_DEBUG_ASSERT(ref.core == loop.core());
  const Slot& slot = slots_[ref.slot];
  return slot.generation == ref.generation ? slot.connection.get() : nullptr;
}

void Core::remember_user(std::string_view user, const base::ConnectionRef& connection) {
  users_.try_emplace(user).first->second.push_back(connection.slot);
}

void Core::forget_user(std::string_view user, const base::ConnectionRef& connection) {
  const auto found = users_.find(user);
  MILLRACE_ASSERT(found != users_.end());
  const auto slot = std::ranges::find(found->second, connection.slot);
  MILLRACE_ASSERT(slot != found->second.end());
  found->second.erase(slot);
  if (found->second.empty()) users_.erase(found);
}

std::vector<Connection*> Core::concerned(const hub::Order& order) {
  std::vector<Connection*> result;
  if (order.whom.user.empty()) {
    for_each([&result](Connection& connection) { result.push_back(&connection); });
    return result;
  }
  const auto found = users_.find(order.whom.user);
  if (found == users_.end()) return result;
  for (const uint32_t slot : found->second) result.push_back(slots_[slot].connection.get());
  return result;
}

void Core::destroy(Connection& connection) {
  connection.leave();
  const Transport transport = connection.transport();
  const uint32_t index = connection.ref().slot;
  slots_[index].connection.reset();
  free_slots_.push_back(index);
  --open_;
  metrics.add(metrics::TransportGauge::kConnections, transport, -1);
  admission.close_connection(transport);
}

// ---- The end of a turn ----

// While more comes in than goes out, what there is to send waits for more to send with it: each
// write costs nearly the same, however much it carries. Not when nothing else came in, because then
// somebody may be waiting for what we hold.
bool Core::holds_back() {
  if (dirty_.empty() || !loop.behind() || !loop.heard()) return false;
  if (!held_back_) held_back_ = loop.now();
  return loop.now() - *held_back_ < options.busy_write_delay;
}

void Core::on_turn_end() {
  if (holds_back()) {
    metrics.add(metrics::Counter::kTurnsHeldBack);
    return loop.post([] {});  // the next turn follows at once
  }
  held_back_.reset();
  flush_all();
  observe_latencies();
  for (size_t i = 0; i < doomed_.size(); ++i) destroy(*doomed_[i]);
  doomed_.clear();
}

// What the next connections need is on its way from memory while the kernel takes this one's bytes.
void Core::flush_all() {
  // Flushing may doom a connection whose stream fails; nothing it does makes another one dirty.
  const size_t count = dirty_.size();
  for (size_t i = 0; i < count; ++i) {
    if (i + 2 < count) dirty_[i + 2]->prefetch();
    if (i + 1 < count) dirty_[i + 1]->prefetch_stream();
    dirty_[i]->flush();
  }
  dirty_.clear();
  observe_flushes();
}

void Core::flush_after_delay(const Connection& connection) {
  const base::MonotonicTime due = loop.now() + options.write_delay;
  if (delayed_.empty())
    delay_timer_ = loop.after(options.write_delay, [this] { on_write_delays(); });
  delayed_.push_back({due, connection.ref()});
}

void Core::on_write_delays() {
  while (!delayed_.empty() && delayed_.front().due <= loop.now()) {
    Connection* const connection = find(delayed_.front().connection);
    delayed_.pop_front();
    if (connection != nullptr) connection->on_write_delay_over();
  }
  if (delayed_.empty()) return;
  delay_timer_ = loop.after(delayed_.front().due - loop.now(), [this] { on_write_delays(); });
}

void Core::note_written(Transport transport, const Outbox::Written& written, uint32_t messages) {
  // What a poll takes leaves in the response to it, and is counted there, as often as that leaves.
  if (transport != Transport::kLongPoll) [[likely]]
    metrics.add(metrics::TransportCounter::kBytesOutbound, transport, written.bytes);
  if (written.calls == 0) return;
  metrics.add(metrics::Counter::kWrites, written.calls);
  if (written.bytes != flushes_.bytes || messages != flushes_.messages) {
    observe_flushes();
    flushes_ = {.bytes = written.bytes, .messages = messages};
  }
  ++flushes_.count;
}

void Core::observe_flushes() {
  if (flushes_.count == 0) return;
  metrics.observe(metrics::Histogram::kFlushBytes, static_cast<double>(flushes_.bytes),
                  flushes_.count);
  metrics.observe(metrics::Histogram::kFlushMessages, flushes_.messages, flushes_.count);
  flushes_.count = 0;
}

void Core::observe_latencies() {
  if (deliveries_.empty()) return;
  const base::MonotonicTime now = base::monotonic_now();
  for (const Deliveries& delivered : deliveries_) {
    // With a write delay, what it is at most.
    const base::Duration latency = now - delivered.received + options.write_delay;
    const double milliseconds = static_cast<double>(latency.count()) / 1000;
    metrics.observe(metrics::Histogram::kMessageLatencyMs, milliseconds, delivered.count);
  }
  deliveries_.clear();
}

}  // namespace millrace::edge
