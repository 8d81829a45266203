#include <gtest/gtest.h>

#include <utility>

#include "api/api.h"
#include "api/calls.h"
#include "base/clock.h"

namespace millrace::api {
namespace {

template <class T>
T read(Method method, std::string_view params) {
  Read<Call> call = read_call(method, params);
  if (!call) {
    ADD_FAILURE() << params << ": " << call.error().message;
    return {};
  }
  return std::get<T>(*std::move(call));
}

template <class What>
std::pair<hub::Selector, What> read_order(Method method, std::string_view params) {
  auto order = read<hub::Order>(method, params);
  return {order.whom, std::get<What>(order.what)};
}

// "107 bad request: ...", or "" if nothing is wrong.
std::string refusal(const Failure& failure) {
  return std::to_string(failure.code) + " " + failure.message;
}
std::string refusal(Method method, std::string_view params) {
  const Read<Call> call = read_call(method, params);
  return call ? "" : refusal(call.error());
}

std::string repeated(std::string_view entry, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) list.append(i == 0 ? "" : ",").append(entry);
  return list;
}

TEST(ReadPublish, every_parameter_has_its_place) {
  const auto publish = read<Publish>(
      Method::kPublish,
      R"({"channel":"news","data":{"a": 1},"tags":{"lang":"en"},"idempotency_key":"k","version":3,
          "version_epoch":"v","skip_history":true,"delta":true,"exclude":"c-1","unknown":[]})");
  EXPECT_EQ(publish.channel, "news");
  EXPECT_EQ(publish.what.data.view(), R"({"a": 1})");
  EXPECT_TRUE(publish.what.is_json);
  EXPECT_EQ(publish.what.tags, (model::Tags{{"lang", "en"}}));
  EXPECT_EQ(publish.what.idempotency_key, "k");
  EXPECT_EQ(publish.what.version, 3U);
  EXPECT_EQ(publish.what.version_epoch, "v");
  EXPECT_TRUE(publish.what.skip_history);
  EXPECT_EQ(publish.what.delta, true);
  EXPECT_EQ(publish.what.exclude, "c-1");
}

TEST(ReadPublish, the_payload_keeps_its_text_but_for_line_breaks) {
  const auto data = [](std::string_view json) {
    return std::string(
        read<Publish>(Method::kPublish, R"({"channel":"c","data":)" + std::string(json) + "}")
            .what.data.view());
  };
  EXPECT_EQ(data(R"("t\u00e9xt")"), R"("t\u00e9xt")");
  EXPECT_EQ(data("1.50e3"), "1.50e3");
  EXPECT_EQ(data("null"), "null");
  EXPECT_EQ(data("{ \"a\" :\r\n 1 }"), "{ \"a\" : 1 }");
  EXPECT_EQ(data(R"({"b":1,"b":2,"deep":[[["\ud800"]]]})"),
            R"({"b":1,"b":2,"deep":[[["\ud800"]]]})");
}

TEST(ReadPublish, base64_wins_over_data) {
  const auto json =
      read<Publish>(Method::kPublish, R"({"channel":"c","data":1,"b64data":"eyJhIjoKMX0="})");
  EXPECT_EQ(json.what.data.view(), R"({"a":1})");
  EXPECT_TRUE(json.what.is_json);
  const auto bytes = read<Publish>(Method::kPublish, R"({"channel":"c","b64data":"AAH/"})");
  EXPECT_EQ(bytes.what.data.view(), std::string_view("\x00\x01\xff", 3));
  EXPECT_FALSE(bytes.what.is_json);
  const auto empty = read<Publish>(Method::kPublish, R"({"channel":"c","data":1,"b64data":""})");
  EXPECT_EQ(empty.what.data.view(), "1");
}

