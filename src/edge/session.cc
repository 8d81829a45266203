// What a client may say when, and what becomes of it. Source: the Centrifuge client protocol.
//
//           connect            it may, and is subscribed           the connection ends
//   kNew ───────────▶ kConnecting ──────────────────▶ kConnected ──────────────────────▶ kLeft
//                          │  it may not
//                          └─────────────▶ kRefused
//
//   state        command              -> what happens
//   kNew         connect              -> on_connect(): the hub is asked
//   kNew         anything else        -> close 3501 (bad request)
//   kConnecting  anything             -> waits
//   kConnecting  (the hub's answer)   -> on_admitted(), and when all is there, finish_connect()
//   kConnected   connect              -> close 3501
//   kConnected   no id and no body    -> a pong; close 3501 if none was due
//   kConnected   anything else        -> Dispatch: a close, an error, or an ask to the hub
//   kConnected   (the hub's answer)   -> on_answer()
//   kRefused     anything             -> close 3501; nothing: close 3502 (stale)
//   kRefused,    (the hub's answer)   -> what was granted is given back, by on_answer() while the
//   kLeft                                connection is there, by the edge when it has gone
#include "edge/session.h"

#include <utility>

#include "edge/session_dispatch.h"

namespace millrace::edge {

namespace disconnects = model::disconnects;

// ---- Frames ----

void Session::connect(Core& core, Host& host, const protocol::ConnectRequest& request) {
  if (state_ != State::kNew) return host.close(disconnects::kBadRequest);
  on_connect(core, host, 1, request);
}

void Session::on_bare_connect(Core& core, Host& host, std::string_view json) {
  const base::Result<> decoded = protocol::decode_connect(
      json, [&](const protocol::ConnectRequest& request) { connect(core, host, request); });
  if (!decoded) host.close(disconnects::kBadRequest);
}

void Session::on_frame(Core& core, Host& host, std::string_view frame) {
  if (state_ == State::kConnecting) {
    connecting_->frames.emplace_back(frame);
    return;
  }
  take_frame(core, host, frame, 0);
}

// The first `skip` commands of the frame are done. A frame in which the client connects is put
// aside until it is; then what comes behind the connect is its turn.
void Session::take_frame(Core& core, Host& host, std::string_view frame, size_t skip) {
  size_t count = 0;
  bool interrupted = false;
  const base::Result<> decoded =
      protocol::decode_commands(format_, frame, [&](const protocol::Command& command) {
        if (state_ == State::kConnecting) {
          interrupted = true;
          return false;
        }
        if (count++ < skip) return true;
        on_command(core, host, command);
        return !host.closing();
      });
  if (interrupted) {
    connecting_->frames.emplace_back(frame);
    connecting_->skip = count;
    return;
  }
  if (!decoded && !host.closing()) host.close(disconnects::kBadRequest);
}

void Session::on_command(Core& core, Host& host, const protocol::Command& command) {
  const bool is_pong = command.id == 0 && std::holds_alternative<std::monostate>(command.body);
  if (is_pong) {
    core.metrics.add(metrics::Counter::kControlInbound);
    if (!host.on_pong()) host.close(disconnects::kBadRequest);
    return;
  }
  core.metrics.add(metrics::TransportCounter::kMessagesInbound, host.transport());
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

// ---- Asking the hub ----

void Session::ask(Core& core, Host& host, uint32_t id, std::string_view channel, hub::AskBody body,
                  Note note) {
  ++asks_in_flight_;
  core.hub.ask({.from = host.ref(),
                .id = id,
                .note = static_cast<uint8_t>(note),
                .channel = std::string(channel),
                .who = identity(),
                .body = std::move(body)});
}

void Session::on_answer(Core& core, Host& host, hub::Answer& answer) {
  MILLRACE_DEBUG_ASSERT(asks_in_flight_ > 0);
  --asks_in_flight_;
  const bool over = host.closing() || state_ == State::kLeft || state_ == State::kRefused;
  if (over) return give_back(core, answer);
  if (const auto* why = std::get_if<model::Disconnect>(&answer.body)) return host.close(*why);
  if (answer.to_subscribe) return on_subscribe_answer(core, host, answer);
  if (const auto* away = std::get_if<hub::TurnedAway>(&answer.body))
    return on_turned_away(core, host, *away);
  if (auto* admitted = std::get_if<hub::ConnectAnswer>(&answer.body)) {
    if (!core.hub.banned(*admitted)) return on_admitted(core, host, *admitted);
    give_back(core, answer);
    return host.close(disconnects::kPermissionDenied);
  }
  if (const auto* error = std::get_if<model::ReplyError>(&answer.body)) {
    if (state_ == State::kConnecting) return refuse_connect(core, host, *error);
    return fail(core, host, answer.id, *error);
  }
  on_reply(core, host, answer);
}

void Session::on_reply(Core& core, Host& host, hub::Answer& answer) {
  if (std::holds_alternative<hub::UnsubscribeAnswer>(answer.body))
    return host.reply(answer.id, protocol::UnsubscribeResult{});
  if (const auto* refreshed = std::get_if<hub::RefreshAnswer>(&answer.body))
    return on_refreshed(core, host, answer.id, *refreshed);
  if (std::holds_alternative<hub::SubRefreshAnswer>(answer.body))
    return on_sub_refreshed(core, host, answer);
  answer_question(core, host, answer);
}

void Session::give_back(Core& core, const hub::Answer& answer) {
  if (const auto* granted = std::get_if<hub::SubscribeAnswer>(&answer.body)) {
    core.hub.ask({.from = answer.to,
                  .id = 0,
                  .channel = answer.channel,
                  .who = granted->member,
                  .body = hub::UnsubscribeAsk{}});
  }
  const auto* admitted = std::get_if<hub::ConnectAnswer>(&answer.body);
  if (admitted != nullptr && !admitted->user.empty()) {
    auto who = std::make_shared<model::ClientInfo>();
    who->user = admitted->user;
    core.hub.ask({.from = answer.to,
                  .id = 0,
                  .channel = {},
                  .who = std::move(who),
                  .body = hub::LeaveAsk{}});
  }
}

// ---- The end ----

void Session::leave(Core& core, Host& host) {
  const bool was_connected = state_ == State::kConnected;
  if (was_connected) core.metrics.add(metrics::Gauge::kSessions, -1);
  state_ = State::kLeft;
  while (!subscriptions_.empty()) {
    const Subscription last = std::move(subscriptions_.back());
    const std::string channel = last.place.channel->name;
    subscriptions_.pop_back();
    core.fanout.remove(last.place);
    core.metrics.add(metrics::Gauge::kSubscriptions, -1);
    core.hub.ask({.from = host.ref(),
                  .id = 0,
                  .channel = channel,
                  .who = last.tracked ? identity() : nullptr,
                  .body = hub::UnsubscribeAsk{.abrupt = host.broken()}});
  }
  if (identity_ != nullptr && !identity_->who->user.empty()) {
    core.forget_user(identity_->who->user, host.ref());
    core.hub.ask({.from = host.ref(),
                  .id = 0,
                  .channel = {},
                  .who = identity_->who,
                  .body = hub::LeaveAsk{}});
  }
  pending_.reset();
  deferred_.reset();
  connecting_.reset();
}

// ---- Who it is ----

void Session::fail(Core& core, Host& host, uint32_t id, const model::ReplyError& error) {
  core.metrics.add(metrics::CodeCounter::kReplyErrors, error.code);
  host.reply(id, error);
}

std::shared_ptr<const model::ClientInfo> Session::identity() const {
  if (identity_ != nullptr) return identity_->who;
  auto info = std::make_shared<model::ClientInfo>();
  info->client = base::to_string(client_);
  return info;
}

bool Session::is_client(std::string_view client) const {
  return (connected() || connecting()) && base::spells(client, client_);
}

}  // namespace millrace::edge
