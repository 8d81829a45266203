// What a client may say when, and what becomes of it. Source: the Centrifuge client protocol.
//
//          connect accepted                 the connection ends
//   kNew ─────────────────────▶ kConnected ─────────────────────▶ kLeft
//
//   state       command              -> what happens
//   kNew        connect              -> on_connect(): a reply, or a close
//   kNew        anything else        -> close 3501 (bad request)
//   kConnected  connect              -> close 3501
//   kConnected  no id and no body    -> a pong; close 3501 if none was due
//   kConnected  anything else        -> Dispatch: a close, an error, or an ask to the hub
//   kConnected  (the hub's answer)   -> on_answer()
//   kLeft       (the hub's answer)   -> what was granted is given back, by on_answer() while the
//                                       connection closes, by the edge when it has gone
#include "edge/session.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;
namespace errors = model::errors;

// Payloads travel in newline-delimited JSON frames, so raw line breaks, which JSON allows only as
// white space, go.
base::SharedBytes one_line(std::string_view json) {
  if (json.find('\n') == std::string_view::npos) return base::SharedBytes::copy_of(json);
  std::string line;
  protocol::append_json_line(line, json);
  return base::SharedBytes::copy_of(line);
}

uint32_t whole_seconds(std::chrono::milliseconds duration) {
  return static_cast<uint32_t>((duration.count() + 999) / 1000);
}

}  // namespace

void Session::on_frame(Core& core, Host& host, std::string_view frame) {
  const base::Result<> decoded =
      protocol::decode_commands(format_, frame, [&](const protocol::Command& command) {
        on_command(core, host, command);
        return !host.closing();
      });
  if (!decoded && !host.closing()) host.close(disconnects::kBadRequest);
}

// Commands of a connected client, one overload each.
struct Session::Dispatch {
  Session& session;
  Core& core;
  Host& host;
  const uint32_t id;

  void operator()(std::monostate) { host.close(disconnects::kBadRequest); }
  void operator()(const protocol::ConnectRequest&) { host.close(disconnects::kBadRequest); }
  void operator()(const protocol::PingRequest&) { host.close(disconnects::kBadRequest); }
  void operator()(const protocol::SendRequest&) { host.close(disconnects::kNotAvailable); }
  void operator()(const protocol::RpcRequest&) {
    session.fail(core, host, id, errors::kNotAvailable);
  }
  void operator()(const protocol::RefreshRequest&) { host.close(disconnects::kBadRequest); }

  void operator()(const protocol::SubscribeRequest& request) {
    if (!named(request.channel)) return;
    if (!request.delta.empty() && request.delta != "fossil")
      return host.close(disconnects::kBadRequest);
    if (request.type != 0) return session.fail(core, host, id, errors::kNotAvailable);
    if (session.subscription(core, request.channel) != nullptr ||
        session.pending(request.channel) != nullptr) {
      return session.fail(core, host, id, errors::kAlreadySubscribed);
    }
    if (session.subscriptions() >= core.options.channel_limit)
      return session.fail(core, host, id, errors::kLimitExceeded);
    if (request.tags_filter.has_value()) return session.fail(core, host, id, errors::kBadRequest);
    if (!request.token.empty()) return session.fail(core, host, id, errors::kPermissionDenied);
    if (session.pending_ == nullptr) session.pending_ = std::make_unique<std::vector<Pending>>();
    session.pending_->push_back({.channel = std::string(request.channel), .subscribe_id = id});
    session.ask(core, host, id, request.channel, hub::SubscribeAsk{});
  }

  void operator()(const protocol::UnsubscribeRequest& request) {
    if (!named(request.channel)) return;
    if (Pending* const waiting = session.pending(request.channel)) {
      waiting->unsubscribe_id = id;
      return;
    }
    Fanout::Place* const place = session.subscription(core, request.channel);
    if (place == nullptr) return host.reply(id, protocol::UnsubscribeResult{});
    core.fanout.remove(*place);
    session.subscriptions_.erase(place);
    core.metrics.add(metrics::Gauge::kSubscriptions, -1);
    session.ask(core, host, id, request.channel, hub::UnsubscribeAsk{});
  }