TEST(ReadPublish, what_is_missing_is_told) {
  EXPECT_EQ(refusal(Method::kPublish, R"({"data":1})"), "107 bad request: channel is needed");
  EXPECT_EQ(refusal(Method::kPublish, R"({"channel":"","data":1})"),
            "107 bad request: channel is needed");
  EXPECT_EQ(refusal(Method::kPublish, R"({"channel":"c"})"), "107 bad request: data is needed");
  EXPECT_EQ(refusal(Method::kPublish, R"({"channel":"c","b64data":""})"),
            "107 bad request: data is needed");
  EXPECT_EQ(refusal(Method::kBroadcast, R"({"data":1})"), "107 bad request: channels are needed");
  EXPECT_EQ(refusal(Method::kBroadcast, R"({"channels":[],"data":1})"),
            "107 bad request: channels are needed");
}

TEST(ReadPublish, keys_and_tags_are_bounded) {
  const auto with = [](std::string_view more) {
    return R"({"channel":"c","data":1,)" + std::string(more) + "}";
  };
  const auto key = [&](size_t size) {
    return with(R"("idempotency_key":")" + std::string(size, 'k') + '"');
  };
  EXPECT_EQ(refusal(Method::kPublish, key(kIdempotencyKeyBytesMax)), "");
  EXPECT_EQ(refusal(Method::kPublish, key(kIdempotencyKeyBytesMax + 1)),
            "107 bad request: idempotency_key has more than 512 bytes");
  const auto tag = [&](size_t size) {
    return with(R"("tags":{"t":")" + std::string(size, 'v') + R"("})");
  };
  EXPECT_EQ(refusal(Method::kPublish, tag(kTagBytesMax - 1)), "");
  EXPECT_EQ(refusal(Method::kPublish, tag(kTagBytesMax)),
            "107 bad request: tags has more than 16384 bytes");
}

TEST(ReadBroadcast, has_a_bounded_number_of_channels) {
  const auto channels = [](size_t count) {
    return R"({"data":1,"channels":[)" + repeated(R"("c")", count) + "]}";
  };
  EXPECT_EQ(read<Broadcast>(Method::kBroadcast, channels(kBroadcastChannelsMax)).channels.size(),
            kBroadcastChannelsMax);
  EXPECT_EQ(refusal(Method::kBroadcast, channels(kBroadcastChannelsMax + 1)),
            "107 bad request: channels has more than 10000 entries");
}

TEST(ReadOrders, subscribe) {
  const auto [whom, order] = read_order<hub::SubscribeOrder>(
      Method::kSubscribe,
      R"({"channel":"news","user":"42","client":"c","session":"s","expire_at":1900000000,
          "info":{"i":1},"b64data":"AAH/","recover_since":{"offset":7,"epoch":"e"},
          "override":{"presence":{"value":true},"force_recovery":{"value":false},"x":1}})");
  EXPECT_EQ(whom.user, "42");
  EXPECT_EQ(whom.client, "c");
  EXPECT_EQ(whom.session, "s");
  EXPECT_EQ(order.channel, "news");
  EXPECT_TRUE(order.how.server_side);
  EXPECT_EQ(order.how.expire_at, 1900000000);
  EXPECT_EQ(order.how.chan_info.view(), R"({"i":1})");
  EXPECT_EQ(order.how.data.view(), std::string_view("\x00\x01\xff", 3));
  EXPECT_FALSE(order.how.data_is_json);
  EXPECT_TRUE(order.how.recover);
  EXPECT_EQ(order.how.since, (model::Position{"e", model::Offset{7}}));
  EXPECT_EQ(order.how.override.presence, true);
  EXPECT_EQ(order.how.override.force_recovery, false);
  EXPECT_FALSE(order.how.override.join_leave.has_value());
}

TEST(ReadOrders, subscribe_refuses_what_could_not_be_sent) {
  EXPECT_EQ(refusal(Method::kSubscribe, R"({"user":"42"})"), "107 bad request: channel is needed");
  EXPECT_EQ(refusal(Method::kSubscribe, R"({"channel":"c","b64info":"AAH/"})"),
            "107 bad request: b64info must be JSON in base64");
  EXPECT_EQ(refusal(Method::kSubscribe, R"({"channel":"c","expire_at":-1})"),
            "107 bad request: expire_at must not be negative");
  EXPECT_EQ(refusal(Method::kSubscribe, R"({"channel":"c","user":42})"),
            "107 bad request: user must be a string");
  EXPECT_EQ(refusal(Method::kSubscribe, R"({"channel":"c","override":{"presence":true}})"),
            "107 bad request: override.presence must be an object");
}

