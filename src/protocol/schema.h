// The schema: each message's fields with their number (Protobuf) and name (JSON), written down
// once. Visitors do the rest: the readers of decode_json.cc and decode_protobuf.cc, the writers of
// json_writer.h and protobuf_writer.h.
//
// Source: proto/client.proto, field by field and in its order; schema_test.cc holds this file
// against it. What is not here is skipped when read and never written.
//
// Schema<M>::fields(visitor, message) calls, for each field:
//   text, payload, boolean, integer    a value; its default ("", 0, false) is not written
//   quoted                             bytes that JSON has as the text of a string
//   message                            a sub-message, written even when it is empty
//   optional_message                   one that may be absent: anything that tests like a pointer
//   messages, entries, texts           repeated; a map of messages; a map of strings
//   *_always                           the same, but JSON has the field even at its default
//   body                               one of a command's alternatives
//   filter                             the root of a tags filter, or none
//   strings, nodes                     repeated, in a tags filter: strings, and nodes within
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <ranges>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/protocol.h"

namespace millrace::protocol {

template <class Message>
struct Schema;

// How a payload stands in JSON: as the value that it is, or as the text of a string.
enum class Carriage : uint8_t { kPlain, kText };

// ---- Commands ----

template <>
struct Schema<SubscribeRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "channel", message.channel);
    visitor.text(2, "token", message.token);
    visitor.boolean(3, "recover", message.recover);
    visitor.text(6, "epoch", message.epoch);
    visitor.integer(7, "offset", message.offset);
    visitor.payload(8, "data", message.data);
    visitor.boolean(9, "positioned", message.positioned);
    visitor.boolean(10, "recoverable", message.recoverable);
    visitor.boolean(11, "join_leave", message.join_leave);
    visitor.text(12, "delta", message.delta);
    visitor.filter(13, "tf", message.tags_filter);
    visitor.integer(14, "flag", message.flag);
    visitor.integer(15, "type", message.type);
  }
};

template <>
struct Schema<model::FilterNode> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "op", message.op);
    visitor.text(2, "key", message.key);
    visitor.text(3, "cmp", message.cmp);
    visitor.text(4, "val", message.val);
    visitor.strings(5, "vals", message.vals);
    visitor.nodes(6, "nodes", message.nodes);
  }
};

template <>
struct Schema<ConnectRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "token", message.token);
    visitor.payload(2, "data", message.data);
    visitor.entries(3, "subs", message.subs);
    visitor.text(4, "name", message.name);
    visitor.text(5, "version", message.version);
    visitor.texts(6, "headers", message.headers);
    visitor.integer(7, "flag", message.flag);
  }
};

template <>
struct Schema<UnsubscribeRequest> {
  static void fields(auto& visitor, auto& message) { visitor.text(1, "channel", message.channel); }
};

template <>
struct Schema<PublishRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "channel", message.channel);
    visitor.payload(2, "data", message.data);
    visitor.integer(3, "type", message.type);
    visitor.text(4, "key", message.key);
    visitor.boolean(5, "removed", message.removed);
    visitor.text(100, "idempotency_key", message.idempotency_key);
    visitor.boolean(101, "exclude_self", message.exclude_self);
  }
};

template <>
struct Schema<PresenceRequest> {
  static void fields(auto& visitor, auto& message) { visitor.text(1, "channel", message.channel); }
};

template <>
struct Schema<PresenceStatsRequest> {
  static void fields(auto& visitor, auto& message) { visitor.text(1, "channel", message.channel); }
};

template <>
struct Schema<StreamPosition> {
  static void fields(auto& visitor, auto& message) {
    visitor.integer(1, "offset", message.offset);
    visitor.text(2, "epoch", message.epoch);
  }
};

template <>
struct Schema<HistoryRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "channel", message.channel);
    visitor.integer(7, "limit", message.limit);
    visitor.optional_message(8, "since", message.since);
    visitor.boolean(9, "reverse", message.reverse);
  }
};

