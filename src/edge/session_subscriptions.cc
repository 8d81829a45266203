// What a client is subscribed to: from the hub's grant to the end.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "edge/session_dispatch.h"

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;
namespace unsubscribes = model::unsubscribes;

// Recoveries of one client that the hub works on at once. Each brings recovery_bytes_max at most,
// on top of what makes a client backlogged.
constexpr uint8_t kRecoveringMax = 4;

protocol::SubscribeResult result_of(hub::SubscribeAnswer& answer) {
  protocol::SubscribeResult result;
  result.expires = answer.expire_at != 0;
  result.ttl = ttl_until(answer.expire_at);
  result.recoverable = answer.recoverable;
  result.positioned = answer.positioned;
  result.epoch = std::move(answer.position.epoch);
  result.offset = answer.position.offset;
  result.was_recovering = answer.was_recovering;
  result.recovered = answer.recovered;
  result.publications = std::move(answer.publications);
  result.delta = answer.delta;
  result.data = answer.data;
  return result;
}

// What was recovered and is not wanted. Without the last one, there is nothing to make a delta
// against.
void leave_out(hub::SubscribeAnswer& answer, const filter::Filter& filter) {
  if (answer.publications.empty()) return;
  const model::Offset last = answer.publications.back().offset;
  std::erase_if(answer.publications, [&filter](const model::Publication& publication) {
    return !filter.matches(publication.tags);
  });
  const bool has_last = !answer.publications.empty() && answer.publications.back().offset == last;
  answer.has_base = answer.has_base && has_last;
}

}  // namespace

// ---- Asking ----

void Session::subscribe(Core& core, Host& host, Pending pending, hub::SubscribeAsk what) {
  if (pending_ == nullptr) pending_ = std::make_unique<std::vector<Pending>>();
  Deferred asked{pending.channel, pending.subscribe_id, std::move(what)};
  pending.recovers = asked.what.recover;
  pending_->push_back(std::move(pending));
  if (!asked.what.recover) return ask(core, host, asked.id, asked.channel, std::move(asked.what));
  if (deferred_ == nullptr) deferred_ = std::make_unique<std::deque<Deferred>>();
  deferred_->push_back(std::move(asked));
  on_room(core, host);
}

// Recoveries are asked for while there is room for what they bring.
void Session::on_room(Core& core, Host& host) {
  // Answers may come at once, and bring us back here.
  if (std::exchange(making_room_, true)) return;
  while (deferred_ != nullptr && recovering_ < kRecoveringMax && !host.backlogged() &&
         !host.closing()) {
    Deferred next = std::move(deferred_->front());
    deferred_->pop_front();
    if (deferred_->empty()) deferred_.reset();
    ++recovering_;
    ask(core, host, next.id, next.channel, std::move(next.what));
  }
  making_room_ = false;
}

Session::Subscription* Session::subscription(const Core& core, std::string_view channel) {
  const LocalChannel* const local = core.fanout.find(channel);
  if (local == nullptr) return nullptr;
  const auto found = std::ranges::find(subscriptions_, local,
                                       [](const Subscription& each) { return each.place.channel; });
  return found == subscriptions_.end() ? nullptr : &*found;
}

Session::Pending* Session::pending(std::string_view channel) {
  if (pending_ == nullptr) return nullptr;
  for (Pending& entry : *pending_) {
    if (entry.channel == channel && entry.unsubscribe_id == 0) return &entry;
  }
  return nullptr;
}

Session::Pending Session::take_pending(const hub::Answer& answer) {
  if (pending_ == nullptr) return {};
  for (auto entry = pending_->begin(); entry != pending_->end(); ++entry) {
    if (entry->subscribe_id != answer.id || entry->channel != answer.channel) continue;
    Pending taken = std::move(*entry);
    pending_->erase(entry);
    if (pending_->empty()) pending_.reset();
    return taken;
  }
  return {};
}

// ---- Granted, or not ----

