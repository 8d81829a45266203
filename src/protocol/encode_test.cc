// Every reply and every push, in both formats. The Protobuf bytes were made by protoc from
// proto/client.proto.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "protocol/protocol.h"
#include "protocol/test_bytes.h"

namespace millrace::protocol {
namespace {

base::SharedBytes shared(std::string_view bytes) {
  return base::SharedBytes::copy_of(bytes);
}

model::ClientInfo sample_info() {
  return {.user = "42",
          .client = "c-1",
          .conn_info = shared(R"({"name":"A"})"),
          .chan_info = shared("[1]")};
}

model::Publication sample_publication() {
  return {.offset = model::Offset(18),
          .data = shared(R"({"x":1})"),
          .info = std::make_shared<model::ClientInfo>(sample_info()),
          .tags = {{"lang", "de"}, {"z", ""}}};
}

SubscribeResult sample_subscription() {
  return {.expires = true,
          .ttl = 60,
          .recoverable = true,
          .epoch = "aBcd",
          .publications = {{.offset = model::Offset(16), .data = shared("1")},
                           {.offset = model::Offset(17), .data = shared("2")}},
          .recovered = true,
          .offset = model::Offset(17),
          .positioned = true,
          .data = shared("{}"),
          .was_recovering = true,
          .delta = true,
          .id = -5};
}

std::string reply(Format format, uint32_t id, const ReplyBody& body) {
  std::string frame;
  append_reply(format, frame, id, body);
  return frame;
}

std::string push(Format format, std::string_view channel, const PushBody& body,
                 Shape shape = Shape::kReply) {
  std::string frame;
  append_push(format, frame, channel, body, 0, shape);
  return frame;
}

void expect_reply(uint32_t id, const ReplyBody& body, std::string_view json,
                  std::string_view protobuf_hex) {
  EXPECT_EQ(reply(Format::kJson, id, body), json);
  EXPECT_EQ(to_hex(reply(Format::kProtobuf, id, body)), protobuf_hex);
  EXPECT_TRUE(valid_json(json));
}

void expect_push(std::string_view channel, const PushBody& body, std::string_view json,
                 std::string_view protobuf_hex, Shape shape = Shape::kReply) {
  EXPECT_EQ(push(Format::kJson, channel, body, shape), json);
  EXPECT_EQ(to_hex(push(Format::kProtobuf, channel, body, shape)), protobuf_hex);
  EXPECT_TRUE(valid_json(json));
}

void expect_bare_push(std::string_view channel, const PushBody& body, std::string_view json,
                      std::string_view protobuf_hex) {
  expect_push(channel, body, json, protobuf_hex, Shape::kBare);
}

TEST(EncodeReply, error) {
  expect_reply(2, model::errors::kPermissionDenied,
               R"({"id":2,"error":{"code":103,"message":"permission denied"}})",
               "1908021215086712117065726d697373696f6e2064656e696564");
}

TEST(EncodeReply, temporary_error) {
  expect_reply(
      2, model::errors::kInternal,
      R"({"id":2,"error":{"code":100,"message":"internal server error","temporary":true}})",
      "1f0802121b08641215696e7465726e616c20736572766572206572726f721801");
}

TEST(EncodeReply, connect_without_the_rest) {
  EXPECT_EQ(reply(Format::kJson, 1,
                  ConnectResult{.client = "7c8", .version = "1.0.0", .ping = 25, .pong = true}),
            R"({"id":1,"connect":{"client":"7c8","version":"1.0.0","ping":25,"pong":true}})");
}

TEST(EncodeReply, connect_with_everything) {
  expect_reply(
      1,
      ConnectResult{.client = "c-1",
                    .version = "0.1.0",
                    .expires = true,
                    .ttl = 300,
                    .data = R"({"a":1})",
                    .subs = {{"news", sample_subscription()}, {"x", {}}},
                    .ping = 25,
                    .pong = true,
                    .session = "s",
                    .node = "n",
                    .time = 1'790'000'000'000},
      R"({"id":1,"connect":{"client":"c-1","version":"0.1.0","expires":true,"ttl":300,)"
      R"("data":{"a":1},)"
      R"("subs":{"news":{"expires":true,"ttl":60,"recoverable":true,"epoch":"aBcd",)"
      R"("publications":[{"data":"1","offset":16},{"data":"2","offset":17}],)"
      R"("recovered":true,"offset":17,)"
      R"("positioned":true,"data":{},"was_recovering":true,"delta":true,"id":-5},"x":{}},)"
      R"("ping":25,"pong":true,"session":"s","node":"n","time":1790000000000}})",
      "7308012a6f0a03632d311205302e312e30180120ac022a077b2261223a317d323b0a046e65777312330801103c"
      "18013204614263643a0522013130103a0522013230114001481150015a027b7d6001680170fbffffffffffffff"
      "ff0132050a01781200381940014a017352016e5880d8c1a28c34");
}

TEST(EncodeReply, subscribe_that_can_recover) {
  EXPECT_EQ(reply(Format::kJson, 2,
                  SubscribeResult{.recoverable = true,
                                  .epoch = "aBcdEfGh",
                                  .offset = model::Offset(17),
                                  .positioned = true}),
            R"({"id":2,"subscribe":{"recoverable":true,"epoch":"aBcdEfGh","offset":17,)"
            R"("positioned":true}})");
}

TEST(EncodeReply, subscribe_with_everything) {
  expect_reply(
      2, sample_subscription(),
      R"({"id":2,"subscribe":{"expires":true,"ttl":60,"recoverable":true,"epoch":"aBcd",)"
      R"("publications":[{"data":"1","offset":16},{"data":"2","offset":17}],"recovered":true,)"
      R"("offset":17,"positioned":true,"data":{},"was_recovering":true,"delta":true,"id":-5}})",
      "37080232330801103c18013204614263643a0522013130103a0522013230114001481150015a027b7d60016801"
      "70fbffffffffffffffff01");
}

TEST(EncodeReply, an_empty_result_is_there_all_the_same) {
  expect_reply(2, SubscribeResult{}, R"({"id":2,"subscribe":{}})", "0408023200");
  expect_reply(3, UnsubscribeResult{}, R"({"id":3,"unsubscribe":{}})", "0408033a00");
  expect_reply(4, PublishResult{}, R"({"id":4,"publish":{}})", "0408044200");
  expect_reply(8, PingResult{}, R"({"id":8,"ping":{}})", "0408086200");
}

TEST(EncodeReply, presence) {
  expect_reply(
      5, PresenceResult{.members = {std::make_shared<model::ClientInfo>(sample_info())}},
      R"({"id":5,"presence":{"presence":{"c-1":{"user":"42","client":"c-1",)"
      R"("conn_info":{"name":"A"},"chan_info":[1]}}}})",
      "2908054a250a230a03632d31121c0a0234321203632d311a0c7b226e616d65223a2241227d22035b315d");
}

TEST(EncodeReply, presence_of_nobody) {
  expect_reply(5, PresenceResult{}, R"({"id":5,"presence":{"presence":{}}})", "0408054a00");
}

TEST(EncodeReply, an_anonymous_user_is_named_in_json) {
  EXPECT_EQ(
      reply(Format::kJson, 5, PresenceResult{.members = {std::make_shared<model::ClientInfo>()}}),
      R"({"id":5,"presence":{"presence":{"":{"user":"","client":""}}}})");
}

TEST(EncodeReply, presence_stats) {
  expect_reply(6, PresenceStatsResult{.num_clients = 300, .num_users = 2},
               R"({"id":6,"presence_stats":{"num_clients":300,"num_users":2}})",
               "090806520508ac021002");
  EXPECT_EQ(reply(Format::kJson, 6, PresenceStatsResult{}),
            R"({"id":6,"presence_stats":{"num_clients":0,"num_users":0}})");
}

TEST(EncodeReply, history) {
  expect_reply(
      7,
      HistoryResult{
          .publications = {sample_publication()}, .epoch = "aBcd", .offset = model::Offset(18)},
      R"({"id":7,"history":{"publications":[{"data":{"x":1},"info":{"user":"42","client":"c-1",)"
      R"("conn_info":{"name":"A"},"chan_info":[1]},"offset":18,"tags":{"lang":"de","z":""}}],)"
      R"("epoch":"aBcd","offset":18}})",
      "4a08075a460a3c22077b2278223a317d2a1c0a0234321203632d311a0c7b226e616d65223a2241227d22035b31"
      "5d30123a0a0a046c616e67120264653a050a017a12001204614263641812");
  EXPECT_EQ(reply(Format::kJson, 7, HistoryResult{}),
            R"({"id":7,"history":{"publications":[],"epoch":"","offset":0}})");
}

TEST(EncodeReply, rpc) {
  expect_reply(9, RpcResult{.data = "[1]"}, R"({"id":9,"rpc":{"data":[1]}})",
               "0908096a050a035b315d");
}

TEST(EncodeReply, refresh) {
  expect_reply(10, RefreshResult{.client = "c-1", .version = "0.1.0", .expires = true, .ttl = 300},
               R"({"id":10,"refresh":{"client":"c-1","version":"0.1.0","expires":true,"ttl":300}})",
               "15080a72110a03632d311205302e312e30180120ac02");
}

TEST(EncodeReply, sub_refresh) {
  expect_reply(11, SubRefreshResult{.expires = true, .ttl = 300},
               R"({"id":11,"sub_refresh":{"expires":true,"ttl":300}})", "09080b7a05080110ac02");
}

TEST(EncodePush, publication) {
  const model::Publication publication = sample_publication();
  expect_push(
      "news", PublicationPush{publication},
      R"({"push":{"channel":"news","pub":{"data":{"x":1},"info":{"user":"42","client":"c-1",)"
      R"("conn_info":{"name":"A"},"chan_info":[1]},"offset":18,"tags":{"lang":"de","z":""}}}})",
      "46224412046e657773223c22077b2278223a317d2a1c0a0234321203632d311a0c7b226e616d65223a2241227d"
      "22035b315d30123a0a0a046c616e67120264653a050a017a1200");
}

TEST(EncodePush, publication_of_the_server) {
  const model::Publication publication{.offset = model::Offset(18), .data = shared(R"({"x":1})")};
  EXPECT_EQ(push(Format::kJson, "news", PublicationPush{publication}),
            R"({"push":{"channel":"news","pub":{"data":{"x":1},"offset":18}}})");
}

TEST(EncodePush, publication_of_a_subscription_with_deltas_carries_its_json_as_text) {
  const model::Publication publication{.offset = model::Offset(18), .data = shared(R"({"x":"é"})")};
  expect_push("c", PublicationPush{.publication = publication, .delta = true},
              R"({"push":{"channel":"c","pub":{"data":"{\"x\":\"é\"}","offset":18}}})",
              "152213120163220e220a7b2278223a22c3a9227d3012");
}

