// Who hears a channel: permission where it is asked, interest on the channel's home core.
#include <utility>

#include "base/log.h"
#include "hub/home.h"
#include "hub/hub.h"

namespace millrace::hub {

// The order of the checks is that of the Centrifuge protocol, and what they allow is what
// Centrifugo's options of these names do.
Hub::Verdict Hub::may_subscribe(const Ask& ask) const {
  const Namespaces& namespaces = parts_.options.namespaces;
  const auto resolved = namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  // needs a subscription token
  if (namespaces.is_private(ask.channel)) return model::errors::kPermissionDenied;
  const std::optional<bool> listed = namespaces.allows_user(ask.channel, ask.who->user);
  if (options.allow_user_limited_channels && listed) {
    return *listed ? Verdict{} : model::errors::kPermissionDenied;
  }
  const bool known = !ask.who->user.empty() || options.allow_subscribe_for_anonymous;
  if (options.allow_subscribe_for_client && known && !listed) return std::nullopt;
  if (parts_.options.insecure) return std::nullopt;
  return model::errors::kPermissionDenied;
}

void Home::subscribe(Ask ask) {
  Record& record = records_.try_emplace(ask.channel).first->second;
  if (record.state == Record::State::kLive) return grant(record, ask);
  if (record.waiting != nullptr) {
    record.waiting->push_back(std::move(ask));
    return;
  }
  hub_.parts_.metrics.add(metrics::Gauge::kChannels, 1);
  const std::string channel = ask.channel;
  record.waiting = std::make_unique<std::vector<Ask>>();
  record.waiting->push_back(std::move(ask));
  hub_.parts_.broker.subscribe(
      channel, [this, channel](base::Result<> result) { on_interest(channel, std::move(result)); });
}

void Home::on_interest(std::string_view channel, base::Result<> result) {
  const auto found = records_.find(channel);
  MILLRACE_ASSERT(found != records_.end() && found->second.waiting != nullptr);
  const std::unique_ptr<std::vector<Ask>> waiting = std::move(found->second.waiting);
  if (!result) {
    base::log::warn("broker refused a subscription",
                    {{"channel", channel}, {"error", result.error().message}});
    drop(found);
    for (const Ask& ask : *waiting) reply(ask, model::errors::kInternal);
    return;
  }
  found->second.state = Record::State::kLive;
  // Granting answers, and an answer may come back with an ask that changes the table: the record is
  // looked up each time.
  for (const Ask& ask : *waiting) {
    const auto record = records_.find(channel);
    if (record == records_.end()) {
      subscribe(ask);
    } else {
      grant(record->second, ask);
    }
  }
}

void Home::grant(Record& record, const Ask& ask) {
  // What came before this subscription in this turn is not for it.
  if (record.pending != nullptr) deliver_pending();
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  if (interest == record.interest.end()) {
    record.interest.push_back({ask.from.core, 1});
  } else {
    ++interest->subscribers;
  }
  reply(ask, SubscribeAnswer{});
}

void Home::unsubscribe(const Ask& ask) {
  const auto found = records_.find(ask.channel);
  MILLRACE_ASSERT(found != records_.end());
  Record& record = found->second;
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  MILLRACE_ASSERT(interest != record.interest.end() && interest->subscribers > 0);
  if (--interest->subscribers == 0) record.interest.erase(interest);
  if (record.interest.empty() && record.state == Record::State::kLive) {
    hub_.parts_.broker.unsubscribe(ask.channel);
    drop(found);
  }
  if (ask.id != 0) reply(ask, UnsubscribeAnswer{});
}

void Home::drop(Records::iterator record) {
  records_.erase(record);
  hub_.parts_.metrics.add(metrics::Gauge::kChannels, -1);
}

}  // namespace millrace::hub
