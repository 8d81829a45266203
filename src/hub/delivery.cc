// From the broker's bell to the cores with subscribers: what a turn brought is gathered per
// channel, and leaves at the turn's end with one post per interested core, never one per
// subscriber.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"
#include "hub/hub.h"

namespace millrace::hub {

Home::Home(Hub& hub) : hub_(hub) {
  hub_.parts_.broker.set_sink(*this);
  executor().add_turn_hook(*this);
}

Home::~Home() {
  executor().remove_turn_hook(*this);
}

base::Executor& Home::executor() const {
  return hub_.parts_.cores.at(hub_.parts_.core);
}

void Home::on_message(std::string_view channel, const broker::Message& message) {
  const auto* publication = std::get_if<model::Publication>(&message);
  if (publication == nullptr) return;  // joins and leaves: no channel of this version asks for them
  const auto found = records_.find(channel);
  if (found == records_.end()) return;  // the last subscriber has just left
  Record& record = found->second;
  if (record.pending == nullptr) {
    record.pending = std::make_shared<Batch>();
    pending_channels_.emplace_back(channel);
  }
  record.pending->push_back(*publication);
}

void Home::on_interruption() {
  hub_.parts_.metrics.add(metrics::Counter::kBrokerInterrupted);
  base::log::warn("the broker may have lost messages");
}

void Home::deliver_pending() {
  if (pending_channels_.empty()) return;
  struct Parcel {
    std::string channel;
    std::shared_ptr<const Batch> batch;
  };
  std::vector<std::vector<Parcel>> parcels(hub_.hubs_.size());
  for (std::string& channel : std::exchange(pending_channels_, {})) {
    const auto found = records_.find(channel);
    // The record may be a new one: the last subscriber left and another came within this turn.
    if (found == records_.end() || found->second.pending == nullptr) continue;
    const std::shared_ptr<const Batch> batch = std::move(found->second.pending);
    found->second.pending = nullptr;
    for (const Interest& interest : found->second.interest) {
      parcels[interest.core.value()].push_back({channel, batch});
    }
  }
  for (size_t core = 0; core < parcels.size(); ++core) {
    if (parcels[core].empty()) continue;
    Hub& there = *hub_.hubs_[core];
    auto deliver = [&there, sent = std::move(parcels[core])] {
      for (const Parcel& parcel : sent) there.delivery_->deliver(parcel.channel, *parcel.batch);
    };
    if (&there == &hub_) {
      deliver();
    } else {
      back_to(there.parts_.core, std::move(deliver));
    }
  }
}

void Home::reply(const Ask& ask, decltype(Answer::body) body) {
  Hub& asked = *hub_.hubs_[ask.from.core.value()];
  Answer answer{.to = ask.from,
                .id = ask.id,
                .channel = ask.channel,
                .to_subscribe = std::holds_alternative<SubscribeAsk>(ask.body),
                .body = std::move(body)};
  if (&asked == &hub_) return asked.answer(std::move(answer));
  back_to(ask.from.core,
          [&asked, answer = std::move(answer)]() mutable { asked.answer(std::move(answer)); });
}

void Home::back_to(base::CoreId core, base::Task task) {
  if (core == hub_.parts_.core) return task();
  hub_.parts_.cores.at(core).post(std::move(task));
}

}  // namespace millrace::hub
