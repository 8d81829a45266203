// From the broker's bell to the cores with subscribers: what a turn brought, or the time that the
// namespace gives it, is gathered per channel, and leaves at a turn's end with one post per
// interested core, never one per subscriber. A new subscriber does not wait for that: what is
// gathered leaves before it is welcomed.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {
namespace {

// Gathering ends early where a batch has so many bytes: a subscriber gets all of it at once.
constexpr size_t kBatchBytesAim = 64UL * 1024;

}  // namespace

void Home::on_message(std::string_view channel, const broker::Message& message) {
  Record* const found = records_.find(channel);
  if (found == nullptr) return;  // the last subscriber has just left
  Record& record = *found;
  if (const auto* published = std::get_if<broker::Published>(&message))
    return on_published(channel, record, *published);
  if (const auto* join = std::get_if<broker::Join>(&message)) {
    return pass_on(channel, record,
                   {.kind = Event::Kind::kJoin, .publication = {.info = join->info}});
  }
  const auto& leave = std::get<broker::Leave>(message);
  pass_on(channel, record, {.kind = Event::Kind::kLeave, .publication = {.info = leave.info}});
}

void Home::pass_on(std::string_view channel, Record& record, Event event) {
  if (record.interest.empty()) return;
  const ChannelOptions& options = *record.options;
  const bool gathers = options.batch_max_delay.count() > 0;
  if (record.pending == nullptr) {
    record.pending = std::make_unique<Batch>();
    record.pending->number = ++last_batch_;
    if (gathers) {
      gather(channel, record);
    } else {
      deliver_at_turn_end(channel);
    }
  }
  Batch& batch = *record.pending;
  batch.bytes += event.publication.data.size();
  const bool interrupts = event.kind == Event::Kind::kInterruption;
  batch.events.push_back(std::move(event));
  const bool full = batch.events.size() >= options.batch_max_size || batch.bytes >= kBatchBytesAim;
  if (!gathers || batch.leaving || !(full || interrupts)) return;
  batch.leaving = true;
  deliver_at_turn_end(channel);
}

void Home::deliver_at_turn_end(std::string_view channel) {
  // After the turn's end, where connections go, nobody would come by before the next one.
  if (pending_channels_.empty() && turn_ended_ == executor().now()) executor().post([] {});
  pending_channels_.emplace_back(channel);
}

void Home::gather(std::string_view channel, const Record& record) {
  const base::MonotonicTime due = executor().now() + record.options->batch_max_delay;
  const bool earliest = gathering_.empty() || due < gathering_.begin()->first;
  if (earliest && !gathering_.empty()) executor().cancel(gathered_);
  gathering_.emplace(due, std::pair{std::string(channel), record.pending->number});
  if (earliest) schedule_gathered();
}

// Timers come before the turn's end.
void Home::schedule_gathered() {
  const base::Duration left = gathering_.begin()->first - executor().now();
  gathered_ = executor().after(left, [this] {
    while (!gathering_.empty() && gathering_.begin()->first <= executor().now()) {
      const auto& [channel, batch] = gathering_.begin()->second;
      const Record* const record = records_.find(channel);
      const bool pending = record != nullptr && record->pending != nullptr;
      if (pending && record->pending->number == batch) deliver_at_turn_end(channel);
      gathering_.erase(gathering_.begin());
    }
    if (!gathering_.empty()) schedule_gathered();
  });
}

void Home::deliver_gathered() {
  if (gathering_.empty()) return;
  executor().cancel(gathered_);
  std::vector<std::string> channels;
  for (const auto& [due, gathered] : std::exchange(gathering_, {}))
    channels.push_back(gathered.first);
  deliver(std::move(channels));
}

// What changed since the publication before, if that is worth it; and this one is the next's base.
base::SharedBytes Home::patch(Record& record, const model::Publication& publication, bool delta) {
  DeltaBase* const base = record.base();
  if (base == nullptr) return {};
  base::SharedBytes result;
  if (delta && !base->data.empty() && base->is_json == publication.is_json) {
    const auto text = publication.is_json ? delta::Text::kUtf8 : delta::Text::kBytes;
    const auto patch = encoder_.create(base->data.view(), publication.data.view(), text);
    if (patch) {
      result = base::SharedBytes::copy_of(*patch);
      metrics().add(metrics::Counter::kDeltaFullBytes, publication.data.size());
      metrics().add(metrics::Counter::kDeltaPatchBytes, patch->size());
    }
  }
  *base = {publication.data, publication.offset, publication.is_json};
  return result;
}

void Home::deliver(std::vector<std::string> channels) {
  if (channels.empty()) return;
  MILLRACE_ASSERT(!delivering_);  // or a channel's order would be lost
  delivering_ = true;
  struct Parcel {
    std::string channel;
    std::shared_ptr<const Batch> batch;
  };
  std::vector<std::vector<Parcel>> parcels(hub_.hubs_.size());
  for (const std::string& channel : channels) {
    Record* const record = records_.find(channel);
    // It may have been delivered before its turn, or the record is a new one: the last subscriber
    // left and another came within this turn.
    if (record == nullptr || record->pending == nullptr) continue;
    const std::shared_ptr<const Batch> batch = std::move(record->pending);
    for (const Interest& interest : record->interest) {
      parcels[interest.core.value()].push_back({channel, batch});
    }
  }
  // This core's own last: its sessions may answer with asks at once.
  const size_t own = hub_.parts_.core.value();
  for (size_t i = 1; i <= parcels.size(); ++i) {
    const size_t core = (own + i) % parcels.size();
    if (parcels[core].empty()) continue;
    Hub& there = *hub_.hubs_[core];
    back_to(there.parts_.core, [&there, sent = std::move(parcels[core])] {
      for (const Parcel& parcel : sent)
        there.delivery_->deliver(parcel.channel, parcel.batch->events);
    });
  }
  delivering_ = false;
}

}  // namespace millrace::hub
