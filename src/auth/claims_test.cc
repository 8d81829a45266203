#include "auth/claims.h"

#include <gtest/gtest.h>

namespace millrace::auth {
namespace {

base::Result<Claims> read(std::string_view payload, TokenKind kind = TokenKind::kConnection,
                          std::string_view user = "sub") {
  JsonReader json;
  return read_claims(simdjson::padded_string(payload), kind, user, json);
}

base::Result<Claims> read_subscription(std::string_view payload) {
  return read(payload, TokenKind::kSubscription);
}

ConnectionClaims connection(std::string_view payload) {
  auto claims = read(payload);
  EXPECT_TRUE(claims) << payload << ": " << (claims ? "" : claims.error().message);
  return claims ? connection_claims(std::move(*claims)) : ConnectionClaims{};
}

std::string claims_error(std::string_view payload, TokenKind kind = TokenKind::kConnection) {
  const auto claims = read(payload, kind);
  return claims ? "accepted" : claims.error().message;
}

TEST(ConnectionToken, all_claims) {
  const ConnectionClaims claims = connection(R"({
    "sub": "u\u00e9", "exp": 1700000000, "nbf": 5, "iat": 1600000000, "jti": "id", "iss": "i",
    "aud": ["a"], "info": {"name": "Jo",
      "big": 123456789012345678, "n": 1.10},
    "meta": {"a": [1, 2]}, "expire_at": 1800000000, "other": [{}]})");
  EXPECT_EQ(claims.user, "ué");
  EXPECT_EQ(claims.token_id, "id");
  EXPECT_EQ(claims.issued_at, 1'600'000'000);
  EXPECT_EQ(claims.expire_at, 1'800'000'000);
  EXPECT_EQ(claims.info.bytes, R"({"name": "Jo",      "big": 123456789012345678, "n": 1.10})");
  EXPECT_TRUE(claims.info.is_json);
  EXPECT_EQ(claims.meta, R"({"a": [1, 2]})");
  EXPECT_TRUE(claims.subs.empty());
}

TEST(ConnectionToken, nothing_but_braces_is_an_anonymous_user) {
  const ConnectionClaims claims = connection("{}");
  EXPECT_EQ(claims.user, "");
  EXPECT_EQ(claims.expire_at, 0);
  EXPECT_EQ(claims.meta, "");
  EXPECT_EQ(claims.info.bytes, "");
}

TEST(ConnectionToken, null_claims_are_not_there) {
  const ConnectionClaims claims =
      connection(R"({"sub":null,"exp":null,"info":null,"channels":null,"subs":null,"meta":null,
                     "channel":null,"expire_at":null,"b64info":null})");
  EXPECT_EQ(claims.user, "");
  EXPECT_EQ(claims.expire_at, 0);
  EXPECT_EQ(claims.info.bytes, "");
}

TEST(ConnectionToken, expire_at_goes_over_exp_and_zero_means_never) {
  EXPECT_EQ(connection(R"({"exp":100})").expire_at, 100);
  EXPECT_EQ(connection(R"({"exp":100,"expire_at":200})").expire_at, 200);
  EXPECT_EQ(connection(R"({"exp":100,"expire_at":0})").expire_at, 0);
  EXPECT_EQ(claims_error(R"({"expire_at":-1})"), "wrong claim expire_at");
}

TEST(ConnectionToken, info_of_any_json_and_of_bytes) {
  EXPECT_EQ(connection(R"({"info":"x"})").info.bytes, "\"x\"");
  EXPECT_EQ(connection(R"({"info": 1e30 , "sub":""})").info.bytes, "1e30");
  EXPECT_EQ(connection("{\"info\":[1,\r\n 2]}").info.bytes, "[1, 2]");
  for (const char* payload :
       {R"({"info":{"a":1},"b64info":"aGk="})", R"({"b64info":"aGk=","info":{"a":1}})"}) {
    const ConnectionClaims claims = connection(payload);
    EXPECT_EQ(claims.info.bytes, "hi");
    EXPECT_FALSE(claims.info.is_json);
  }
  EXPECT_EQ(connection(R"({"info":{"a":1},"b64info":""})").info.bytes, R"({"a":1})");
  EXPECT_EQ(claims_error(R"({"b64info":"aGk"})"), "wrong claim b64info");
  EXPECT_EQ(claims_error(R"({"b64info":5})"), "wrong claim b64info");
}

TEST(ConnectionToken, channels_become_subscriptions_once_each) {
  const ConnectionClaims claims = connection(R"({"channels":["a","b","a"]})");
  ASSERT_EQ(claims.subs.size(), 2U);
  EXPECT_EQ(claims.subs[0].channel, "a");
  EXPECT_EQ(claims.subs[1].channel, "b");
  EXPECT_EQ(claims_error(R"({"channels":"a"})"), "wrong claim channels");
  EXPECT_EQ(claims_error(R"({"channels":["a",1]})"), "wrong claim channels");
}

TEST(ConnectionToken, subs_go_over_channels_and_have_options) {
  const ConnectionClaims claims = connection(R"({"channels":["x"],"subs":{
    "a":{"info":{"i":1},"data":[1],"override":{"presence":{"value":true},
         "join_leave":{"value":false},"force_recovery":{},"force_positioning":null,"new":3}},
    "b":{"b64info":"aQ==","b64data":"ZA=="},
    "c":{},"d":null}})");
  ASSERT_EQ(claims.subs.size(), 4U);
  const Subscription& a = claims.subs[0];
  EXPECT_EQ(a.channel, "a");
  EXPECT_EQ(a.info.bytes, R"({"i":1})");
  EXPECT_EQ(a.data.bytes, "[1]");
  EXPECT_EQ(a.override.presence, true);
  EXPECT_EQ(a.override.join_leave, false);
  EXPECT_EQ(a.override.force_recovery, false);
  EXPECT_EQ(a.override.force_positioning, std::nullopt);
  EXPECT_EQ(a.override.force_push_join_leave, std::nullopt);
  EXPECT_EQ(claims.subs[1].info.bytes, "i");
  EXPECT_FALSE(claims.subs[1].info.is_json);
  EXPECT_EQ(claims.subs[1].data.bytes, "d");
  EXPECT_EQ(claims.subs[3].channel, "d");
  EXPECT_EQ(connection(R"({"channels":["x"],"subs":{}})").subs.size(), 1U);
}