TEST(EncodePush, a_patch_goes_instead_of_the_data) {
  const model::Publication publication{.offset = model::Offset(18), .data = shared("[1]")};
  expect_push("c", PublicationPush{.publication = publication, .patch = "3\n3@0,1;", .delta = true},
              R"({"push":{"channel":"c","pub":{"data":"3\n3@0,1;","offset":18,"delta":true}}})",
              "152213120163220e2208330a3340302c313b30124001");
}

TEST(EncodePush, a_channel_can_be_named_by_its_id) {
  const model::Publication publication{.data = shared("1")};
  std::string frame;
  append_push(Format::kJson, frame, "news", PublicationPush{publication}, 300);
  EXPECT_EQ(frame, R"({"push":{"id":300,"pub":{"data":1}}})");
  frame.clear();
  append_push(Format::kProtobuf, frame, "news", PublicationPush{publication}, 300);
  EXPECT_EQ(to_hex(frame), "0a220808ac022203220131");
}

TEST(EncodePush, binary_publication_goes_as_it_is_in_protobuf) {
  const model::Publication publication{.data = shared(std::string("\xFF\0\n", 3)),
                                       .is_json = false};
  EXPECT_EQ(to_hex(push(Format::kProtobuf, "c", PublicationPush{publication})),
            "0c220a12016322052203ff000a");
}