  void operator()(const protocol::PublishRequest& request) {
    if (!named(request.channel)) return;
    if (request.type != 0 || !request.key.empty() || request.removed) {
      return session.fail(core, host, id, errors::kNotAvailable);
    }
    const bool is_json =
        session.format_ == protocol::Format::kJson || protocol::valid_json(request.data);
    hub::PublishAsk what{
        .data = is_json ? one_line(request.data) : base::SharedBytes::copy_of(request.data),
        .is_json = is_json,
        .subscribed = session.subscription(core, request.channel) != nullptr,
        .received = base::monotonic_now()};
    session.ask(core, host, id, request.channel, std::move(what));
  }

  void operator()(const protocol::PresenceRequest& request) {
    if (named(request.channel)) session.ask(core, host, id, request.channel, hub::PresenceAsk{});
  }
  void operator()(const protocol::PresenceStatsRequest& request) {
    if (named(request.channel))
      session.ask(core, host, id, request.channel, hub::PresenceAsk{.stats_only = true});
  }
  void operator()(const protocol::HistoryRequest& request) {
    if (named(request.channel)) session.ask(core, host, id, request.channel, hub::HistoryAsk{});
  }

  // Subscription tokens are not verified by this version, so there is none that could be refreshed.
  void operator()(const protocol::SubRefreshRequest& request) {
    if (!named(request.channel)) return;
    // shared poll's keys
    if (request.type != 0) return session.fail(core, host, id, errors::kNotAvailable);
    if (session.subscription(core, request.channel) == nullptr)
      return session.fail(core, host, id, errors::kPermissionDenied);
    if (request.token.empty()) return session.fail(core, host, id, errors::kBadRequest);
    host.close(disconnects::kInvalidToken);
  }

  bool named(std::string_view channel) {
    if (channel.empty()) host.close(disconnects::kBadRequest);
    return !channel.empty();
  }
};

void Session::on_command(Core& core, Host& host, const protocol::Command& command) {
  const bool is_pong = command.id == 0 && std::holds_alternative<std::monostate>(command.body);
  if (is_pong) {
    core.metrics.add(metrics::Counter::kControlInbound);
    if (!host.on_pong()) host.close(disconnects::kBadRequest);
    return;
  }
  core.metrics.add(metrics::Counter::kMessagesInbound);
  if (state_ == State::kNew) {
    const auto* connect = std::get_if<protocol::ConnectRequest>(&command.body);
    if (connect == nullptr || command.id == 0) return host.close(disconnects::kBadRequest);
    return on_connect(core, host, command.id, *connect);
  }
  const bool numbered =
      command.id != 0 || std::holds_alternative<protocol::SendRequest>(command.body);
  if (state_ != State::kConnected || !numbered) return host.close(disconnects::kBadRequest);
  std::visit(Dispatch{*this, core, host, command.id}, command.body);
}

void Session::on_connect(Core& core, Host& host, uint32_t id,
                         const protocol::ConnectRequest& request) {
  const Options& options = core.options;
  // This version verifies no tokens, so none is valid.
  if (!request.token.empty()) return host.close(disconnects::kInvalidToken);
  if (!options.insecure && !options.allow_anonymous_connect_without_token)
    return host.close(disconnects::kBadRequest);
  client_ = base::make_uuid(core.random);
  state_ = State::kConnected;
  core.metrics.add(metrics::Gauge::kSessions, 1);
  const std::string client = base::to_string(client_);
  protocol::ConnectResult result;
  result.client = client;
  result.version = options.server_version;
  host.on_connected();
  if (options.ping_interval.count() > 0 && host.pings_by_protocol()) {
    result.ping = whole_seconds(options.ping_interval);
    result.pong = options.pong_timeout.count() > 0;
  }
  if (options.connect_include_server_time) result.time = base::wall_clock_ms();
  host.reply(id, result);
}

