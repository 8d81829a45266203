// From the broker's bell to the cores with subscribers: what a turn brought is gathered per
// channel, and leaves at the turn's end with one post per interested core, never one per
// subscriber.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {

void Home::on_message(std::string_view channel, const broker::Message& message) {
  const auto found = records_.find(channel);
  if (found == records_.end()) return;  // the last subscriber has just left
  Record& record = found->second;
  if (const auto* published = std::get_if<broker::Published>(&message))
    return on_published(found->first, record, *published);
  if (const auto* join = std::get_if<broker::Join>(&message)) {
    return pass_on(channel, record,
                   {.kind = Event::Kind::kJoin, .publication = {.info = join->info}});
  }
  const auto& leave = std::get<broker::Leave>(message);
  pass_on(channel, record, {.kind = Event::Kind::kLeave, .publication = {.info = leave.info}});
}

void Home::pass_on(std::string_view channel, Record& record, Event event) {
  if (record.interest.empty()) return;
  if (record.pending == nullptr) {
    record.pending = std::make_shared<Batch>();
    // After the turn's end, where connections go, nobody would come by before the next one.
    if (pending_channels_.empty() && turn_ended_ == executor().now()) executor().post([] {});
    pending_channels_.emplace_back(channel);
  }
  record.pending->push_back(std::move(event));
}

// What changed since the publication before, if that is worth it; and this one is the next's base.
base::SharedBytes Home::patch(Record& record, const model::Publication& publication, bool delta) {
  DeltaBase* const base = record.base.get();
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
    const auto found = records_.find(channel);
    // It may have been delivered before its turn, or the record is a new one: the last subscriber
    // left and another came within this turn.
    if (found == records_.end() || found->second.pending == nullptr) continue;
    const std::shared_ptr<const Batch> batch = std::move(found->second.pending);
    found->second.pending = nullptr;
    for (const Interest& interest : found->second.interest) {
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
      for (const Parcel& parcel : sent) there.delivery_->deliver(parcel.channel, *parcel.batch);
    });
  }
  delivering_ = false;
}

}  // namespace millrace::hub
