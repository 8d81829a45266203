// Who is there: members of channels, and the connections of users.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {

std::shared_ptr<const model::ClientInfo> info_of(
    const std::shared_ptr<const model::ClientInfo>& who, const base::SharedBytes& chan_info) {
  if (chan_info.empty()) return who;
  auto info = std::make_shared<model::ClientInfo>(*who);
  info->chan_info = chan_info;
  return info;
}

// ---- Members ----

bool Home::join(Record& record, const Ask& ask) {
  const auto& what = std::get<SubscribeAsk>(ask.body);
  Details& details = record.detailed();
  if (details.presence == nullptr) details.presence = std::make_unique<Presence>();
  Presence& presence = *details.presence;
  const size_t before = presence.clients();
  const bool announced = presence.join(info_of(ask.who, what.chan_info), what.announced);
  metrics().add(metrics::Gauge::kPresenceMembers,
                static_cast<int64_t>(presence.clients()) - static_cast<int64_t>(before));
  return announced;
}

void Home::part(std::string_view channel, Record& record, const model::ClientInfo& who,
                bool abrupt) {
  const base::Duration grace = record.options->presence_grace_period;
  if (abrupt && grace.count() > 0) {
    if (!record.presence()->linger(who.client)) return;
    lingering_.emplace(executor().now() + grace,
                       std::pair(std::string(channel), std::string(who.client)));
    return schedule_expiry();
  }
  forget(channel, record.presence()->leave(who.client));
  drop_if_nobody(record);
}

void Home::drop_if_nobody(Record& record) {
  if (!record.presence()->empty()) return;
  record.details->presence.reset();
  record.drop_empty_details();
}

void Home::forget(std::string_view channel, Presence::Left left) {
  if (left.member == nullptr) return;
  metrics().add(metrics::Gauge::kPresenceMembers, -1);
  if (left.announced) announce(channel, broker::Leave{std::move(left.member)});
}

void Home::announce(std::string_view channel, broker::Message message) {
  hub_.parts_.broker.publish(channel, std::move(message), [](base::Result<> result) {
    if (!result)
      base::log::warn("broker refused a join or leave", {{"error", result.error().message}});
  });
}

void Home::schedule_expiry() {
  if (expiry_scheduled_ || lingering_.empty()) return;
  expiry_scheduled_ = true;
  const base::MonotonicTime now = executor().now();
  const base::Duration delay = std::max(base::Duration(0), lingering_.begin()->first - now);
  expiry_ = executor().after(delay, [this] {
    expiry_scheduled_ = false;
    expire_lingering();
  });
}

// A bounded number at a time: when a balancer dies, very many go at once.
void Home::expire_lingering() {
  constexpr size_t kAtOnce = 1'000;
  const base::MonotonicTime now = executor().now();
  for (size_t i = 0; i < kAtOnce && !lingering_.empty(); ++i) {
    const auto first = lingering_.begin();
    if (first->first > now) break;
    const auto [channel, client] = std::move(first->second);
    lingering_.erase(first);
    Record* const record = records_.find(channel);
    if (record == nullptr || record->presence() == nullptr) continue;
    forget(channel, record->presence()->expire(client));
    drop_if_nobody(*record);
    drop_if_unused(channel);
  }
  schedule_expiry();
}

void Home::presence(std::string_view channel, const PresenceAsk& what, Done done) {
  const Record* const record = records_.find(channel);
  const Presence* const presence = record == nullptr ? nullptr : record->presence();
  if (what.stats_only) {
    if (presence == nullptr) return done(PresenceStatsAnswer{});
    return done(PresenceStatsAnswer{.clients = static_cast<uint32_t>(presence->clients()),
                                    .users = static_cast<uint32_t>(presence->users())});
  }
  if (presence == nullptr) return done(PresenceAnswer{});
  if (presence->clients() > hub_.parts_.options.presence_members_max)
    return done(model::errors::kLimitExceeded);
  done(PresenceAnswer{presence->members()});
}

// ---- Users ----

bool Home::enter(std::string_view user) {
  const size_t limit = hub_.parts_.options.user_connection_limit;
  const auto [found, is_new] = users_.try_emplace(user, 0);
  if (limit > 0 && found->second >= limit) return false;
  ++found->second;
  if (is_new) metrics().add(metrics::Gauge::kUsers, 1);
  return true;
}

void Home::leave(std::string_view user) {
  if (user.empty()) return;  // anonymous connections are not counted
  const auto found = users_.find(user);
  MILLRACE_ASSERT(found != users_.end());
  if (--found->second > 0) return;
  users_.erase(found);
  metrics().add(metrics::Gauge::kUsers, -1);
}

}  // namespace millrace::hub
