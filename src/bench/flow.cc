#include "bench/flow.h"

#include <algorithm>
#include <utility>

namespace millrace::bench {
namespace {

constexpr int64_t kPatienceNs = 3 * kNsPerSecond;
// of one publisher, that wait for the kernel
constexpr size_t kPendingBytesMax = 4UL * 1024 * 1024;
constexpr size_t kBatchMax = 10'000;  // messages at a rate, in one turn

std::string_view prefix_of(const Options& options) {
  return options.dialect == DialectKind::kPlain ? "P" : "";
}

}  // namespace

Flow::Flow(const Setup& setup, Board& board, size_t process)
    : Worker(setup, board, process),
      many_(options_.scenario == ScenarioKind::kChannels),
      payload_(options_.payload_bytes, prefix_of(options_)),
      outputs_(options_.publishers),
      random_(static_cast<uint64_t>(now_ns())) {
  if (options_.window > 0) window_.emplace(board, options_.window, publishes());
  const size_t streams = board.streams();
  sequences_.resize(many_ ? streams * options_.subscribers : streams * subscribers_);
  for (size_t i = 0; i < (many_ ? streams : 1); ++i) names_.push_back(channel_name(i));
  if (!many_ || processes_ == 1) return;
  own_subscribers_.resize(streams);
  for (size_t i = 0; i < streams * options_.subscribers; ++i) {
    if (i % options_.connections % processes_ == process_)
      ++own_subscribers_[i / options_.subscribers];
  }
}

// Subscription number i of all, which is for channel i / subscribers, is with connection
// i % connections: so a channel's subscribers are on as many connections.
std::vector<std::string> Flow::channels_of(const Client& client) const {
  if (client.publishes_only) return {channel_name(client.index - subscribers_)};
  if (!many_) return {channel_name(0)};
  std::vector<std::string> channels;
  const size_t subscriptions = options_.channels * options_.subscribers;
  for (size_t i = index_in_all(client); i < subscriptions; i += options_.connections)
    channels.push_back(channel_name(i / options_.subscribers));
  return channels;
}

Sequence* Flow::sequence_of(const Client& client, uint32_t stream) {
  if (client.publishes_only || stream >= board_.streams()) return nullptr;
  if (!many_) return &sequences_[client.index * board_.streams() + stream];
  const size_t first = stream * options_.subscribers;
  const size_t connections = options_.connections;
  const size_t number = (index_in_all(client) + connections - first % connections) % connections;
  return number < options_.subscribers ? &sequences_[first + number] : nullptr;
}

void Flow::on_delivery(Client& client, const Stamp& stamp) {
  Sequence* sequence = sequence_of(client, stamp.stream);
  if (sequence == nullptr) return;
  int64_t missing = 0;
  const Arrival arrival = sequence->take(stamp.sequence, missing);
  if (missing != 0) [[unlikely]]
    counts().lost.add(missing);
  if (arrival != Arrival::kInOrder) [[unlikely]] {
    if (arrival == Arrival::kDuplicate) return counts().duplicated.add(1);
    counts().out_of_order.add(1);
  }
  counts().deliveries.add(1);
  if (measuring_ && times_deliveries()) figures_.latency.add(engine_->now() - stamp.time_ns);
  if (window_) window_->arrive(stamp, own_subscribers(stamp.stream), engine_->now());
}

uint32_t Flow::own_subscribers(uint32_t stream) const {
  if (!many_) return static_cast<uint32_t>(figures_.counts.live.get());
  return processes_ == 1 ? static_cast<uint32_t>(options_.subscribers) : own_subscribers_[stream];
}

uint64_t Flow::live_subscribers() const {
  if (many_) return options_.subscribers;
  int64_t live = 0;
  for (size_t i = 0; i < processes_; ++i) live += board_.figures(i).counts.live.get();
  return static_cast<uint64_t>(std::max<int64_t>(live, 0));
}

void Flow::work(int64_t now) {
  if (!publishes()) return;
  if (window_)
    publish_in_window(now);
  else
    publish_at_rate(now);
  flush();
}

void Flow::publish_in_window(int64_t now) {
  window_->collect();
  window_->give_up_after(kPatienceNs, now);
  const uint64_t subscribers = live_subscribers();
  while (const auto slot = window_->take(subscribers, now)) {
    if (!publish_one(next_stream(), *slot, now_ns())) break;
  }
}

int64_t Flow::due_of(uint64_t number) const {
  const double seconds = static_cast<double>(number) / publish_rate();
  return pace_begun_ns_ + static_cast<int64_t>(seconds * kNsPerSecond);
}

// What could not be sent in time keeps the time when it was due: a server that makes its clients
// wait does not look better for it.
void Flow::publish_at_rate(int64_t now) {
  if (pace_begun_ns_ == 0) pace_begun_ns_ = now;
  for (size_t i = 0; i < kBatchMax && due_of(paced_) <= now; ++i) {
    const uint32_t stream = next_stream();
    if (Engine::pending_bytes(publisher(stream % options_.publishers)) > kPendingBytesMax) break;
    if (!publish_one(stream, kNoSlot, due_of(paced_))) break;
    ++paced_;
  }
}

int64_t Flow::next_due() const {
  const bool flowing = phase_ == Phase::kWarmup || phase_ == Phase::kMeasuring;
  if (!flowing || !publishes() || window_ || pace_begun_ns_ == 0) return INT64_MAX;
  return due_of(paced_);
}

uint32_t Flow::next_stream() {
  const size_t streams = board_.streams();
  return static_cast<uint32_t>(many_ ? random_.below(streams) : published_ % streams);
}

bool Flow::publish_one(uint32_t stream, uint32_t slot, int64_t time_ns) {
  const size_t number = stream % options_.publishers;
  const Client& client = publisher(number);
  if (client.fd < 0) return false;
  Counter& sequence = board_.published(stream);
  const Stamp stamp{.stream = stream,
                    .sequence = static_cast<uint32_t>(sequence.get()),
                    .slot = slot,
                    .time_ns = time_ns};
  sequence.add(1);
  counts().published.add(1);
  dialect_->publish(client, names_[many_ ? stream : 0], payload_.make(stamp),
                    static_cast<uint32_t>(published_ & 0xFFFF), outputs_[number]);
  ++published_;
  return true;
}

void Flow::flush() {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].empty()) continue;
    engine_->send(publisher(i), outputs_[i]);
    outputs_[i].clear();
  }
}

uint64_t Flow::behind_in_all() {
  uint64_t behind = 0;
  for (size_t i = 0; i < subscribers_; ++i) {
    const Client& client = clients_[i];
    if (client.state != ClientState::kReady) continue;
    const size_t step = many_ ? options_.connections : 1;
    const size_t first = many_ ? index_in_all(client) : i * board_.streams();
    const size_t end = many_ ? sequences_.size() : first + board_.streams();
    for (size_t at = first; at < end; at += step) {
      const size_t stream = many_ ? at / options_.subscribers : at - first;
      behind += sequences_[at].behind(static_cast<uint64_t>(board_.published(stream).get()));
    }
  }
  return behind;
}

bool Flow::drained() {
  constexpr int64_t kLookEveryNs = 5'000'000;
  const int64_t now = now_ns();
  if (now - looked_ns_ < kLookEveryNs) return false;
  looked_ns_ = now;
  return behind_in_all() == 0;
}

void Flow::finish() {
  counts().lost.add(static_cast<int64_t>(behind_in_all()));
}

std::unique_ptr<Worker> make_flow(const Setup& setup, Board& board, size_t process) {
  return std::make_unique<Flow>(setup, board, process);
}

}  // namespace millrace::bench
