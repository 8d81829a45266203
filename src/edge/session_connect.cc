// Coming in: who the client is, what its token or its backend subscribes it to, and when that ends.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "edge/session_dispatch.h"

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;
namespace errors = model::errors;

uint32_t whole_seconds(std::chrono::milliseconds duration) {
  return static_cast<uint32_t>((duration.count() + 999) / 1000);
}

}  // namespace

void Session::introduce(std::unique_ptr<hub::Visitor> visitor) {
  if (visitor == nullptr) return;
  connecting_ = std::make_unique<Connecting>();
  connecting_->visitor = std::move(visitor);
}

void Session::on_connect(Core& core, Host& host, uint32_t id,
                         const protocol::ConnectRequest& request) {
  if (connecting_ == nullptr) connecting_ = std::make_unique<Connecting>();
  auto visitor = core.visitors.complete(std::move(connecting_->visitor), request);
  if (!visitor) return host.close(disconnects::kBadRequest);
  if (*visitor != nullptr) {
    // Whoever grants subscriptions is to hear of all that are asked for.
    if (request.subs.size() > core.options.channel_limit)
      return host.close(disconnects::kChannelLimit);
    (*visitor)->transport = metrics::name_of(host.transport());
    (*visitor)->binary = format_ == protocol::Format::kProtobuf;
  }
  client_ = base::make_uuid(core.random);
  state_ = State::kConnecting;
  connecting_->id = id;
  for (const auto& [channel, sub] : request.subs)
    connecting_->asked.emplace_back(channel, subscribe_ask(sub));
  ask(core, host, id, {},
      hub::ConnectAsk{.token = std::string(request.token), .visitor = std::move(*visitor)});
}

// The backend's own words, in the forms that clients know.
void Session::on_turned_away(Core& core, Host& host, const hub::TurnedAway& why) {
  switch (why.how) {
    case hub::TurnedAway::How::kError:
      return refuse_connect(core, host,
                            {.code = why.code, .message = why.text, .temporary = why.temporary});
    case hub::TurnedAway::How::kDisconnect:
      return host.close({.code = static_cast<uint16_t>(why.code), .reason = why.text});
  }
}

void Session::on_admitted(Core& core, Host& host, hub::ConnectAnswer& answer) {
  const bool anonymous = answer.user.empty();
  const bool no_token = answer.issued_at == hub::kNoToken;
  const bool plain =
      anonymous && answer.info.empty() && answer.expire_at == 0 && no_token && answer.subs.empty();
  if (!plain) {
    auto who = std::make_shared<model::ClientInfo>();
    who->user = std::move(answer.user);
    who->client = base::to_string(client_);
    who->conn_info = answer.info;
    if (!anonymous) core.remember_user(who->user, host.ref());
    identity_ = std::make_unique<Identity>(Identity{.who = std::move(who),
                                                    .token_id = std::move(answer.token_id),
                                                    .issued_at = answer.issued_at,
                                                    .expire_at = answer.expire_at});
    for (const auth::Subscription& sub : answer.subs) identity_->channels.push_back(sub.channel);
  }
  // Bytes have no place in a JSON frame.
  if (!answer.data_is_json && format_ == protocol::Format::kJson)
    return host.close(disconnects::kInappropriateProtocol);
  connecting_->data = answer.data;
  subscribe_at_connect(core, host, answer);
}

// ---- Server-side subscriptions ----

// Those of the token or the backend, then what else the client asks for and may have by the
// ordinary rules, unless the backend has spoken on that. Their positions are in the client's
// connect.
void Session::subscribe_at_connect(Core& core, Host& host, hub::ConnectAnswer& answer) {
  struct Wanted {
    std::string channel;
    hub::SubscribeAsk what;
    bool from_token;
  };
  std::vector<Wanted> wanted;
  for (auth::Subscription& sub : answer.subs) {
    hub::SubscribeAsk what;
    const auto asked = std::ranges::find(connecting_->asked, sub.channel,
                                         &decltype(connecting_->asked)::value_type::first);
    if (asked != connecting_->asked.end()) {
      what = std::move(asked->second);
      connecting_->asked.erase(asked);
    }
    what.token.clear();
    what.server_side = true;
    what.override = sub.override;
    what.chan_info = base::SharedBytes::copy_of(sub.info.bytes);
    what.data = base::SharedBytes::copy_of(sub.data.bytes);
    what.data_is_json = sub.data.is_json;
    what.expire_at = sub.expire_at;
    wanted.push_back({std::move(sub.channel), std::move(what), true});
  }
  if (answer.subs_are_all) connecting_->asked.clear();
  for (auto& [channel, what] : std::exchange(connecting_->asked, {}))
    wanted.push_back({std::move(channel), std::move(what), false});
  if (wanted.size() > core.options.channel_limit) return host.close(disconnects::kChannelLimit);
  connecting_->missing = wanted.size();
  if (wanted.empty()) return finish_connect(core, host);
  for (Wanted& each : wanted) {
    // An answer may have come at once, and have ended it all.
    if (state_ != State::kConnecting || host.closing()) return;
    Pending pending{.channel = std::move(each.channel), .whom = Pending::For::kConnect};
    pending.from_token = each.from_token;
    pending.alone = wanted.size() == 1;
    each.what.delta = false;  // server-side subscriptions have neither
    each.what.filtered = false;
    each.what.reject_unrecovered = false;
    subscribe(core, host, std::move(pending), std::move(each.what));
  }
}