TEST(EncodePush, join_and_leave) {
  const model::ClientInfo joined = sample_info();
  expect_push("news", JoinPush{joined},
              R"({"push":{"channel":"news","join":{"info":{"user":"42","client":"c-1",)"
              R"("conn_info":{"name":"A"},"chan_info":[1]}}}})",
              "28222612046e6577732a1e0a1c0a0234321203632d311a0c7b226e616d65223a2241227d22035b315d");
  const model::ClientInfo left{.user = "42", .client = "c-1", .conn_info = {}, .chan_info = {}};
  expect_push("news", LeavePush{left},
              R"({"push":{"channel":"news","leave":{"info":{"user":"42","client":"c-1"}}}})",
              "15221312046e657773320b0a090a0234321203632d31");
}

TEST(EncodePush, unsubscribe) {
  expect_push(
      "news", UnsubscribePush{model::unsubscribes::kServer},
      R"({"push":{"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})",
      "21221f12046e6577733a1710d00f1a1273657276657220756e737562736372696265");
}

TEST(EncodePush, message) {
  expect_push("", MessagePush{.data = "{}"}, R"({"push":{"message":{"data":{}}}})",
              "08220642040a027b7d");
}

TEST(EncodePush, disconnect_says_whether_to_reconnect) {
  expect_push("", DisconnectPush{model::disconnects::kShutdown},
              R"({"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}})",
              "1322115a0f08b917120873687574646f776e1801");
  expect_push("", DisconnectPush{model::disconnects::kBadRequest},
              R"({"push":{"disconnect":{"code":3501,"reason":"bad request"}}})",
              "1422125a1008ad1b120b6261642072657175657374");
}

