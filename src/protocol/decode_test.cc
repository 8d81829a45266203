// Every command, decoded from both formats. The Protobuf bytes were made by protoc from
// proto/client.proto.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "protocol/protocol.h"
#include "protocol/test_bytes.h"

namespace millrace::protocol {
namespace {

// Decodes a frame of one command in each format, and checks both in the same way.
template <class Request>
void expect_command(std::string_view json, std::string_view protobuf_hex, uint32_t id,
                    std::function<void(const Request&)> check) {
  const std::string protobuf = from_hex(protobuf_hex);
  for (const auto& [format, frame] :
       {std::pair{Format::kJson, json}, std::pair{Format::kProtobuf, std::string_view(protobuf)}}) {
    SCOPED_TRACE(format == Format::kJson ? "JSON" : "Protobuf");
    int commands = 0;
    const auto decoded = decode_commands(format, frame, [&](const Command& command) {
      ++commands;
      EXPECT_EQ(command.id, id);
      const auto* request = std::get_if<Request>(&command.body);
      EXPECT_NE(request, nullptr);
      if (request != nullptr) check(*request);
      return true;
    });
    EXPECT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(commands, 1);
  }
}

TEST(DecodeCommands, connect) {
  expect_command<ConnectRequest>(
      R"({"id":1,"connect":{"token":"jwt","data":{"a":1},"subs":{"news":{"recover":true,)"
      R"("epoch":"aBcd",)"
      R"("offset":17}},"name":"js","version":"5.8","headers":{"X-Id":"7"},"flag":1,)"
      R"("dict":"d","profile":"p"}})",
      "420801223e0a036a777412077b2261223a317d1a120a046e657773120a1801320461426364381122026a732a03"
      "352e3832090a04582d496412013738014201644a0170",
      1, [](const ConnectRequest& connect) {
        EXPECT_EQ(connect.token, "jwt");
        EXPECT_EQ(connect.data, R"({"a":1})");
        ASSERT_EQ(connect.subs.size(), 1U);
        EXPECT_EQ(connect.subs[0].first, "news");
        EXPECT_TRUE(connect.subs[0].second.recover);
        EXPECT_EQ(connect.subs[0].second.epoch, "aBcd");
        EXPECT_EQ(connect.subs[0].second.offset, 17U);
        EXPECT_EQ(connect.name, "js");
        EXPECT_EQ(connect.version, "5.8");
        ASSERT_EQ(connect.headers.size(), 1U);
        EXPECT_EQ(connect.headers[0], (std::pair<Text, Text>("X-Id", "7")));
        EXPECT_EQ(connect.flag, 1);
      });
}

TEST(DecodeCommands, subscribe) {
  expect_command<SubscribeRequest>(
      R"({"id":2,"subscribe":{"channel":"news","token":"t","recover":true,"epoch":"aBcd",)"
      R"("offset":18446744073709551615,"data":7,"positioned":true,"recoverable":true,)"
      R"("join_leave":true,)"
      R"("delta":"fossil","tf":{"op":"and","nodes":[{"key":"k","cmp":"eq","val":"v"}]},"flag":-1,)"
      R"("type":4,"phase":2,"cursor":"c","limit":10,"asc":true}})",
      "5e08022a5a0a046e657773120174180132046142636438ffffffffffffffffff01420137480150015801620666"
      "6f7373696c6a110a03616e64320a12016b1a02657122017670ffffffffffffffffff0178048001028a01016390"
      "010a980101",
      2, [](const SubscribeRequest& subscribe) {
        EXPECT_EQ(subscribe.channel, "news");
        EXPECT_EQ(subscribe.token, "t");
        EXPECT_TRUE(subscribe.recover);
        EXPECT_EQ(subscribe.epoch, "aBcd");
        EXPECT_EQ(subscribe.offset, UINT64_MAX);
        EXPECT_EQ(subscribe.data, "7");
        EXPECT_TRUE(subscribe.positioned);
        EXPECT_TRUE(subscribe.recoverable);
        EXPECT_TRUE(subscribe.join_leave);
        EXPECT_EQ(subscribe.delta, "fossil");
        const model::FilterNode leaf{.key = "k", .cmp = "eq", .val = "v"};
        EXPECT_EQ(subscribe.tags_filter, (model::FilterNode{.op = "and", .nodes = {leaf}}));
        EXPECT_EQ(subscribe.flag, -1);
        EXPECT_EQ(subscribe.type, 4);
      });
}

TEST(DecodeCommands, fields_that_are_not_there_have_their_defaults) {
  expect_command<SubscribeRequest>(R"({"subscribe":{}})", "022a00", 0,
                                   [](const SubscribeRequest& subscribe) {
                                     EXPECT_EQ(subscribe.channel, "");
                                     EXPECT_EQ(subscribe.data, "");
                                     EXPECT_EQ(subscribe.offset, 0U);
                                     EXPECT_FALSE(subscribe.recover);
                                     EXPECT_FALSE(subscribe.tags_filter.has_value());
                                     EXPECT_EQ(subscribe.type, 0);
                                   });
}

TEST(DecodeCommands, a_tags_filter_is_a_tree) {
  const model::FilterNode in{.key = "lang", .cmp = "in", .vals = {"de", "", "en"}};
  const model::FilterNode exists{.key = "é", .cmp = "ex"};
  const model::FilterNode at_least{.key = "n", .cmp = "gte", .val = "1.5"};
  const model::FilterNode both{.op = "and", .nodes = {exists, at_least}};
  const model::FilterNode neither{.op = "not", .nodes = {both}};
  const model::FilterNode tree{.op = "or", .nodes = {in, neither, {}}};
  expect_command<SubscribeRequest>(
      R"({"id":3,"subscribe":{"channel":"n","tf":{"op":"or","nodes":[)"
      R"({"key":"lang","cmp":"in","vals":["de","","en"],"nodes":[]},)"
      R"({"nodes":[{"nodes":[{"key":"\u00e9","cmp":"ex"},{"key":"n","cmp":"gte","val":"1.5"}],)"
      R"("op":"and"}],"op":"not","unknown":[1]} , {"key":null,"vals":null,"nodes":null}]}}})",
      "4c08032a480a016e6a430a026f72321412046c616e671a02696e2a0264652a002a02656e32250a036e6f74321e"
      "0a03616e6432081202c3a91a026578320d12016e1a036774652203312e353200",
      3, [&](const SubscribeRequest& subscribe) { EXPECT_EQ(subscribe.tags_filter, tree); });
}

TEST(DecodeCommands, an_empty_filter_differs_from_none) {
  expect_command<SubscribeRequest>(R"({"subscribe":{"tf":{}}})", "042a026a00", 0,
                                   [](const SubscribeRequest& subscribe) {
                                     EXPECT_EQ(subscribe.tags_filter, model::FilterNode());
                                   });
}

TEST(DecodeCommands, each_subscription_of_a_connect_has_its_own_filter) {
  expect_command<ConnectRequest>(
      R"({"connect":{"subs":{"a":{"tf":{"key":"x"}},"b":{},"a":{"tf":{"key":"y"}}}}})",
      "21221f1a0a0a016112056a031201781a050a016212001a0a0a016112056a03120179", 0,
      [](const ConnectRequest& connect) {
        ASSERT_EQ(connect.subs.size(), 2U);
        EXPECT_EQ(connect.subs[0].first, "b");
        EXPECT_FALSE(connect.subs[0].second.tags_filter.has_value());
        EXPECT_EQ(connect.subs[1].second.tags_filter, (model::FilterNode{.key = "y"}));
      });
}

TEST(DecodeCommands, unsubscribe) {
  expect_command<UnsubscribeRequest>(
      R"({"id":3,"unsubscribe":{"channel":"news"}})", "0a080332060a046e657773", 3,
      [](const UnsubscribeRequest& unsubscribe) { EXPECT_EQ(unsubscribe.channel, "news"); });
}

TEST(DecodeCommands, publish) {
  expect_command<PublishRequest>(
      R"({"id":4,"publish":{"channel":"news","data":[1,2],"type":1,"key":"k","removed":true}})",
      "1808043a140a046e65777312055b312c325d180122016b2801", 4, [](const PublishRequest& publish) {
        EXPECT_EQ(publish.channel, "news");
        EXPECT_EQ(publish.data, "[1,2]");
        EXPECT_EQ(publish.type, 1);
        EXPECT_EQ(publish.key, "k");
        EXPECT_TRUE(publish.removed);
      });
}

TEST(DecodeCommands, presence) {
  expect_command<PresenceRequest>(
      R"({"id":5,"presence":{"channel":"news"}})", "0a080542060a046e657773", 5,
      [](const PresenceRequest& presence) { EXPECT_EQ(presence.channel, "news"); });
}

TEST(DecodeCommands, presence_stats) {
  expect_command<PresenceStatsRequest>(
      R"({"id":6,"presence_stats":{"channel":"news"}})", "0a08064a060a046e657773", 6,
      [](const PresenceStatsRequest& stats) { EXPECT_EQ(stats.channel, "news"); });
}

TEST(DecodeCommands, history) {
  expect_command<HistoryRequest>(
      R"({"id":7,"history":{"channel":"news","limit":-1,"since":{"offset":3,)"
      R"("epoch":"aBcd"},"reverse":true}})",
      "210807521d0a046e65777338ffffffffffffffffff01420808031204614263644801", 7,
      [](const HistoryRequest& history) {
        EXPECT_EQ(history.channel, "news");
        EXPECT_EQ(history.limit, -1);
        ASSERT_TRUE(history.since.has_value());
        EXPECT_EQ(history.since->offset, 3U);
        EXPECT_EQ(history.since->epoch, "aBcd");
        EXPECT_TRUE(history.reverse);
      });
}

TEST(DecodeCommands, history_from_the_start_differs_from_history_from_nowhere) {
  expect_command<HistoryRequest>(
      R"({"history":{"since":{}}})", "0452024200", 0,
      [](const HistoryRequest& history) { EXPECT_TRUE(history.since.has_value()); });
  expect_command<HistoryRequest>(
      R"({"history":{}})", "025200", 0,
      [](const HistoryRequest& history) { EXPECT_FALSE(history.since.has_value()); });
}

TEST(DecodeCommands, ping) {
  expect_command<PingRequest>(R"({"id":8,"ping":{}})", "0408085a00", 8, [](const PingRequest&) {});
}

TEST(DecodeCommands, send) {
  expect_command<SendRequest>(R"({"send":{"data":{}}})", "0662040a027b7d", 0,
                              [](const SendRequest& send) { EXPECT_EQ(send.data, "{}"); });
}

TEST(DecodeCommands, rpc) {
  expect_command<RpcRequest>(R"({"id":9,"rpc":{"data":[1],"method":"sum"}})",
                             "0e08096a0a0a035b315d120373756d", 9, [](const RpcRequest& rpc) {
                               EXPECT_EQ(rpc.data, "[1]");
                               EXPECT_EQ(rpc.method, "sum");
                             });
}

TEST(DecodeCommands, refresh) {
  expect_command<RefreshRequest>(
      R"({"id":10,"refresh":{"token":"jwt2"}})", "0a080a72060a046a777432", 10,
      [](const RefreshRequest& refresh) { EXPECT_EQ(refresh.token, "jwt2"); });
}

TEST(DecodeCommands, sub_refresh) {
  expect_command<SubRefreshRequest>(
      R"({"id":4294967295,"sub_refresh":{"channel":"news","token":"t2","type":2,)"
      R"("track":[{"signature":"s","items":[{"key":"k","version":1}]}],"untrack":["u"]}})",
      "2308ffffffff0f7a1b0a046e657773120274321802220a0a017312050a016b10012a0175", UINT32_MAX,
      [](const SubRefreshRequest& refresh) {
        EXPECT_EQ(refresh.channel, "news");
        EXPECT_EQ(refresh.token, "t2");
        EXPECT_EQ(refresh.type, 2);
      });
}

TEST(DecodeCommands, a_pong_has_no_id_and_no_body) {
  expect_command<std::monostate>("{}", "00", 0, [](const std::monostate&) {});
}

TEST(DecodeCommands, an_id_alone_has_no_body) {
  expect_command<std::monostate>(R"({"id":5})", "020805", 5, [](const std::monostate&) {});
}

TEST(DecodeCommands, an_unknown_body_is_no_body) {
  expect_command<std::monostate>(R"({"id":5,"teleport":{"to":"mars"}})", "0808058201030a0161", 5,
                                 [](const std::monostate&) {});
}

TEST(DecodeCommands, of_several_bodies_the_one_with_the_lowest_number_counts) {
  // subscribe = 5, publish = 7 and ping = 11, in every order.
  const std::pair<std::string_view, std::string_view> parts[] = {
      {R"("subscribe":{"channel":"s"})", "2a030a0173"},
      {R"("publish":{"channel":"p"})", "3a030a0170"},
      {R"("ping":{})", "5a00"},
  };
  size_t order[] = {0, 1, 2};
  do {
    std::string json = "{";
    std::string hex = "0c";
    for (const size_t part : order) {
      if (json.size() > 1) json += ",";
      json += parts[part].first;
      hex += parts[part].second;
    }
    expect_command<SubscribeRequest>(json + "}", hex, 0, [](const SubscribeRequest& subscribe) {
      EXPECT_EQ(subscribe.channel, "s");
    });
  } while (std::next_permutation(std::begin(order), std::end(order)));
}

TEST(DecodeCommands, a_batch_is_handed_over_in_order) {
  std::string protobuf = from_hex("020801") + from_hex("00") + from_hex("020803");
  for (const auto& [format, frame] :
       {std::pair{Format::kJson, std::string("{\"id\":1}\n{}\n{\"id\":3}")},
        std::pair{Format::kProtobuf, protobuf}}) {
    std::vector<uint32_t> ids;
    EXPECT_TRUE(decode_commands(format, frame, [&](const Command& command) {
      ids.push_back(command.id);
      return true;
    }));
    EXPECT_EQ(ids, (std::vector<uint32_t>{1, 0, 3}));
  }
}

TEST(DecodeCommands, stopping_early_is_not_an_error) {
  for (const auto& [format, frame] :
       {std::pair{Format::kJson, std::string("{\"id\":1}\n{\"id\":2}\n!")},
        std::pair{Format::kProtobuf, from_hex("020801020802ff")}}) {
    int commands = 0;
    EXPECT_TRUE(decode_commands(format, frame, [&](const Command&) { return ++commands < 2; }));
    EXPECT_EQ(commands, 2);
  }
}

TEST(DecodeCommands, what_came_before_a_malformed_command_has_been_handed_over) {
  for (const auto& [format, frame] :
       {std::pair{Format::kJson, std::string("{\"id\":1}\n{\"id\":2}\n!")},
        std::pair{Format::kProtobuf, from_hex("020801020802ff")}}) {
    int commands = 0;
    const auto decoded =
        decode_commands(format, frame, [&](const Command&) { return ++commands > 0; });
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, base::ErrorCode::kInvalid);
    EXPECT_EQ(commands, 2);
  }
}

TEST(DecodeCommands, an_empty_frame_is_an_error) {
  EXPECT_FALSE(decode_commands(Format::kJson, "", [](const Command&) { return true; }));
  EXPECT_FALSE(decode_commands(Format::kJson, " \n", [](const Command&) { return true; }));
  EXPECT_FALSE(decode_commands(Format::kProtobuf, "", [](const Command&) { return true; }));
}

TEST(DecodeCommands, of_repeated_map_entries_the_last_counts) {
  expect_command<ConnectRequest>(
      R"({"connect":{"headers":{"b":"1","a":"2","b":"3"},"subs":{"x":{"offset":1},"x":{}}}})",
      "2a222832060a016212013132060a016112013232060a01621201331a070a0178120238011a050a01781200", 0,
      [](const ConnectRequest& connect) {
        EXPECT_EQ(connect.headers, (std::vector<std::pair<Text, Text>>{{"a", "2"}, {"b", "3"}}));
        ASSERT_EQ(connect.subs.size(), 1U);
        EXPECT_EQ(connect.subs[0].second.offset, 0U);
      });
}

}  // namespace
}  // namespace millrace::protocol