TEST(ReadOrders, unsubscribe_without_a_channel_means_all_of_them) {
  const auto [whom, order] =
      read_order<hub::UnsubscribeOrder>(Method::kUnsubscribe, R"({"user":"42","client":"c"})");
  EXPECT_EQ(whom.user, "42");
  EXPECT_EQ(whom.client, "c");
  EXPECT_EQ(order.channel, "");
}

TEST(ReadOrders, disconnect_has_a_code_of_its_own_or_3503) {
  const auto [whom, plain] =
      read_order<hub::DisconnectOrder>(Method::kDisconnect, R"({"user":"42","whitelist":["a"]})");
  EXPECT_EQ(whom.user, "42");
  EXPECT_EQ(plain.code, 3503);
  EXPECT_EQ(plain.reason, "force disconnect");
  EXPECT_EQ(plain.keep, std::vector<std::string>{"a"});
  const auto [same, own] = read_order<hub::DisconnectOrder>(
      Method::kDisconnect, R"({"disconnect":{"code":4100,"reason":"bye"}})");
  EXPECT_EQ(same.user, "");
  EXPECT_EQ(own.code, 4100);
  EXPECT_EQ(own.reason, "bye");
  for (const char* code : {"2999", "5000", "-1", "68000", "-62436"}) {
    EXPECT_EQ(refusal(Method::kDisconnect, R"({"disconnect":{"code":)" + std::string(code) + "}}"),
              "107 bad request: disconnect.code must be from 3000 to 4999");
  }
  EXPECT_EQ(refusal(Method::kDisconnect,
                    R"({"disconnect":{"code":4000,"reason":")" + std::string(124, 'r') + R"("}})"),
            "107 bad request: disconnect.reason has more than 123 bytes");
}

TEST(ReadOrders, refresh) {
  const auto [whom, order] = read_order<hub::RefreshOrder>(
      Method::kRefresh, R"({"user":"42","expire_at":1900000000,"info":{"a":1}})");
  EXPECT_EQ(whom.user, "42");
  EXPECT_FALSE(order.expired);
  EXPECT_EQ(order.expire_at, 1900000000);
  ASSERT_TRUE(order.info.has_value());
  EXPECT_EQ(order.info->view(), R"({"a":1})");
  const auto [same, expired] =
      read_order<hub::RefreshOrder>(Method::kRefresh, R"({"expired":true})");
  EXPECT_EQ(same.user, "");
  EXPECT_TRUE(expired.expired);
  EXPECT_FALSE(expired.info.has_value());
}

TEST(ReadBans, each_kind) {
  const auto user = read<hub::Ban>(Method::kBlockUser, R"({"user":"42","expire_at":1900000000})");
  EXPECT_EQ(user.kind, hub::Ban::Kind::kUser);
  EXPECT_EQ(user.subject, "42");
  EXPECT_EQ(user.expire_at, 1900000000);
  const auto token = read<hub::Ban>(Method::kRevokeToken, R"({"uid":"t-1"})");
  EXPECT_EQ(token.kind, hub::Ban::Kind::kToken);
  EXPECT_EQ(token.subject, "t-1");
  const auto tokens =
      read<hub::Ban>(Method::kInvalidateUserTokens, R"({"user":"42","issued_before":1800000000})");
  EXPECT_EQ(tokens.kind, hub::Ban::Kind::kUserTokens);
  EXPECT_EQ(tokens.issued_before, 1800000000);
  const auto lift = read<Lift>(Method::kUnblockUser, R"({"user":"42"})");
  EXPECT_EQ(lift.kind, hub::Ban::Kind::kUser);
  EXPECT_EQ(lift.subject, "42");
}