template <>
struct Schema<PingRequest> {
  static void fields(auto&, auto&) {}
};

template <>
struct Schema<SendRequest> {
  static void fields(auto& visitor, auto& message) { visitor.payload(1, "data", message.data); }
};

template <>
struct Schema<RpcRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.payload(1, "data", message.data);
    visitor.text(2, "method", message.method);
  }
};

template <>
struct Schema<RefreshRequest> {
  static void fields(auto& visitor, auto& message) { visitor.text(1, "token", message.token); }
};

template <>
struct Schema<SubRefreshRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "channel", message.channel);
    visitor.text(2, "token", message.token);
    visitor.integer(3, "type", message.type);
  }
};

template <>
struct Schema<EmulationRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "node", message.node);
    visitor.text(2, "session", message.session);
    visitor.quoted(3, "data", message.data);
  }
};

template <>
struct Schema<PollRequest> {
  static void fields(auto& visitor, auto& message) {
    visitor.text(1, "node", message.node);
    visitor.text(2, "session", message.session);
    visitor.integer(3, "ack", message.ack);
    visitor.boolean(4, "close", message.close);
  }
};

template <>
struct Schema<Command> {
  static void fields(auto& visitor, auto& message) {
    visitor.integer(1, "id", message.id);
    visitor.template body<ConnectRequest>(4, "connect", message.body);
    visitor.template body<SubscribeRequest>(5, "subscribe", message.body);
    visitor.template body<UnsubscribeRequest>(6, "unsubscribe", message.body);
    visitor.template body<PublishRequest>(7, "publish", message.body);
    visitor.template body<PresenceRequest>(8, "presence", message.body);
    visitor.template body<PresenceStatsRequest>(9, "presence_stats", message.body);
    visitor.template body<HistoryRequest>(10, "history", message.body);
    visitor.template body<PingRequest>(11, "ping", message.body);
    visitor.template body<SendRequest>(12, "send", message.body);
    visitor.template body<RpcRequest>(13, "rpc", message.body);
    visitor.template body<RefreshRequest>(14, "refresh", message.body);
    visitor.template body<SubRefreshRequest>(15, "sub_refresh", message.body);
  }
};

// ---- Shared types ----

template <>
struct Schema<model::ClientInfo> {
  static void fields(auto& visitor, const model::ClientInfo& message) {
    visitor.text_always(1, "user", message.user);
    visitor.text_always(2, "client", message.client);
    visitor.payload(3, "conn_info", message.conn_info.view());
    visitor.payload(4, "chan_info", message.chan_info.view());
  }
};

template <>
struct Schema<PublicationPush> {
  static void fields(auto& visitor, const PublicationPush& message) {
    const model::Publication& publication = message.publication;
    const std::string_view data = message.patch.empty() ? publication.data.view() : message.patch;
    visitor.payload(4, "data", data, message.delta ? Carriage::kText : Carriage::kPlain);
    visitor.optional_message(5, "info", publication.info);
    visitor.integer(6, "offset", publication.offset.value());
    visitor.texts(7, "tags", publication.tags);
    visitor.boolean(8, "delta", !message.patch.empty());
  }
};

template <>
struct Schema<model::Publication> {
  static void fields(auto& visitor, const model::Publication& message) {
    Schema<PublicationPush>::fields(visitor, PublicationPush{.publication = message});
  }
};

// ---- Replies ----

template <>
struct Schema<model::ReplyError> {
  static void fields(auto& visitor, const model::ReplyError& message) {
    visitor.integer(1, "code", message.code);
    visitor.text(2, "message", message.message);
    visitor.boolean(3, "temporary", message.temporary);
  }
};

