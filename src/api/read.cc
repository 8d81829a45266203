// Methods by name, the parameters of those that only ask, and several calls in one request.
#include "api/read.h"

#include <algorithm>
#include <utility>

#include "protocol/protocol.h"

namespace millrace::api {
namespace {

// Methods of Centrifugo, its commercial edition among them, that Millrace has no part for.
constexpr std::string_view kNotAvailable[] = {
    "map_publish",         "map_remove",      "map_read_state",      "map_read_stream",
    "map_stats",           "map_clear",       "shared_poll_publish", "connections",
    "update_user_status",  "get_user_status", "delete_user_status",  "device_register",
    "device_update",       "device_remove",   "device_list",         "device_topic_list",
    "device_topic_update", "user_topic_list", "user_topic_update",   "send_push_notification",
    "update_push_status",  "cancel_push",
};

// One whose only parameter is its channel.
template <class OfChannel>
Read<Call> read_channel(std::string_view params, OfChannel call) {
  std::optional<Failure> wrong =
      read_object(params, [&](Field& field) { field.text("channel", call.channel); });
  if (!wrong && call.channel.empty()) wrong = bad_request("channel is needed");
  if (wrong) return std::unexpected(*std::move(wrong));
  return call;
}

Read<Call> read_history(std::string_view params) {
  History history;
  int64_t limit = 0;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    field.text("channel", history.channel);
    field.integer("limit", limit);
    field.position("since", history.what.since);
    field.boolean("reverse", history.what.reverse);
  });
  if (!wrong && history.channel.empty()) wrong = bad_request("channel is needed");
  if (wrong) return std::unexpected(*std::move(wrong));
  // Negative: as many as is allowed.
  if (limit >= 0) history.what.limit = static_cast<size_t>(limit);
  return history;
}

Read<Call> read_channels(std::string_view params) {
  Channels channels;
  std::optional<Failure> wrong = read_object(
      params, [&](Field& field) { field.text("pattern", channels.pattern, kPatternBytesMax); });
  if (wrong) return std::unexpected(*std::move(wrong));
  return channels;
}

Read<Call> read_info(std::string_view params) {
  if (std::optional<Failure> wrong = read_object(params, [](Field&) {})) {
    return std::unexpected(*std::move(wrong));
  }
  return Info{};
}

Command read_command(std::string_view method, std::string_view params) {
  Command command;
  const Read<Method> found = find_method(method);
  if (found) {
    command.method = *found;
    command.call = read_call(*found, params);
  } else {
    command.call = std::unexpected(found.error());
  }
  return command;
}

// {"publish":{...}}
Command read_entry(std::string_view json) {
  std::string method;
  std::optional<std::string> params;
  std::optional<Failure> wrong = read_object(json, [&](Field& field) {
    if (params) return field.fail("is one method too many in a command");
    method = field.key();
    field.payload(field.key(), params);
  });
  if (!wrong && !params) wrong = bad_request("a command has no method");
  Command command;
  if (wrong) {
    command.call = std::unexpected(*std::move(wrong));
    return command;
  }
  return read_command(method, *params);
}

// Counts the channels of a broadcast against what one request may have of them.
void take_from(size_t& channels_left, Command& command) {
  const Broadcast* broadcast = command.call ? std::get_if<Broadcast>(&*command.call) : nullptr;
  if (broadcast == nullptr) return;
  if (broadcast->channels.size() <= channels_left) {
    channels_left -= broadcast->channels.size();
    return;
  }
  command.call = std::unexpected(failure(model::errors::kLimitExceeded,
                                         "the broadcasts of a request have more than " +
                                             std::to_string(kBroadcastChannelsMax) + " channels"));
}

