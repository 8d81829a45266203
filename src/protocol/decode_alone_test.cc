// Requests that stand alone: what an RPC carries, and what comes with HTTP requests. The Protobuf
// bytes were made by protoc from proto/client.proto.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "protocol/protocol.h"
#include "protocol/test_bytes.h"

namespace millrace::protocol {
namespace {

// What a decoder handed over, copied.
struct Emulation {
  std::string node;
  std::string session;
  std::string data;

  bool operator==(const Emulation&) const = default;
};

struct Poll {
  std::string node;
  std::string session;
  uint64_t ack = 0;
  bool close = false;

  bool operator==(const Poll&) const = default;
};

// The calls of a decoder that hands over one request, or an error and none.
template <class Copy, class Decode>
Copy decoded_by(Decode decode) {
  std::vector<Copy> requests;
  const base::Result<> decoded =
      decode([&](Copy request) { requests.push_back(std::move(request)); });
  EXPECT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(requests.size(), 1U);
  return requests.empty() ? Copy() : requests.front();
}

Emulation emulation_of(Format format, std::string_view body) {
  return decoded_by<Emulation>([&](auto keep) {
    return decode_emulation(format, body, [&](const EmulationRequest& request) {
      keep(Emulation{std::string(request.node), std::string(request.session),
                     std::string(request.data)});
    });
  });
}

Poll poll_of(std::string_view body) {
  return decoded_by<Poll>([&](auto keep) {
    return decode_poll(body, [&](const PollRequest& request) {
      keep(Poll{std::string(request.node), std::string(request.session), request.ack,
                request.close});
    });
  });
}

void expect_refused(const base::Result<>& decoded, std::string_view body) {
  ASSERT_FALSE(decoded) << body;
  EXPECT_EQ(decoded.error().code, base::ErrorCode::kInvalid);
  EXPECT_FALSE(decoded.error().message.empty());
}

void expect_no_emulation(Format format, std::string_view body) {
  expect_refused(
      decode_emulation(format, body,
                       [&](const EmulationRequest&) { ADD_FAILURE() << "told of: " << body; }),
      body);
}

TEST(DecodePublish, takes_a_request_without_a_command) {
  const std::string_view json = R"({"channel":"news","idempotency_key":"k\u00e9","later":[1],
                                    "data":{"a": 1},"exclude_self":true})";
  size_t requests = 0;
  const auto decoded = decode_publish(json, [&](const PublishRequest& request) {
    ++requests;
    EXPECT_EQ(request.channel, "news");
    EXPECT_EQ(request.idempotency_key, "k\xC3\xA9");
    EXPECT_EQ(request.data, R"({"a": 1})");
    EXPECT_TRUE(request.exclude_self);
  });
  EXPECT_TRUE(decoded);
  EXPECT_EQ(requests, 1U);
}

TEST(DecodePublish, what_is_no_publish_request_is_refused_whole) {
  for (const std::string_view json :
       {"", "[]", "7", R"({"channel":7})", R"({"channel":"c"} {})", R"({"channel":"c")",
        R"({"channel":"c","data":})", "{\"channel\":\"\xFF\"}"}) {
    expect_refused(
        decode_publish(json, [&](const PublishRequest&) { ADD_FAILURE() << "told of: " << json; }),
        json);
  }
}

TEST(DecodeConnect, takes_a_request_without_a_command) {
  const std::string_view json = R"({"token":"jwt","data":{"a": 1},"name":"js","later":{},
      "subs":{"news":{"recover":true,"epoch":"aBcd","offset":17},"x\u0041":{}},
      "headers":{"X-Id":"7"}})";
  size_t requests = 0;
  const auto decoded = decode_connect(json, [&](const ConnectRequest& connect) {
    ++requests;
    EXPECT_EQ(connect.token, "jwt");
    EXPECT_EQ(connect.data, R"({"a": 1})");
    EXPECT_EQ(connect.name, "js");
    ASSERT_EQ(connect.subs.size(), 2U);
    EXPECT_EQ(connect.subs[0].first, "news");
    EXPECT_TRUE(connect.subs[0].second.recover);
    EXPECT_EQ(connect.subs[0].second.epoch, "aBcd");
    EXPECT_EQ(connect.subs[0].second.offset, 17U);
    EXPECT_EQ(connect.subs[1].first, "xA");
    EXPECT_EQ(connect.headers, (std::vector<std::pair<Text, Text>>{{"X-Id", "7"}}));
  });
  EXPECT_TRUE(decoded);
  EXPECT_EQ(requests, 1U);
}

TEST(DecodeConnect, an_empty_object_asks_for_nothing_in_particular) {
  size_t requests = 0;
  const auto decoded = decode_connect("{}", [&](const ConnectRequest& connect) {
    ++requests;
    EXPECT_TRUE(connect.token.empty() && connect.data.empty() && connect.subs.empty());
  });
  EXPECT_TRUE(decoded);
  EXPECT_EQ(requests, 1U);
}

TEST(DecodeConnect, of_repeated_channels_the_last_counts) {
  const auto decoded = decode_connect(R"({"subs":{"a":{"offset":1},"b":{},"a":{"offset":2}}})",
                                      [&](const ConnectRequest& connect) {
                                        ASSERT_EQ(connect.subs.size(), 2U);
                                        EXPECT_EQ(connect.subs[0].first, "b");
                                        EXPECT_EQ(connect.subs[1].first, "a");
                                        EXPECT_EQ(connect.subs[1].second.offset, 2U);
                                      });
  EXPECT_TRUE(decoded);
}