TEST(ConnectionToken, subs_of_another_shape_are_refused) {
  for (const char* subs :
       {"[]", "\"a\"", R"({"a":1})", R"({"a":{},"a":{}})", R"({"a":{"override":1}})",
        R"({"a":{"override":{"presence":true}}})",
        R"({"a":{"override":{"presence":{"value":"yes"}}}})", R"({"a":{"b64data":"?"}})"}) {
    EXPECT_EQ(claims_error(R"({"subs":)" + std::string(subs) + "}"), "wrong claim subs") << subs;
  }
}

TEST(ConnectionToken, channel_claim_is_refused) {
  EXPECT_EQ(claims_error(R"({"sub":"u","channel":"a"})"), "wrong claim channel");
  EXPECT_EQ(claims_error(R"({"sub":"u","channel":""})"), "wrong claim channel");
}

TEST(ConnectionToken, claims_of_another_type_are_refused) {
  for (const char* claim :
       {R"("sub":1)", R"("exp":"1")", R"("nbf":{})", R"("iat":true)", R"("jti":1)", R"("iss":[])",
        R"("aud":1)", R"("aud":[1])", R"("meta":1)", R"("meta":[])", R"("expire_at":"0")"}) {
    EXPECT_TRUE(claims_error("{" + std::string(claim) + "}").starts_with("wrong claim ")) << claim;
  }
  for (const char* payload :
       {"", "[]", "1", "{", R"({"sub":"u"}})", R"({"x":nul})", R"({"x":"\ud800"})",
        R"({"x":1e400})", "{\"x\":\"\xC0\xAF\"}", R"({"sub":"u",})"}) {
    EXPECT_TRUE(claims_error(payload).starts_with("the payload is not a JSON object")) << payload;
  }
}

TEST(ConnectionToken, claim_that_is_there_twice_is_refused) {
  EXPECT_EQ(claims_error(R"({"sub":"a","sub":"b"})"), "wrong claim sub");
  EXPECT_EQ(claims_error(R"({"exp":1,"e\u0078p":2})"), "wrong claim exp");
  EXPECT_EQ(claims_error(R"({"other":1,"other":2})"), "accepted");
}