TEST(ReadBans, tokens_are_invalid_up_to_now_unless_said_otherwise) {
  const int64_t before = base::wall_clock_ms() / 1000;
  const auto tokens = read<hub::Ban>(Method::kInvalidateUserTokens, R"({"user":"42"})");
  EXPECT_GT(tokens.issued_before, before);
  EXPECT_LE(tokens.issued_before, base::wall_clock_ms() / 1000 + 1);
}

TEST(ReadBans, need_somebody) {
  EXPECT_EQ(refusal(Method::kBlockUser, "{}"), "107 bad request: user is needed");
  EXPECT_EQ(refusal(Method::kUnblockUser, "{}"), "107 bad request: user is needed");
  EXPECT_EQ(refusal(Method::kInvalidateUserTokens, "{}"), "107 bad request: user is needed");
  EXPECT_EQ(refusal(Method::kRevokeToken, R"({"user":"42"})"), "107 bad request: uid is needed");
  EXPECT_EQ(refusal(Method::kBlockUser, R"({"user":"42","expire_at":-1})"),
            "107 bad request: expire_at and issued_before must not be negative");
}

TEST(ReadQuestions, history_limits) {
  const auto limit = [](std::string_view more) {
    return read<History>(Method::kHistory, R"({"channel":"c")" + std::string(more) + "}")
        .what.limit;
  };
  EXPECT_EQ(limit(""), 0U);
  EXPECT_EQ(limit(R"(,"limit":0)"), 0U);
  EXPECT_EQ(limit(R"(,"limit":5)"), 5U);
  EXPECT_EQ(limit(R"(,"limit":-1)"), std::nullopt);
  const auto since = read<History>(
      Method::kHistory, R"({"channel":"c","since":{"offset":3,"epoch":"e"},"reverse":true})");
  EXPECT_EQ(since.what.since, (model::Position{"e", model::Offset{3}}));
  EXPECT_TRUE(since.what.reverse);
}

TEST(ReadQuestions, of_a_channel_need_one) {
  for (const Method method :
       {Method::kPresence, Method::kPresenceStats, Method::kHistory, Method::kHistoryRemove}) {
    EXPECT_EQ(refusal(method, "{}"), "107 bad request: channel is needed");
  }
  EXPECT_FALSE(read<Presence>(Method::kPresence, R"({"channel":"c"})").stats_only);
  EXPECT_TRUE(read<Presence>(Method::kPresenceStats, R"({"channel":"c"})").stats_only);
  EXPECT_EQ(read<HistoryRemove>(Method::kHistoryRemove, R"({"channel":"c"})").channel, "c");
  EXPECT_EQ(read<Channels>(Method::kChannels, R"({"pattern":"chat:*"})").pattern, "chat:*");
  EXPECT_EQ(read<Channels>(Method::kChannels, "{}").pattern, "");
  EXPECT_EQ(refusal(Method::kInfo, R"({"anything":1})"), "");
  EXPECT_EQ(refusal(Method::kInfo, "[]"), "107 bad request: what is asked must be an object");
}

TEST(Methods, are_known_unavailable_or_unknown) {
  for (size_t i = 0; i < kMethods; ++i) {
    EXPECT_EQ(find_method(kMethodNames[i]), static_cast<Method>(i));
  }
  EXPECT_EQ(refusal(find_method("map_publish").error()), "108 not available");
  EXPECT_EQ(refusal(find_method("rpc").error()), "104 method not found");
  EXPECT_EQ(refusal(find_method("").error()), "104 method not found");
}

