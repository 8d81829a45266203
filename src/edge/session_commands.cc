// What a connected client says, and what it is answered.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/json_text.h"
#include "edge/session_dispatch.h"

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;
namespace errors = model::errors;

constexpr size_t kIdempotencyKeyBytesMax = 512;
// The RPC by which clients publish that can't say more than the protocol's publish does.
constexpr std::string_view kPublishMethod = "millrace.publish";

// SubscribeRequest.flag
constexpr int64_t kFlagCompact = 1;
constexpr int64_t kFlagRejectUnrecovered = 2;

// What a presence reply holds beside a member's user and infos: its id, twice, and names.
constexpr size_t kMemberBytes = 160;

// Payloads travel in newline-delimited JSON frames, so raw line breaks, which JSON allows only as
// white space, go.
base::SharedBytes one_line(std::string_view json) {
  if (json.find('\n') == std::string_view::npos) return base::SharedBytes::copy_of(json);
  std::string line;
  protocol::append_json_line(line, json);
  return base::SharedBytes::copy_of(line);
}

}  // namespace

bool carries(protocol::Format format, std::span<const model::Publication> publications) {
  return format != protocol::Format::kJson ||
         std::ranges::all_of(publications, &model::Publication::is_json);
}

uint32_t ttl_until(int64_t expire_at) {
  constexpr int64_t kYear = int64_t{365} * 24 * 3600;
  if (expire_at == 0) return 0;
  const int64_t left_ms = expire_at * 1000 - base::wall_clock_ms();
  return static_cast<uint32_t>(std::clamp<int64_t>((left_ms + 999) / 1000, 1, kYear));
}

hub::SubscribeAsk subscribe_ask(const protocol::SubscribeRequest& request) {
  hub::SubscribeAsk what;
  what.token = request.token;
  what.positioned = request.positioned;
  what.recoverable = request.recoverable || request.recover;
  what.join_leave = request.join_leave;
  what.delta = !request.delta.empty();
  what.filtered = request.tags_filter.has_value();
  what.recover = request.recover;
  what.since = {std::string(request.epoch), model::Offset{request.offset}};
  what.reject_unrecovered = (request.flag & kFlagRejectUnrecovered) != 0;
  return what;
}

bool Session::Dispatch::named(std::string_view channel) {
  if (channel.empty()) host.close(disconnects::kBadRequest);
  return !channel.empty();
}

// ---- Subscriptions ----

void Session::Dispatch::operator()(const protocol::SubscribeRequest& request) {
  if (!named(request.channel)) return;
  if (!request.delta.empty() && request.delta != "fossil")
    return host.close(disconnects::kBadRequest);
  if (request.type != 0) return session.fail(core, host, id, errors::kNotAvailable);
  if (subscribed(request.channel) || session.pending(request.channel) != nullptr)
    return session.fail(core, host, id, errors::kAlreadySubscribed);
  if (session.subscriptions() >= core.options.channel_limit)
    return session.fail(core, host, id, errors::kLimitExceeded);
  Pending pending{.channel = std::string(request.channel), .subscribe_id = id};
  // Not over Protobuf: where long.js is installed, centrifuge-js reads an int64 as an object there,
  // and compares it with === to find the subscription, so no push with an id would reach it. It
  // asks for ids all the same.
  pending.compact =
      session.format_ == protocol::Format::kJson && (request.flag & kFlagCompact) != 0;
  if (request.tags_filter) {
    base::Result<filter::Filter> made = filter::Filter::compile(*request.tags_filter);
    if (!made) return session.fail(core, host, id, errors::kBadRequest);
    pending.filter = std::make_unique<const filter::Filter>(std::move(*made));
  }
  session.subscribe(core, host, std::move(pending), subscribe_ask(request));
}

void Session::Dispatch::operator()(const protocol::UnsubscribeRequest& request) {
  if (!named(request.channel)) return;
  Pending* const waiting = session.pending(request.channel);
  if (waiting != nullptr && waiting->whom == Pending::For::kClient) {
    waiting->unsubscribe_id = id;
    return;
  }
  Subscription* const found = session.subscription(core, request.channel);
  if (found == nullptr) return host.reply(id, protocol::UnsubscribeResult{});
  session.end(core, host, *found, id);
}

void Session::Dispatch::operator()(const protocol::SubRefreshRequest& request) {
  if (!named(request.channel)) return;
  // shared poll's keys
  if (request.type != 0) return session.fail(core, host, id, errors::kNotAvailable);
  if (!subscribed(request.channel)) return session.fail(core, host, id, errors::kPermissionDenied);
  if (request.token.empty()) return session.fail(core, host, id, errors::kBadRequest);
  session.ask(core, host, id, request.channel,
              hub::SubRefreshAsk{.token = std::string(request.token)});
}

void Session::Dispatch::operator()(const protocol::RefreshRequest& request) {
  if (request.token.empty()) return host.close(disconnects::kBadRequest);
  hub::RefreshAsk what{.token = std::string(request.token), .channels = {}};
  if (session.identity_ != nullptr) what.channels = session.identity_->channels;
  session.ask(core, host, id, {}, std::move(what));
}