TEST(Dates, numbers_of_any_spelling) {
  EXPECT_EQ(connection(R"({"exp":1700000000.0})").expire_at, 1'700'000'000);
  EXPECT_EQ(connection(R"({"exp":1.7e9})").expire_at, 1'700'000'000);
  EXPECT_EQ(connection(R"({"exp":1700000000.9})").expire_at, 1'700'000'000);
  EXPECT_EQ(connection(R"({"iat":1.7E+9})").issued_at, 1'700'000'000);
  for (const char* number : {"1e300", "9007199254740993", "18446744073709551615", "-1e30"}) {
    EXPECT_EQ(claims_error(R"({"exp":)" + std::string(number) + "}"), "wrong claim exp") << number;
  }
}

TEST(Dates, token_is_valid_from_nbf_until_before_exp) {
  const auto claims = read(R"({"nbf":100,"exp":200})");
  ASSERT_TRUE(claims);
  EXPECT_FALSE(valid_at(*claims, 99));
  EXPECT_TRUE(valid_at(*claims, 100));
  EXPECT_TRUE(valid_at(*claims, 199));
  EXPECT_FALSE(valid_at(*claims, 200));
  EXPECT_TRUE(valid_at(*read("{}"), 1));
  EXPECT_FALSE(valid_at(*read(R"({"exp":0})"), 1));
  EXPECT_TRUE(valid_at(*read(R"({"nbf":0})"), 1));
}

TEST(UserIdClaim, another_claim_may_name_the_user) {
  EXPECT_EQ(read(R"({"sub":"s","uid":"u"})", TokenKind::kConnection, "uid")->user, "u");
  EXPECT_EQ(read(R"({"sub":"s","uid":42})", TokenKind::kConnection, "uid")->user, "42");
  EXPECT_EQ(read(R"({"sub":"s"})", TokenKind::kConnection, "uid")->user, "");
  EXPECT_EQ(read(R"({"jti":"j"})", TokenKind::kConnection, "jti")->user, "j");
  EXPECT_EQ(read(R"({"jti":"j"})", TokenKind::kConnection, "jti")->token_id, "j");
  EXPECT_FALSE(read(R"({"uid":[]})", TokenKind::kConnection, "uid"));
  EXPECT_FALSE(read(R"({"uid":"a","uid":"b"})", TokenKind::kConnection, "uid"));
}

TEST(SubscriptionToken, all_claims) {
  auto claims = read_subscription(R"({"sub":"u","channel":"c","client":"id","info":{"a":1},
    "b64data":"ZA==","exp":100,"iat":50,"jti":"t",
    "override":{"force_push_join_leave":{"value":true}},
    "channels":5,"meta":6,"subs":7})");
  ASSERT_TRUE(claims) << claims.error().message;
  const SubscriptionClaims got = subscription_claims(std::move(*claims));
  EXPECT_EQ(got.user, "u");
  EXPECT_EQ(got.channel, "c");
  EXPECT_EQ(got.client, "id");
  EXPECT_EQ(got.token_id, "t");
  EXPECT_EQ(got.issued_at, 50);
  EXPECT_EQ(got.expire_at, 100);
  EXPECT_EQ(got.info.bytes, R"({"a":1})");
  EXPECT_EQ(got.data.bytes, "d");
  EXPECT_FALSE(got.data.is_json);
  EXPECT_EQ(got.override.force_push_join_leave, true);
}

TEST(SubscriptionToken, names_its_channel) {
  EXPECT_EQ(claims_error(R"({"sub":"u"})", TokenKind::kSubscription), "no channel");
  EXPECT_EQ(claims_error(R"({"channel":""})", TokenKind::kSubscription), "no channel");
  EXPECT_EQ(claims_error(R"({"channel":null})", TokenKind::kSubscription), "no channel");
  EXPECT_EQ(claims_error(R"({"channel":1})", TokenKind::kSubscription), "wrong claim channel");
  EXPECT_EQ(claims_error(R"({"channel":"c","client":1})", TokenKind::kSubscription),
            "wrong claim client");
}

}  // namespace
}  // namespace millrace::auth
