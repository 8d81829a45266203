// What the server does to a client, because its backend said so.
#include <algorithm>
#include <utility>

#include "edge/session_dispatch.h"

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;

}  // namespace

struct Session::CarryOut {
  Session& session;
  Core& core;
  Host& host;

  void operator()(const hub::DisconnectOrder& order) {
    const bool kept = std::ranges::any_of(
        order.keep, [this](const std::string& client) { return session.is_client(client); });
    if (kept) return;
    host.close({.code = order.code, .reason = order.reason});
  }

  void operator()(const hub::UnsubscribeOrder& order) {
    for (size_t i = session.subscriptions_.size(); i > 0; --i) {
      Subscription& each = session.subscriptions_[i - 1];
      const std::string channel = each.place.channel->name;
      if (!order.channel.empty() && order.channel != channel) continue;
      session.end(core, host, each, 0);
      host.push(channel, protocol::UnsubscribePush{model::unsubscribes::kServer});
    }
  }

  void operator()(const hub::SubscribeOrder& order) {
    const bool there = session.subscription(core, order.channel) != nullptr ||
                       session.pending(order.channel) != nullptr;
    if (there) return;
    if (session.subscriptions() >= core.options.channel_limit)
      return host.close(disconnects::kChannelLimit);
    session.subscribe(core, host, {.channel = order.channel, .whom = Pending::For::kOrder},
                      order.how);
  }

  void operator()(const hub::RefreshOrder& order) {
    if (order.expired) return host.close(disconnects::kExpired);
    if (session.identity_ == nullptr) {
      session.identity_ =
          std::make_unique<Identity>(Identity{.who = session.identity(), .token_id = {}});
    }
    session.identity_->expire_at = order.expire_at;
    if (order.info) session.set_info(*order.info);
    host.push({}, protocol::RefreshPush{.expires = order.expire_at != 0,
                                        .ttl = ttl_until(order.expire_at)});
    session.arm(core, host);
  }

  void operator()(const hub::RevokeOrder& order) {
    const Identity* const identity = session.identity_.get();
    if (identity == nullptr) return;
    const bool revoked = order.token_id.empty() ? identity->issued_at < order.issued_before
                                                : identity->token_id == order.token_id;
    if (revoked) host.close(disconnects::kInvalidToken);
  }
};

void Session::on_order(Core& core, Host& host, const hub::Order& order) {
  // While it connects, it can only be cut.
  const bool cuts = std::holds_alternative<hub::DisconnectOrder>(order.what) ||
                    std::holds_alternative<hub::RevokeOrder>(order.what);
  const bool ready = state_ == State::kConnected || (cuts && state_ == State::kConnecting);
  if (!ready || host.closing()) return;
  const hub::Selector& whom = order.whom;
  // A token's id alone says whom.
  const auto* revoke = std::get_if<hub::RevokeOrder>(&order.what);
  const bool anybody = revoke != nullptr && !revoke->token_id.empty();
  const std::string_view user = identity_ == nullptr ? std::string_view() : identity_->who->user;
  if (!anybody && whom.user != user) return;
  if (!whom.client.empty() && !is_client(whom.client)) return;
  if (!whom.session.empty() && whom.session != host.session_id()) return;
  std::visit(CarryOut{*this, core, host}, order.what);
}

}  // namespace millrace::edge