TEST(EncodePush, subscribe) {
  expect_push(
      "personal:#42",
      SubscribePush{.recoverable = true,
                    .epoch = "aBcdEfGh",
                    .offset = model::Offset(3),
                    .positioned = true,
                    .data = "1"},
      R"({"push":{"channel":"personal:#42","subscribe":{"recoverable":true,"epoch":"aBcdEfGh",)"
      R"("offset":3,"positioned":true,"data":1}}})",
      "252223120c706572736f6e616c3a2334324a13080122086142636445664768280330013a0131");
}

TEST(EncodePush, refresh) {
  expect_push("", RefreshPush{.expires = true, .ttl = 300},
              R"({"push":{"refresh":{"expires":true,"ttl":300}}})", "0922076205080110ac02");
}

TEST(EncodeBarePush, has_no_reply_around_it) {
  const model::Publication publication{.offset = model::Offset(18), .data = shared("1")};
  expect_bare_push("c", PublicationPush{publication},
                   R"({"channel":"c","pub":{"data":1,"offset":18}})", "0a12016322052201313012");
  expect_bare_push("", DisconnectPush{model::disconnects::kShutdown},
                   R"({"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}})",
                   "115a0f08b917120873687574646f776e1801");
}

TEST(EncodeBarePush, a_channel_can_be_named_by_its_id) {
  const model::Publication publication{.data = shared("1")};
  std::string frame;
  append_push(Format::kJson, frame, "news", PublicationPush{publication}, 300, Shape::kBare);
  EXPECT_EQ(frame, R"({"id":300,"pub":{"data":1}})");
  frame.clear();
  append_push(Format::kProtobuf, frame, "news", PublicationPush{publication}, 300, Shape::kBare);
  EXPECT_EQ(to_hex(frame), "0808ac022203220131");
}