void Session::on_subscribe_answer(Core& core, Host& host, hub::Answer& answer) {
  Pending pending = take_pending(answer);
  const bool recovers = pending.recovers;
  if (const auto* error = std::get_if<model::ReplyError>(&answer.body)) {
    on_not_subscribed(core, host, pending, *error);
  } else {
    on_subscribed(core, host, answer, std::move(pending));
  }
  if (!recovers) return;
  --recovering_;
  on_room(core, host);
}

void Session::on_subscribed(Core& core, Host& host, hub::Answer& answer, Pending pending) {
  auto& granted = std::get<hub::SubscribeAnswer>(answer.body);
  const bool json = format_ == protocol::Format::kJson;
  if (!carries(format_, granted.publications) || (json && !granted.data_is_json)) {
    give_back(core, answer);
    return host.close(disconnects::kInappropriateProtocol);
  }
  if (pending.filter != nullptr) leave_out(granted, *pending.filter);
  protocol::SubscribeResult result = result_of(granted);
  if (pending.unsubscribe_id != 0) {
    host.reply(answer.id, result);
    give_back(core, answer);
    return host.reply(pending.unsubscribe_id, protocol::UnsubscribeResult{});
  }
  result.id = add(core, host, answer.channel, granted, pending);
  switch (pending.whom) {
    case Pending::For::kConnect:
      return on_subscribed_at_connect(core, host, answer.channel, std::move(result));
    case Pending::For::kOrder:
      host.push(answer.channel, protocol::SubscribePush{.recoverable = result.recoverable,
                                                        .epoch = result.epoch,
                                                        .offset = result.offset,
                                                        .positioned = result.positioned,
                                                        .data = result.data.view()});
      for (const model::Publication& publication : result.publications)
        host.push(answer.channel, protocol::PublicationPush{.publication = publication});
      break;
    case Pending::For::kClient:
      host.reply(answer.id, result);
      break;
  }
  arm(core, host);
}

// From here on it hears the channel. Returns the channel's id in pushes; 0: it is named there.
int64_t Session::add(Core& core, Host& host, const std::string& channel,
                     const hub::SubscribeAnswer& granted, Pending& pending) {
  Subscription subscription{.server_side = pending.whom != Pending::For::kClient,
                            .tracked = granted.member != nullptr};
  set_details(subscription, granted.chan_info, granted.expire_at);
  Variant variant = host.variant();
  variant.compact = pending.compact;
  variant.delta = granted.delta;
  variant.ids = variant.ids && pending.alone && granted.recoverable;
  subscription.place = core.fanout.add(channel, {.listener = &host,
                                                 .variant = variant,
                                                 .joins = granted.join_leave,
                                                 .positioned = granted.positioned,
                                                 .has_base = granted.has_base,
                                                 .filter = std::move(pending.filter)});
  core.metrics.add(metrics::Gauge::kSubscriptions, 1);
  const int64_t id = pending.compact ? subscription.place.channel->id() : 0;
  subscriptions_.push_back(std::move(subscription));
  return id;
}

void Session::on_not_subscribed(Core& core, Host& host, const Pending& refused,
                                const model::ReplyError& error) {
  switch (refused.whom) {
    case Pending::For::kConnect:
      return on_not_subscribed_at_connect(core, host, refused, error);
    case Pending::For::kOrder:
      return;  // a backend asked for a channel that there can't be
    case Pending::For::kClient:
      fail(core, host, refused.subscribe_id, error);
      if (refused.unsubscribe_id != 0)
        host.reply(refused.unsubscribe_id, protocol::UnsubscribeResult{});
  }
}

// ---- The end ----

// `id`: the command that is answered when it is done; 0: none.
void Session::end(Core& core, Host& host, Subscription& subscription, uint32_t id) {
  const std::string channel = subscription.place.channel->name;
  const bool tracked = subscription.tracked;
  core.fanout.remove(subscription.place);
  subscriptions_.erase(&subscription);
  core.metrics.add(metrics::Gauge::kSubscriptions, -1);
  if (id != 0) return ask(core, host, id, channel, hub::UnsubscribeAsk{});
  core.hub.ask({.from = host.ref(),
                .id = 0,
                .channel = channel,
                .who = tracked ? identity() : nullptr,
                .body = hub::UnsubscribeAsk{}});
}