TEST(ReadBatch, each_command_fails_for_itself) {
  const Read<Batch> batch = read_batch(
      R"({"commands":[{"publish":{"channel":"c","data":1}},{"publish":{"channel":7}},{"none":{}},
          {},{"info":{},"channels":{}},5,{"presence":{"channel":"p"}}],"parallel":true})");
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->parallel);
  ASSERT_EQ(batch->commands.size(), 7U);
  EXPECT_TRUE(batch->commands[0].call.has_value());
  EXPECT_EQ(batch->commands[0].method, Method::kPublish);
  const char* const refusals[] = {"107 bad request: channel must be a string",
                                  "104 method not found",
                                  "107 bad request: a command has no method",
                                  "107 bad request: channels is one method too many in a command",
                                  "107 bad request: what is asked must be an object"};
  for (size_t i = 0; i < std::size(refusals); ++i) {
    ASSERT_FALSE(batch->commands[i + 1].call.has_value());
    EXPECT_EQ(refusal(batch->commands[i + 1].call.error()), refusals[i]);
  }
  EXPECT_TRUE(batch->commands[6].call.has_value());
}

TEST(ReadBatch, is_bounded_in_commands_and_channels) {
  const auto commands = [](std::string_view entry, size_t count) {
    return read_batch(R"({"commands":[)" + repeated(entry, count) + "]}");
  };
  EXPECT_TRUE(commands(R"({"info":{}})", kCommandsMax).has_value());
  EXPECT_EQ(refusal(commands(R"({"info":{}})", kCommandsMax + 1).error()),
            "107 bad request: commands has more than 1000 entries");
  EXPECT_EQ(refusal(commands("", 0).error()), "107 bad request: commands are needed");
  const std::string broadcast =
      R"({"broadcast":{"data":1,"channels":[)" + repeated(R"("c")", 4000) + "]}}";
  const Read<Batch> batch = commands(broadcast, 3);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->commands[1].call.has_value());
  EXPECT_EQ(refusal(batch->commands[2].call.error()),
            "106 limit exceeded: the broadcasts of a request have more than 10000 channels");
}

TEST(ReadLines, each_has_its_method_and_maybe_an_id) {
  const Read<std::vector<Line>> lines = read_lines(
      "{\"id\":1,\"method\":\"publish\",\"params\":{\"channel\":\"c\",\"data\":1}}\n\r\n"
      "{\"method\":\"info\"}\n{\"id\":3,\"method\":\"nonsense\"}\n{\"id\":4}\n"
      "{\"method\":\"info\",\"params\":null}");
  ASSERT_TRUE(lines.has_value());
  ASSERT_EQ(lines->size(), 5U);
  EXPECT_EQ((*lines)[0].id, 1);
  EXPECT_TRUE((*lines)[0].command.call.has_value());
  EXPECT_EQ((*lines)[1].id, std::nullopt);
  EXPECT_TRUE((*lines)[1].command.call.has_value());
  EXPECT_EQ(refusal((*lines)[2].command.call.error()), "104 method not found");
  EXPECT_EQ((*lines)[3].id, 4);
  EXPECT_EQ(refusal((*lines)[3].command.call.error()), "107 bad request: method is needed");
  EXPECT_TRUE((*lines)[4].command.call.has_value());
}

TEST(ReadLines, one_command_may_take_several) {
  const Read<std::vector<Line>> lines = read_lines(
      "{\n \"method\": \"publish\",\n \"params\": {\"channel\": \"c\",\n \"data\": 1}\n}\n");
  ASSERT_TRUE(lines.has_value());
  ASSERT_EQ(lines->size(), 1U);
  EXPECT_TRUE((*lines)[0].command.call.has_value());
}

TEST(ReadLines, what_is_not_json_refuses_them_all) {
  for (const char* body : {"", "\n", "{", "{\"method\":\"info\"}\n{", "{}{}", "nonsense"}) {
    const Read<std::vector<Line>> lines = read_lines(body);
    ASSERT_FALSE(lines.has_value()) << body;
    EXPECT_EQ(lines.error().code, 0U);
  }
  std::string many;
  for (size_t i = 0; i < kCommandsMax; ++i) many += "{\"method\":\"info\"}\n";
  EXPECT_TRUE(read_lines(many).has_value());
  EXPECT_EQ(refusal(read_lines(many + "{}").error()), "107 bad request: more than 1000 lines");
}

}  // namespace
}  // namespace millrace::api