TEST(EncodeBarePush, connect) {
  const ConnectResult result{.client = "c-1"};
  expect_bare_push("", ConnectPush{result}, R"({"connect":{"client":"c-1"}})", "0752050a03632d31");
}

TEST(EncodeBarePush, connect_with_everything_asks_for_no_pong) {
  const ConnectResult result{.client = "c-1",
                             .version = "0.1.0",
                             .expires = true,
                             .ttl = 300,
                             .data = R"({"a":1})",
                             .subs = {{"news", sample_subscription()}, {"x", {}}},
                             .ping = 25,
                             .pong = true,
                             .session = "s",
                             .node = "n",
                             .time = 1'790'000'000'000};
  expect_bare_push(
      "", ConnectPush{result},
      R"({"connect":{"client":"c-1","version":"0.1.0","data":{"a":1},)"
      R"("subs":{"news":{"expires":true,"ttl":60,"recoverable":true,"epoch":"aBcd",)"
      R"("publications":[{"data":"1","offset":16},{"data":"2","offset":17}],)"
      R"("recovered":true,"offset":17,)"
      R"("positioned":true,"data":{},"was_recovering":true,"delta":true,"id":-5},"x":{}},)"
      R"("expires":true,"ttl":300,"ping":25,"session":"s","node":"n","time":1790000000000}})",
      "6f526d0a03632d311205302e312e301a077b2261223a317d223b0a046e65777312330801103c180132046142"
      "63643a0522013130103a0522013230114001481150015a027b7d6001680170fbffffffffffffffff0122050a"
      "01781200280130ac0238194a017352016e5880d8c1a28c34");
}

TEST(EncodeText, is_escaped_where_json_needs_it) {
  const model::Publication publication{.data = shared("1"),
                                       .tags = {{"a\"b", "\\\n"}, {"é", "\x01"}}};
  EXPECT_EQ(push(Format::kJson, "\"€\"\x7F", PublicationPush{publication}),
            "{\"push\":{\"channel\":\"\\\"€\\\"\x7F\",\"pub\":{\"data\":1,"
            "\"tags\":{\"a\\\"b\":\"\\\\\\n\",\"é\":\"\\u0001\"}}}}");
}

// What ends a message, in lines and in server-sent events.
TEST(EncodeText, no_message_has_a_raw_line_break) {
  std::string payload;
  append_json_line(payload, "{\r\n \"a\":\r[\n1,\r\n\r\n\"\\n\\r\"] }\n");
  EXPECT_EQ(payload, R"({ "a":[1,"\n\r"] })");
  const model::ClientInfo info{
      .user = "\r\n", .client = "\r", .conn_info = shared(payload), .chan_info = {}};
  const model::Publication publication{.data = shared(payload),
                                       .info = std::make_shared<model::ClientInfo>(info),
                                       .tags = {{"\n", "\r\n"}}};
  const ConnectResult result{.client = "\n", .data = payload, .subs = {{"\r", {}}}};
  const PushBody bodies[] = {PublicationPush{publication},
                             PublicationPush{.publication = publication, .delta = true},
                             PublicationPush{publication, "1\r\n", true},
                             JoinPush{info},
                             DisconnectPush{{3000, "\r\n"}},
                             ConnectPush{result}};
  for (const Shape shape : {Shape::kReply, Shape::kBare}) {
    for (const PushBody& body : bodies) {
      const std::string message = push(Format::kJson, "\r\n", body, shape);
      EXPECT_TRUE(valid_json(message)) << message;
      EXPECT_EQ(message.find_first_of("\r\n"), std::string::npos) << message;
    }
  }
}

