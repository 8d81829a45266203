#include "webhook/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace millrace::webhook {
namespace {

// A verdict in words.
std::string read(std::string_view json) {
  const auto verdict = read_connect_answer(json);
  if (!verdict) return "malformed: " + verdict.error().message;
  if (std::holds_alternative<hub::Unknown>(*verdict)) return "unknown";
  if (const auto* grant = std::get_if<auth::Grant>(&*verdict)) return "user " + grant->claims.user;
  const auto& away = std::get<hub::TurnedAway>(*verdict);
  return std::string(away.how == hub::TurnedAway::How::kError ? "error " : "disconnect ") +
         std::to_string(away.code) + " " + away.text + (away.temporary ? " for now" : "");
}

bool malformed(std::string_view json) {
  return read(json).starts_with("malformed");
}

TEST(ConnectAnswer, a_result_says_who_it_is) {
  const auto verdict = read_connect_answer(R"({"result": {
    "user": "42", "expire_at": 1800000000, "info": {"name":
      "Jo", "n": 1.10}, "data": {"a": [1, 2]}, "channels": ["news", "news", "chat"],
    "subs": {"chat": {"info": 1, "data": "d", "override": {"presence": {"value": true}},
                      "expire_at": 1900000000}}, "meta": [], "other": {}}, "more": 1})");
  ASSERT_TRUE(verdict);
  const auto& grant = std::get<auth::Grant>(*verdict);
  EXPECT_EQ(grant.claims.user, "42");
  EXPECT_EQ(grant.claims.expire_at, 1'800'000'000);
  EXPECT_EQ(grant.claims.info.bytes.find('\n'), std::string::npos);
  EXPECT_NE(grant.claims.info.bytes.find("1.10"), std::string::npos);
  EXPECT_EQ(grant.data.bytes, R"({"a": [1, 2]})");
  ASSERT_EQ(grant.claims.subs.size(), 2U) << "both channels and subs";
  EXPECT_EQ(grant.claims.subs[0].channel, "chat");
  EXPECT_EQ(grant.claims.subs[0].info.bytes, "1");
  EXPECT_EQ(grant.claims.subs[0].data.bytes, "\"d\"");
  EXPECT_EQ(grant.claims.subs[0].override.presence, true);
  EXPECT_EQ(grant.claims.subs[0].expire_at, 1'900'000'000);
  EXPECT_EQ(grant.claims.subs[1].channel, "news");
}

TEST(ConnectAnswer, payloads_may_come_in_base64) {
  const auto verdict = read_connect_answer(
      R"({"result":{"user":"42","b64info":"eyJhIjogMX0=","b64data":"AAH/","data":{"no":"t"}}})");
  ASSERT_TRUE(verdict);
  const auto& grant = std::get<auth::Grant>(*verdict);
  EXPECT_TRUE(grant.claims.info.is_json);
  EXPECT_EQ(grant.data.bytes, std::string_view("\x00\x01\xff", 3));
  EXPECT_FALSE(grant.data.is_json);
}

TEST(ConnectAnswer, info_that_is_not_json_has_no_place_in_frames) {
  EXPECT_TRUE(malformed(R"({"result":{"b64info":"AAH/"}})"));
  EXPECT_TRUE(malformed(R"({"result":{"subs":{"a":{"b64info":"AAH/"}}}})"));
}

TEST(ConnectAnswer, nothing_said_is_nobody_known) {
  for (const std::string_view json :
       {"{}", R"({"result":null})", R"({"result":null,"error":null,"disconnect":null})",
        R"({"other":{}})"})
    EXPECT_EQ(read(json), "unknown") << json;
  EXPECT_EQ(read(R"({"result":{}})"), "user ") << "an anonymous one is let in";
}

TEST(ConnectAnswer, errors_and_disconnects_are_passed_on) {
  EXPECT_EQ(read(R"({"error":{"code":1000,"message":"no \u00e9","temporary":true}})"),
            "error 1000 no \u00e9 for now");
  EXPECT_EQ(read(R"({"error":{"code":1000}})"), "error 1000 ");
  EXPECT_EQ(read(R"({"disconnect":{"code":4500,"reason":"go","reconnect":false}})"),
            "disconnect 4500 go");
}

TEST(ConnectAnswer, what_keeps_out_counts_first) {
  EXPECT_EQ(read(R"({"result":{"user":"42"},"error":{"code":1000}})"), "error 1000 ");
  EXPECT_EQ(read(R"({"error":{"code":1000},"disconnect":{"code":4000},"result":{}})"),
            "disconnect 4000 ");
}

TEST(ConnectAnswer, codes_that_clients_could_not_be_told_are_malformed) {
  for (const std::string_view json :
       {R"({"error":{}})", R"({"error":{"code":0}})", R"({"error":{"code":-1}})",
        R"({"error":{"code":4294967296}})", R"({"error":{"code":"1000"}})",
        R"({"error":{"code":1000,"message":1}})", R"({"error":{"code":1000,"temporary":1}})",
        R"({"disconnect":{"code":1000}})", R"({"disconnect":{"code":5000}})",
        R"({"disconnect":{"code":2999}})", R"({"disconnect":{"reason":"x"}})", R"({"error":1})",
        R"({"disconnect":"x"})"})
    EXPECT_TRUE(malformed(json)) << json;
  const std::string long_reason =
      R"({"disconnect":{"code":4000,"reason":")" + std::string(124, 'a');
  EXPECT_TRUE(malformed(long_reason + "\"}}"));
}

TEST(ConnectAnswer, what_is_no_answer_is_malformed) {
  for (const std::string_view json : {"",
                                      "null",
                                      "[]",
                                      "1",
                                      "{",
                                      R"({"result":{})",
                                      R"({"result":[]})",
                                      R"({"result":"x"})",
                                      R"({"result":{"user":{}}})",
                                      R"({"result":{"expire_at":-1}})",
                                      R"({"result":{"expire_at":"x"}})",
                                      R"({"result":{"channels":[1]}})",
                                      R"({"result":{"channels":{}}})",
                                      R"({"result":{"subs":[]}})",
                                      R"({"result":{"subs":{"a":{"expire_at":-1}}}})",
                                      R"({"result":{"subs":{"a":1}}})",
                                      R"({"result":{"b64data":"?"}})",
                                      R"({"result":{"user":"a","user":"b"}})",
                                      R"({"result":{},"result":{"user":"b"}})",
                                      "{\"result\":{\"user\":\"\xff\"}}",
                                      "{} {}"})
    EXPECT_TRUE(malformed(json)) << json;
}

TEST(ConnectAnswer, what_was_wrong_is_said_without_the_text) {
  EXPECT_EQ(read(R"({"result":{"user":"secret","expire_at":"hidden"}})"),
            "malformed: result: wrong claim expire_at");
  EXPECT_EQ(read(R"({"error":{"code":"secret"}})"), "malformed: wrong error.code");
}

}  // namespace
}  // namespace millrace::webhook