void Session::ask(Core& core, Host& host, uint32_t id, std::string_view channel,
                  decltype(hub::Ask::body) body) {
  ++asks_in_flight_;
  core.hub.ask({.from = host.ref(),
                .id = id,
                .channel = std::string(channel),
                .who = identity(),
                .body = std::move(body)});
}

void Session::on_answer(Core& core, Host& host, hub::Answer& answer) {
  MILLRACE_DEBUG_ASSERT(asks_in_flight_ > 0);
  --asks_in_flight_;
  if (std::holds_alternative<hub::SubscribeAnswer>(answer.body))
    return on_subscribed(core, host, answer);
  if (host.closing()) return;
  if (const auto* error = std::get_if<model::ReplyError>(&answer.body)) {
    const Pending refused = answer.to_subscribe ? take_pending(answer) : Pending{};
    fail(core, host, answer.id, *error);
    if (refused.unsubscribe_id != 0) {
      host.reply(refused.unsubscribe_id, protocol::UnsubscribeResult{});
    }
    return;
  }
  if (std::holds_alternative<hub::UnsubscribeAnswer>(answer.body))
    return host.reply(answer.id, protocol::UnsubscribeResult{});
  host.reply(answer.id, protocol::PublishResult{});
}

void Session::on_subscribed(Core& core, Host& host, const hub::Answer& answer) {
  if (host.closing() || state_ != State::kConnected) return give_back(core, answer);
  const Pending granted = take_pending(answer);
  host.reply(answer.id, protocol::SubscribeResult{});
  if (granted.unsubscribe_id != 0) {
    give_back(core, answer);
    return host.reply(granted.unsubscribe_id, protocol::UnsubscribeResult{});
  }
  subscriptions_.push_back(core.fanout.add(answer.channel, host));
  core.metrics.add(metrics::Gauge::kSubscriptions, 1);
}

void Session::give_back(Core& core, const hub::Answer& answer) {
  core.hub.ask({.from = answer.to,
                .id = 0,
                .channel = answer.channel,
                .who = nullptr,
                .body = hub::UnsubscribeAsk{}});
}

void Session::on_moved(const LocalChannel& channel, uint32_t place) {
  const auto moved = std::ranges::find(subscriptions_, &channel, &Fanout::Place::channel);
  MILLRACE_ASSERT(moved != subscriptions_.end());
  moved->place = place;
}

void Session::leave(Core& core, Host& host) {
  if (state_ == State::kConnected) core.metrics.add(metrics::Gauge::kSessions, -1);
  state_ = State::kLeft;
  while (!subscriptions_.empty()) {
    const Fanout::Place place = subscriptions_.back();
    const std::string channel = place.channel->name();
    subscriptions_.pop_back();
    core.fanout.remove(place);
    core.metrics.add(metrics::Gauge::kSubscriptions, -1);
    core.hub.ask({.from = host.ref(),
                  .id = 0,
                  .channel = channel,
                  .who = nullptr,
                  .body = hub::UnsubscribeAsk{}});
  }
  pending_.reset();
}

void Session::fail(Core& core, Host& host, uint32_t id, const model::ReplyError& error) {
  core.metrics.add(metrics::CodeCounter::kReplyErrors, error.code);
  host.reply(id, error);
}

std::shared_ptr<const model::ClientInfo> Session::identity() const {
  auto info = std::make_shared<model::ClientInfo>();
  info->client = base::to_string(client_);
  return info;
}

Fanout::Place* Session::subscription(const Core& core, std::string_view channel) {
  const LocalChannel* const local = core.fanout.find(channel);
  if (local == nullptr) return nullptr;
  const auto found = std::ranges::find(subscriptions_, local, &Fanout::Place::channel);
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

}  // namespace millrace::edge