TEST(EncodeNumber, the_greatest_are_whole) {
  EXPECT_EQ(
      reply(Format::kJson, UINT32_MAX,
            SubscribeResult{.offset = model::Offset(UINT64_MAX), .id = INT64_MIN}),
      R"({"id":4294967295,"subscribe":{"offset":18446744073709551615,"id":-9223372036854775808}})");
}

TEST(EncodeProtobuf, lengths_beyond_one_byte_are_varints) {
  for (const size_t size : {127U, 128U, 16'383U, 16'384U, 2'097'152U}) {
    const std::string data(size, 'x');
    const std::string frame = reply(Format::kProtobuf, 1, RpcResult{.data = data});
    // The same bytes as a command: rpc is 13 in a Reply, `send` 12 in a Command has its payload in
    // the same field.
    std::string as_command = frame;
    const size_t tag = as_command.find('\x6A');
    ASSERT_NE(tag, std::string::npos);
    as_command[tag] = '\x62';
    std::string read;
    const auto decoded =
        decode_commands(Format::kProtobuf, as_command, [&](const Command& command) {
          read = std::get<SendRequest>(command.body).data;
          return true;
        });
    EXPECT_TRUE(decoded);
    EXPECT_EQ(read, data);
  }
}

TEST(Frames, json_messages_are_separated_by_one_line_break) {
  std::string frame;
  append_ping(Format::kJson, frame);
  append_reply(Format::kJson, frame, 1, PublishResult{});
  append_push(Format::kJson, frame, "", MessagePush{.data = "1"});
  append_joined(Format::kJson, frame, "{\"id\":2}\n{\"id\":3}");
  append_joined(Format::kJson, frame, "");
  EXPECT_EQ(frame,
            "{}\n{\"id\":1,\"publish\":{}}\n{\"push\":{\"message\":{\"data\":1}}}\n{\"id\":2}\n{"
            "\"id\":3}");
}

TEST(Frames, bare_pushes_and_pings_are_separated_like_any_message) {
  std::string json;
  std::string protobuf;
  for (int i = 0; i < 2; ++i) {
    append_push(Format::kJson, json, "", MessagePush{.data = "1"}, 0, Shape::kBare);
    append_ping(Format::kJson, json);
    append_push(Format::kProtobuf, protobuf, "", MessagePush{.data = "1"}, 0, Shape::kBare);
    append_ping(Format::kProtobuf, protobuf);
  }
  EXPECT_EQ(json, "{\"message\":{\"data\":1}}\n{}\n{\"message\":{\"data\":1}}\n{}");
  EXPECT_EQ(to_hex(protobuf),
            "0542030a01310005"
            "42030a013100");
}

TEST(Frames, a_filler_says_nothing) {
  std::string json = "{}\n";
  append_filler(Format::kJson, json, 3);
  EXPECT_EQ(json, "{}\n   ");
  std::string protobuf;
  append_filler(Format::kProtobuf, protobuf, 1);
  EXPECT_EQ(to_hex(protobuf), "022200");
  append_filler(Format::kProtobuf, protobuf, 4);
  EXPECT_EQ(to_hex(protobuf),
            "0222000922"
            "07a2060400000000");
  std::string large;
  append_filler(Format::kProtobuf, large, 2048);
  EXPECT_GE(large.size(), 2048U);
  EXPECT_LE(large.size(), 2048U + 16);
}

TEST(Frames, protobuf_messages_follow_one_another) {
  std::string frame;
  append_ping(Format::kProtobuf, frame);
  append_reply(Format::kProtobuf, frame, 4, PublishResult{});
  append_joined(Format::kProtobuf, frame, from_hex("00020801"));
  append_ping(Format::kProtobuf, frame);
  EXPECT_EQ(to_hex(frame), "0004080442000002080100");
}

TEST(Frames, joining_to_nothing_adds_nothing) {
  std::string frame;
  append_joined(Format::kJson, frame, "{}");
  EXPECT_EQ(frame, "{}");
}

}  // namespace
}  // namespace millrace::protocol