TEST(DecodeConnect, what_is_no_connect_request_is_refused_whole) {
  for (const std::string_view json :
       {"", " ", "[]", "null", R"({"token":7})", R"({"subs":["news"]})", R"({} {})", "{}\n{}",
        R"({"token":"a")", "{\"token\":\"\xFF\"}"}) {
    expect_refused(
        decode_connect(json, [&](const ConnectRequest&) { ADD_FAILURE() << "told of: " << json; }),
        json);
  }
}

TEST(DecodeConnect, entries_of_a_map_are_bounded) {
  const auto request = [](size_t entries) {
    std::string json = "{\"subs\":{\"0\":{}";
    for (size_t i = 1; i < entries; ++i) json += ",\"" + std::to_string(i) + "\":{}";
    return json + "}}";
  };
  EXPECT_TRUE(decode_connect(request(kConnectEntriesMax), [](const ConnectRequest&) {}));
  EXPECT_FALSE(decode_connect(request(kConnectEntriesMax + 1), [](const ConnectRequest&) {}));
}

TEST(DecodeEmulation, in_json_the_data_is_text_that_holds_commands) {
  const Emulation request = emulation_of(
      Format::kJson,
      R"({"session":"s\u00e9","node":"n-1","data":"{\"id\":1}\n{\"id\":2,\"rpc\":{}}","x":[{}]})");
  EXPECT_EQ(request, (Emulation{.node = "n-1",
                                .session = "s\xC3\xA9",
                                .data = "{\"id\":1}\n{\"id\":2,\"rpc\":{}}"}));
  std::vector<uint32_t> ids;
  EXPECT_TRUE(decode_commands(Format::kJson, request.data, [&](const Command& command) {
    ids.push_back(command.id);
    return true;
  }));
  EXPECT_EQ(ids, (std::vector<uint32_t>{1, 2}));
}

TEST(DecodeEmulation, in_protobuf_the_data_is_bytes) {
  // An `id` of 1, and a pong.
  EXPECT_EQ(emulation_of(Format::kProtobuf, from_hex("0a036e2d31120373c3a91a0402080100")),
            (Emulation{.node = "n-1", .session = "s\xC3\xA9", .data = from_hex("02080100")}));
  EXPECT_EQ(emulation_of(Format::kProtobuf, from_hex("1a02ff00")).data, from_hex("ff00"));
}

TEST(DecodeEmulation, fields_that_are_not_there_are_empty) {
  EXPECT_EQ(emulation_of(Format::kJson, "{}"), Emulation());
  EXPECT_EQ(emulation_of(Format::kJson, R"({"session":null,"data":null})"), Emulation());
  EXPECT_EQ(emulation_of(Format::kProtobuf, from_hex("2001")), Emulation());
}

TEST(DecodeEmulation, a_body_that_is_none_is_refused_whole) {
  for (const std::string_view json :
       {"", " ", "[]", "null", "7", R"({"session":7})", R"({"data":{"id":1}})", R"({"data":[]})",
        R"({"session":"s"} {})", R"({"session":"s")", R"({"data":"\x"})", "{\"data\":\"\xFF\"}",
        "{\"data\":\"{}\n{}\"}"}) {
    expect_no_emulation(Format::kJson, json);
  }
  // Cut off, a length beyond the end, a group, and strings that are not UTF-8.
  for (const std::string_view hex : {"", "0a", "0a036e2d", "0a7f61", "0b0c", "0a01ff", "1201c3"}) {
    expect_no_emulation(Format::kProtobuf, from_hex(hex));
  }
}

TEST(DecodeEmulation, an_error_says_what_and_where) {
  const auto ignore = [](const EmulationRequest&) {};
  EXPECT_EQ(decode_emulation(Format::kProtobuf, from_hex("0a01ff"), ignore).error().message,
            "Protobuf: a string is not UTF-8");
  EXPECT_NE(decode_emulation(Format::kJson, R"({"node":1})", ignore).error().message.find("byte 8"),
            std::string::npos);
}

TEST(DecodePoll, says_whose_messages_and_how_many_responses_arrived) {
  EXPECT_EQ(poll_of(R"({"session":"s\u00e9","node":"n","ack":3})"),
            (Poll{.node = "n", .session = "s\xC3\xA9", .ack = 3}));
  EXPECT_EQ(poll_of(R"({"ack":18446744073709551615})").ack, UINT64_MAX);
}

TEST(DecodePoll, may_say_goodbye) {
  EXPECT_EQ(poll_of(R"({"session":"s","node":"n","close":true,"later":1})"),
            (Poll{.node = "n", .session = "s", .close = true}));
}

TEST(DecodePoll, a_body_that_is_none_is_refused_whole) {
  for (const std::string_view json :
       {"", "[]", "{", R"({"ack":-1})", R"({"ack":"1"})", R"({"ack":1.5})",
        R"({"ack":18446744073709551616})", R"({"close":1})", R"({"session":1})", "{}{}",
        "{\"node\":\"\xFF\"}"}) {
    expect_refused(
        decode_poll(json, [&](const PollRequest&) { ADD_FAILURE() << "told of: " << json; }), json);
  }
}

}  // namespace
}  // namespace millrace::protocol