template <>
struct Schema<SubscribeResult> {
  static void fields(auto& visitor, const SubscribeResult& message) {
    visitor.boolean(1, "expires", message.expires);
    visitor.integer(2, "ttl", message.ttl);
    visitor.boolean(3, "recoverable", message.recoverable);
    visitor.text(6, "epoch", message.epoch);
    const auto push = [&message](const model::Publication& publication) {
      return PublicationPush{.publication = publication, .delta = message.delta};
    };
    visitor.messages(7, "publications", std::views::transform(message.publications, push));
    visitor.boolean(8, "recovered", message.recovered);
    visitor.integer(9, "offset", message.offset.value());
    visitor.boolean(10, "positioned", message.positioned);
    visitor.payload(11, "data", message.data.view());
    visitor.boolean(12, "was_recovering", message.was_recovering);
    visitor.boolean(13, "delta", message.delta);
    visitor.integer(14, "id", message.id);
  }
};

template <>
struct Schema<ConnectResult> {
  static void fields(auto& visitor, const ConnectResult& message) {
    visitor.text(1, "client", message.client);
    visitor.text(2, "version", message.version);
    visitor.boolean(3, "expires", message.expires);
    visitor.integer(4, "ttl", message.ttl);
    visitor.payload(5, "data", message.data);
    visitor.entries(6, "subs", message.subs);
    visitor.integer(7, "ping", message.ping);
    visitor.boolean(8, "pong", message.pong);
    visitor.text(9, "session", message.session);
    visitor.text(10, "node", message.node);
    visitor.integer(11, "time", message.time);
  }
};

template <>
struct Schema<UnsubscribeResult> {
  static void fields(auto&, const UnsubscribeResult&) {}
};

template <>
struct Schema<PublishResult> {
  static void fields(auto& visitor, const PublishResult& message) {
    visitor.integer(100, "offset", message.offset.value());
    visitor.text(101, "epoch", message.epoch);
  }
};

template <>
struct Schema<PingResult> {
  static void fields(auto&, const PingResult&) {}
};

template <>
struct Schema<PresenceResult> {
  static void fields(auto& visitor, const PresenceResult& message) {
    const auto entry = [](const std::shared_ptr<const model::ClientInfo>& member) {
      return std::pair<std::string_view, const model::ClientInfo&>(member->client, *member);
    };
    visitor.entries_always(1, "presence", std::views::transform(message.members, entry));
  }
};

template <>
struct Schema<PresenceStatsResult> {
  static void fields(auto& visitor, const PresenceStatsResult& message) {
    visitor.integer_always(1, "num_clients", message.num_clients);
    visitor.integer_always(2, "num_users", message.num_users);
  }
};

template <>
struct Schema<HistoryResult> {
  static void fields(auto& visitor, const HistoryResult& message) {
    visitor.messages_always(1, "publications", message.publications);
    visitor.text_always(2, "epoch", message.epoch);
    visitor.integer_always(3, "offset", message.offset.value());
  }
};

template <>
struct Schema<RpcResult> {
  static void fields(auto& visitor, const RpcResult& message) {
    visitor.payload(1, "data", message.data);
  }
};

template <>
struct Schema<RefreshResult> {
  static void fields(auto& visitor, const RefreshResult& message) {
    visitor.text(1, "client", message.client);
    visitor.text(2, "version", message.version);
    visitor.boolean(3, "expires", message.expires);
    visitor.integer(4, "ttl", message.ttl);
  }
};

template <>
struct Schema<SubRefreshResult> {
  static void fields(auto& visitor, const SubRefreshResult& message) {
    visitor.boolean(1, "expires", message.expires);
    visitor.integer(2, "ttl", message.ttl);
  }
};

// ---- Pushes ----

template <>
struct Schema<JoinPush> {
  static void fields(auto& visitor, const JoinPush& message) {
    visitor.message(1, "info", message.info);
  }
};

template <>
struct Schema<LeavePush> {
  static void fields(auto& visitor, const LeavePush& message) {
    visitor.message(1, "info", message.info);
  }
};

template <>
struct Schema<UnsubscribePush> {
  static void fields(auto& visitor, const UnsubscribePush& message) {
    visitor.integer(2, "code", message.why.code);
    visitor.text(3, "reason", message.why.reason);
  }
};