// ---- Publishing ----

void Session::Dispatch::operator()(const protocol::PublishRequest& request) {
  if (!named(request.channel)) return;
  publish(request, request.idempotency_key.empty() ? Note::kPlain : Note::kPosition);
}

void Session::Dispatch::operator()(const protocol::RpcRequest& request) {
  if (request.method != kPublishMethod) return session.fail(core, host, id, errors::kNotAvailable);
  bool named = false;
  const base::Result<> decoded =
      protocol::decode_publish(request.data, [&](const protocol::PublishRequest& what) {
        named = !what.channel.empty();
        if (named) publish(what, Note::kRpc);
      });
  if (!decoded || !named) session.fail(core, host, id, errors::kBadRequest);
}

void Session::Dispatch::publish(const protocol::PublishRequest& request, Note note) {
  if (request.type != 0 || !request.key.empty() || request.removed)
    return session.fail(core, host, id, errors::kNotAvailable);
  if (request.idempotency_key.size() > kIdempotencyKeyBytesMax)
    return session.fail(core, host, id, errors::kBadRequest);
  hub::PublishAsk what;
  what.is_json = session.format_ == protocol::Format::kJson || protocol::valid_json(request.data);
  what.data = what.is_json ? one_line(request.data) : base::SharedBytes::copy_of(request.data);
  if (request.exclude_self) what.exclude = base::to_string(session.client_);
  // Two users may use one key by chance, or to hush each other. The client's id would not do: the
  // one who repeats a publish may be a new connection.
  if (!request.idempotency_key.empty())
    what.idempotency_key = session.identity()->user + ":" + std::string(request.idempotency_key);
  const Subscription* const subscription = session.subscription(core, request.channel);
  what.subscribed = subscription != nullptr;
  if (subscription != nullptr && subscription->details != nullptr)
    what.chan_info = subscription->details->chan_info;
  what.received = base::monotonic_now();
  session.ask(core, host, id, request.channel, std::move(what), note);
}

void Session::answer_publish(Host& host, const hub::Answer& answer,
                             const hub::PublishAnswer& published) {
  const model::Position& position = published.position;
  if (static_cast<Note>(answer.note) != Note::kRpc) {
    protocol::PublishResult result;
    if (static_cast<Note>(answer.note) == Note::kPosition) {
      result.offset = position.offset;
      result.epoch = position.epoch;
    }
    return host.reply(answer.id, result);
  }
  std::string data = "{";
  if (!position.epoch.empty()) {
    data += R"("offset":)" + std::to_string(position.offset.value()) + R"(,"epoch":)";
    base::append_json_string(data, position.epoch);
  }
  data += "}";
  host.reply(answer.id, protocol::RpcResult{.data = data});
}

// ---- Questions ----

void Session::Dispatch::operator()(const protocol::PresenceRequest& request) {
  if (!named(request.channel)) return;
  session.ask(core, host, id, request.channel,
              hub::PresenceAsk{.stats_only = false, .subscribed = subscribed(request.channel)});
}

void Session::Dispatch::operator()(const protocol::PresenceStatsRequest& request) {
  if (!named(request.channel)) return;
  session.ask(core, host, id, request.channel,
              hub::PresenceAsk{.stats_only = true, .subscribed = subscribed(request.channel)});
}

void Session::Dispatch::operator()(const protocol::HistoryRequest& request) {
  if (!named(request.channel)) return;
  hub::HistoryAsk what{.reverse = request.reverse, .subscribed = subscribed(request.channel)};
  if (request.limit >= 0) what.limit = static_cast<size_t>(request.limit);
  if (request.since) {
    what.since = {std::string(request.since->epoch), model::Offset{request.since->offset}};
  }
  session.ask(core, host, id, request.channel, std::move(what));
}

void Session::answer_question(Core& core, Host& host, const hub::Answer& answer) {
  if (const auto* published = std::get_if<hub::PublishAnswer>(&answer.body))
    return answer_publish(host, answer, *published);
  if (const auto* stats = std::get_if<hub::PresenceStatsAnswer>(&answer.body)) {
    return host.reply(answer.id, protocol::PresenceStatsResult{.num_clients = stats->clients,
                                                               .num_users = stats->users});
  }
  if (const auto* presence = std::get_if<hub::PresenceAnswer>(&answer.body)) {
    size_t bytes = 0;
    for (const auto& member : presence->members) {
      bytes +=
          kMemberBytes + member->user.size() + member->conn_info.size() + member->chan_info.size();
    }
    // It would be closed as too slow before it had read that.
    if (bytes > core.options.outbox_bytes_max)
      return fail(core, host, answer.id, errors::kLimitExceeded);
    return host.reply(answer.id, protocol::PresenceResult{presence->members});
  }
  const auto& history = std::get<hub::HistoryAnswer>(answer.body);
  if (!carries(format_, *history.publications))
    return host.close(disconnects::kInappropriateProtocol);
  host.reply(answer.id, protocol::HistoryResult{.publications = *history.publications,
                                                .epoch = history.top.epoch,
                                                .offset = history.top.offset});
}

}  // namespace millrace::edge