void Session::on_moved(const LocalChannel& channel, uint32_t place) {
  const auto moved = std::ranges::find(subscriptions_, &channel,
                                       [](const Subscription& each) { return each.place.channel; });
  MILLRACE_ASSERT(moved != subscriptions_.end());
  moved->place.place = place;
}

void Session::on_interrupted(Core& core, Host& host, std::string_view channel) {
  Subscription* const lost = subscription(core, channel);
  if (lost == nullptr || host.closing()) return;
  // The client can ask again only for what it asked for.
  if (lost->server_side) return host.close(disconnects::kInsufficientState);
  end(core, host, *lost, 0);
  host.push(channel, protocol::UnsubscribePush{unsubscribes::kInsufficientState});
}

// ---- Time ----

void Session::set_details(Subscription& subscription, const base::SharedBytes& chan_info,
                          int64_t expire_at) {
  subscription.details.reset();
  if (chan_info.empty() && expire_at == 0) return;
  subscription.details = std::make_unique<Subscription::Details>(
      Subscription::Details{.chan_info = chan_info, .expire_at = expire_at});
}

void Session::on_sub_refreshed(Core& core, Host& host, const hub::Answer& answer) {
  const auto& refreshed = std::get<hub::SubRefreshAnswer>(answer.body);
  Subscription* const found = subscription(core, answer.channel);
  if (found == nullptr) return fail(core, host, answer.id, model::errors::kPermissionDenied);
  set_details(*found, refreshed.chan_info, refreshed.expire_at);
  host.reply(answer.id, protocol::SubRefreshResult{.expires = refreshed.expire_at != 0,
                                                   .ttl = ttl_until(refreshed.expire_at)});
  arm(core, host);
}

// Wakes when the first of the connection and its subscriptions is over, which is a while after it
// has expired: time to refresh it.
void Session::arm(const Core& core, Host& host) {
  int64_t first_ms = 0;
  const auto consider = [&first_ms](int64_t expire_at, std::chrono::milliseconds delay) {
    if (expire_at == 0) return;
    const int64_t end_ms = expire_at * 1000 + delay.count();
    if (first_ms == 0 || end_ms < first_ms) first_ms = end_ms;
  };
  if (identity_ != nullptr) consider(identity_->expire_at, core.options.expired_close_delay);
  for (const Subscription& each : subscriptions_) {
    if (each.details != nullptr)
      consider(each.details->expire_at, core.options.expired_sub_close_delay);
  }
  if (first_ms == 0) return;
  const int64_t left_ms = std::max<int64_t>(0, first_ms - base::wall_clock_ms());
  constexpr std::chrono::milliseconds kDay = std::chrono::hours(24);
  host.wake_after(std::min(std::chrono::milliseconds(left_ms), kDay));
}

void Session::on_deadline(Core& core, Host& host) {
  if (state_ != State::kConnected || host.closing()) return;
  const int64_t now_ms = base::wall_clock_ms();
  const auto over = [now_ms](int64_t expire_at, std::chrono::milliseconds delay) {
    return expire_at != 0 && expire_at * 1000 + delay.count() <= now_ms;
  };
  if (identity_ != nullptr && over(identity_->expire_at, core.options.expired_close_delay))
    return host.close(disconnects::kExpired);
  for (size_t i = subscriptions_.size(); i > 0; --i) {
    Subscription& each = subscriptions_[i - 1];
    if (each.details == nullptr ||
        !over(each.details->expire_at, core.options.expired_sub_close_delay)) {
      continue;
    }
    if (each.server_side) return host.close(disconnects::kSubscriptionExpired);
    const std::string channel = each.place.channel->name;
    end(core, host, each, 0);
    host.push(channel, protocol::UnsubscribePush{unsubscribes::kExpired});
  }
  arm(core, host);
}

}  // namespace millrace::edge