Line read_line(std::string_view json) {
  Line line;
  std::string method;
  std::optional<std::string> params;
  int64_t id = 0;
  std::optional<Failure> wrong = read_object(json, [&](Field& field) {
    field.text("method", method);
    field.integer("id", id);
    field.payload("params", params);
  });
  if (id != 0) line.id = id;
  if (!wrong && method.empty()) wrong = bad_request("method is needed");
  if (wrong) {
    line.command.call = std::unexpected(*std::move(wrong));
  } else {
    line.command = read_command(method, params && *params != "null" ? *params : "{}");
  }
  return line;
}

}  // namespace

Failure failure(const model::ReplyError& error) {
  return {.code = error.code, .message = std::string(error.message)};
}

Failure failure(const model::ReplyError& error, std::string_view why) {
  Failure failed = failure(error);
  failed.message.append(": ").append(why);
  return failed;
}

Failure bad_request(std::string_view why) {
  return failure(model::errors::kBadRequest, why);
}

Read<Method> find_method(std::string_view name) {
  const auto known = std::ranges::find(kMethodNames, name);
  if (known != kMethodNames.end()) return static_cast<Method>(known - kMethodNames.begin());
  const bool elsewhere = std::ranges::find(kNotAvailable, name) != std::end(kNotAvailable);
  return std::unexpected(
      failure(elsewhere ? model::errors::kNotAvailable : model::errors::kMethodNotFound));
}

Read<Call> read_call(Method method, std::string_view params) {
  switch (method) {
    case Method::kPublish:
      return read_publish(params);
    case Method::kBroadcast:
      return read_broadcast(params);
    case Method::kSubscribe:
      return read_subscribe(params);
    case Method::kUnsubscribe:
      return read_unsubscribe(params);
    case Method::kDisconnect:
      return read_disconnect(params);
    case Method::kRefresh:
      return read_refresh(params);
    case Method::kPresence:
      return read_channel(params, Presence{});
    case Method::kPresenceStats:
      return read_channel(params, Presence{.channel = {}, .stats_only = true});
    case Method::kHistory:
      return read_history(params);
    case Method::kHistoryRemove:
      return read_channel(params, HistoryRemove{});
    case Method::kChannels:
      return read_channels(params);
    case Method::kInfo:
      return read_info(params);
    case Method::kBlockUser:
      return read_block_user(params);
    case Method::kUnblockUser:
      return read_unblock_user(params);
    case Method::kRevokeToken:
      return read_revoke_token(params);
    case Method::kInvalidateUserTokens:
      return read_invalidate_user_tokens(params);
    case Method::kCount:
      break;
  }
  return std::unexpected(failure(model::errors::kMethodNotFound));
}

Read<Batch> read_batch(std::string_view body) {
  Batch batch;
  std::vector<std::string> entries;
  std::optional<Failure> wrong = read_object(body, [&](Field& field) {
    field.entries("commands", entries, kCommandsMax);
    field.boolean("parallel", batch.parallel);
  });
  if (!wrong && entries.empty()) wrong = bad_request("commands are needed");
  if (wrong) return std::unexpected(*std::move(wrong));
  size_t channels_left = kBroadcastChannelsMax;
  for (const std::string& entry : entries) {
    batch.commands.push_back(read_entry(entry));
    take_from(channels_left, batch.commands.back());
  }
  return batch;
}

Read<std::vector<Line>> read_lines(std::string_view body) {
  std::vector<Line> lines;
  if (protocol::valid_json(body)) {
    lines.push_back(read_line(body));
    return lines;
  }
  size_t channels_left = kBroadcastChannelsMax;
  while (!body.empty()) {
    const size_t end = std::min(body.find('\n'), body.size());
    const std::string_view text = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (!protocol::valid_json(text)) return std::unexpected(Failure{});
    if (lines.size() == kCommandsMax) {
      return std::unexpected(bad_request("more than " + std::to_string(kCommandsMax) + " lines"));
    }
    lines.push_back(read_line(text));
    take_from(channels_left, lines.back().command);
  }
  if (lines.empty()) return std::unexpected(Failure{});
  return lines;
}

}  // namespace millrace::api
