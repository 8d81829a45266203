#include "hub/hub.h"

#include <utility>

#include "base/string_hash.h"
#include "hub/home.h"

namespace millrace::hub {

Hub::Hub(const Parts& parts) : parts_(parts), home_(std::make_unique<Home>(*this)) {}
Hub::~Hub() = default;

void Hub::connect(std::span<Hub* const> hubs, Delivery& delivery) {
  MILLRACE_ASSERT(hubs.size() == parts_.cores.size());
  MILLRACE_ASSERT(hubs[parts_.core.value()] == this);
  hubs_.assign(hubs.begin(), hubs.end());
  delivery_ = &delivery;
}

size_t Hub::channels() const {
  return home_->channels();
}

void Hub::ask(Ask ask) {
  MILLRACE_DEBUG_ASSERT(delivery_ != nullptr);
  const base::CoreId home = home_of(ask.channel);
  if (std::holds_alternative<SubscribeAsk>(ask.body)) {
    if (const Verdict verdict = may_subscribe(ask)) return refuse(ask, *verdict);
    return at_home(home,
                   [ask = std::move(ask)](Home& at) mutable { at.subscribe(std::move(ask)); });
  }
  if (std::holds_alternative<UnsubscribeAsk>(ask.body)) {
    return at_home(home, [ask = std::move(ask)](Home& at) { at.unsubscribe(ask); });
  }
  if (auto* what = std::get_if<PublishAsk>(&ask.body)) {
    if (const Verdict verdict = may_publish(ask, *what)) return refuse(ask, *verdict);
    PublishAsk moved = std::move(*what);
    return publish_as(std::move(ask), std::move(moved));
  }
  // Presence and history: the channels of this version keep neither.
  const auto resolved = parts_.options.namespaces.resolve(ask.channel);
  const auto* error = std::get_if<model::ReplyError>(&resolved);
  refuse(ask, error != nullptr ? *error : model::errors::kNotAvailable);
}

void Hub::refuse(const Ask& ask, const model::ReplyError& error) {
  answer({.to = ask.from,
          .id = ask.id,
          .channel = ask.channel,
          .to_subscribe = std::holds_alternative<SubscribeAsk>(ask.body),
          .body = error});
}

void Hub::answer(Answer answer) {
  delivery_->answer(std::move(answer));
}

base::CoreId Hub::home_of(std::string_view channel) const {
  return base::CoreId{static_cast<uint16_t>(base::StringHash{}(channel) % hubs_.size())};
}

void Hub::at_home(base::CoreId home, std::move_only_function<void(Home&)> task) {
  Hub& there = *hubs_[home.value()];
  if (&there == this) return task(*home_);
  parts_.cores.at(home).post([&there, task = std::move(task)]() mutable { task(*there.home_); });
}

// Publishing makes work for the home core and for those with subscribers, whichever these are.
bool Hub::behind() const {
  for (size_t core = 0; core < hubs_.size(); ++core) {
    const base::CoreId id{static_cast<uint16_t>(core)};
    if (parts_.cores.at(id).mailbox_depth() > parts_.options.mailbox_max) return true;
  }
  return false;
}

}  // namespace millrace::hub