void Session::on_subscribed_at_connect(Core& core, Host& host, const std::string& channel,
                                       protocol::SubscribeResult result) {
  connecting_->subs.emplace_back(channel, std::move(result));
  if (--connecting_->missing == 0) finish_connect(core, host);
}

void Session::on_not_subscribed_at_connect(Core& core, Host& host, const Pending& pending,
                                           const model::ReplyError& error) {
  if (pending.from_token) return refuse_connect(core, host, error);
  if (error.code == errors::kUnknownChannel.code) return host.close(disconnects::kBadRequest);
  // What the client only asked for, and may not have, it does not get.
  if (--connecting_->missing == 0) finish_connect(core, host);
}

// ---- The reply ----

void Session::finish_connect(Core& core, Host& host) {
  const std::unique_ptr<Connecting> connecting = std::move(connecting_);
  state_ = State::kConnected;
  core.metrics.add(metrics::Gauge::kSessions, 1);
  const Options& options = core.options;
  const std::string client = base::to_string(client_);
  protocol::ConnectResult result;
  result.client = client;
  result.version = options.server_version;
  result.data = connecting->data.view();
  result.subs = std::move(connecting->subs);
  if (identity_ != nullptr && identity_->expire_at != 0) {
    result.expires = true;
    result.ttl = ttl_until(identity_->expire_at);
  }
  const std::string session = host.session_id();
  result.session = session;
  if (!session.empty()) result.node = options.node;
  host.on_connected();
  if (options.ping_interval.count() > 0 && host.pings_by_protocol()) {
    result.ping = whole_seconds(options.ping_interval);
    result.pong = options.pong_timeout.count() > 0 && host.wants_pongs() && !host.variant().bare;
  }
  if (options.connect_include_server_time) result.time = base::wall_clock_ms();
  host.reply(connecting->id, result);
  arm(core, host);
  size_t skip = connecting->skip;
  for (const std::string& frame : connecting->frames) {
    if (host.closing()) return;
    take_frame(core, host, frame, std::exchange(skip, 0));
  }
}

void Session::refuse_connect(Core& core, Host& host, const model::ReplyError& error) {
  const uint32_t id = connecting_->id;
  const bool more = !connecting_->frames.empty();
  connecting_.reset();
  deferred_.reset();
  state_ = State::kRefused;
  // Some of its token's subscriptions may have been made.
  while (!subscriptions_.empty()) end(core, host, subscriptions_.back(), 0);
  fail(core, host, id, error);
  if (more) host.close(disconnects::kBadRequest);
}

// ---- Refreshing ----

void Session::on_refreshed(Core& core, Host& host, uint32_t id, const hub::RefreshAnswer& answer) {
  if (identity_ == nullptr)
    identity_ = std::make_unique<Identity>(Identity{.who = identity(), .token_id = {}});
  identity_->expire_at = answer.expire_at;
  identity_->token_id = answer.token_id;
  identity_->issued_at = answer.issued_at;
  set_info(answer.info);
  const std::string client = base::to_string(client_);
  protocol::RefreshResult result;
  result.client = client;
  result.version = core.options.server_version;
  result.expires = answer.expire_at != 0;
  result.ttl = ttl_until(answer.expire_at);
  host.reply(id, result);
  arm(core, host);
}

// What others see of it from now on.
void Session::set_info(const base::SharedBytes& info) {
  if (identity_->who->conn_info.view() == info.view()) return;
  auto who = std::make_shared<model::ClientInfo>(*identity_->who);
  who->conn_info = info;
  identity_->who = std::move(who);
}

}  // namespace millrace::edge