template <>
struct Schema<MessagePush> {
  static void fields(auto& visitor, const MessagePush& message) {
    visitor.payload(1, "data", message.data);
  }
};

template <>
struct Schema<SubscribePush> {
  static void fields(auto& visitor, const SubscribePush& message) {
    visitor.boolean(1, "recoverable", message.recoverable);
    visitor.text(4, "epoch", message.epoch);
    visitor.integer(5, "offset", message.offset.value());
    visitor.boolean(6, "positioned", message.positioned);
    visitor.payload(7, "data", message.data);
  }
};

template <>
struct Schema<DisconnectPush> {
  static void fields(auto& visitor, const DisconnectPush& message) {
    visitor.integer(1, "code", uint32_t{message.why.code});
    visitor.text(2, "reason", message.why.reason);
    visitor.boolean(3, "reconnect", message.why.reconnects());
  }
};

template <>
struct Schema<RefreshPush> {
  static void fields(auto& visitor, const RefreshPush& message) {
    visitor.boolean(1, "expires", message.expires);
    visitor.integer(2, "ttl", message.ttl);
  }
};

// ConnectResult's fields, in another order, and without `pong` (8).
template <>
struct Schema<ConnectPush> {
  static void fields(auto& visitor, const ConnectPush& message) {
    const ConnectResult& result = message.result;
    visitor.text(1, "client", result.client);
    visitor.text(2, "version", result.version);
    visitor.payload(3, "data", result.data);
    visitor.entries(4, "subs", result.subs);
    visitor.boolean(5, "expires", result.expires);
    visitor.integer(6, "ttl", result.ttl);
    visitor.integer(7, "ping", result.ping);
    visitor.text(9, "session", result.session);
    visitor.text(10, "node", result.node);
    visitor.integer(11, "time", result.time);
  }
};

// ---- Envelopes ----

struct FieldId {
  uint32_t number;
  std::string_view name;
};

// A Push: where it belongs, and one of the bodies.
struct Push {
  std::string_view channel;
  const PushBody& body;
  int64_t id = 0;  // not 0: named by it
};

template <>
struct Schema<Push> {
  // In the order of PushBody's alternatives.
  static constexpr std::array<FieldId, std::variant_size_v<PushBody>> kBodies = {{
      {4, "pub"},
      {5, "join"},
      {6, "leave"},
      {7, "unsubscribe"},
      {8, "message"},
      {11, "disconnect"},
      {9, "subscribe"},
      {12, "refresh"},
      {10, "connect"},
  }};

  static void fields(auto& visitor, const Push& message) {
    visitor.integer(1, "id", message.id);
    visitor.text(2, "channel", message.id == 0 ? message.channel : std::string_view());
    const FieldId id = kBodies[message.body.index()];
    std::visit([&](const auto& body) { visitor.message(id.number, id.name, body); }, message.body);
  }
};

// A Reply that answers a command.
struct Reply {
  uint32_t id;
  const ReplyBody& body;
};

template <>
struct Schema<Reply> {
  // In the order of ReplyBody's alternatives.
  static constexpr std::array<FieldId, std::variant_size_v<ReplyBody>> kBodies = {{
      {2, "error"},
      {5, "connect"},
      {6, "subscribe"},
      {7, "unsubscribe"},
      {8, "publish"},
      {9, "presence"},
      {10, "presence_stats"},
      {11, "history"},
      {12, "ping"},
      {13, "rpc"},
      {14, "refresh"},
      {15, "sub_refresh"},
  }};

  static void fields(auto& visitor, const Reply& message) {
    visitor.integer(1, "id", message.id);
    const FieldId id = kBodies[message.body.index()];
    std::visit([&](const auto& body) { visitor.message(id.number, id.name, body); }, message.body);
  }
};

// A Reply that carries a push.
struct PushReply {
  Push push;
};

template <>
struct Schema<PushReply> {
  static void fields(auto& visitor, const PushReply& message) {
    visitor.message(4, "push", message.push);
  }
};

}  // namespace millrace::protocol
