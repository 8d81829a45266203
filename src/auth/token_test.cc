#include "auth/token.h"

#include <gtest/gtest.h>

#include "auth/auth.h"
#include "auth/testing.h"

namespace millrace::auth {
namespace {

// RFC 7515, appendix A.1.1.
constexpr std::string_view kRfcToken =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

std::string token_error(std::string_view text) {
  JsonReader json;
  const auto token = parse_token(text, json);
  return token ? "accepted" : token.error().message;
}

std::string header_error(std::string_view header) {
  return token_error(unsigned_token(header, "{}") + ".AA");
}

TEST(ParseToken, example_of_rfc_7515) {
  JsonReader json;
  const auto token = parse_token(kRfcToken, json);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->algorithm->name, "HS256");
  EXPECT_EQ(token->key_id, "");
  EXPECT_EQ(std::string_view(token->payload),
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  EXPECT_EQ(token->signed_part, kRfcToken.substr(0, kRfcToken.rfind('.')));
  EXPECT_EQ(token->signature.size(), 32U);
}

TEST(ParseToken, header_names_algorithm_and_key) {
  JsonReader json;
  for (const char* name :
       {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"}) {
    const std::string text = unsigned_token(header_of(name, "k\\u0031"), "{}") + ".";
    const auto token = parse_token(text, json);
    ASSERT_TRUE(token) << name;
    EXPECT_EQ(token->algorithm->name, name);
    EXPECT_EQ(token->key_id, "k1");
  }
}

TEST(ParseToken, there_are_exactly_three_parts) {
  const std::string head = base64url(header_of("HS256"));
  for (const std::string& text : {std::string(), head, head + ".e30", head + ".e30.AA.",
                                  head + ".e30.AA.AA.AA", head + ".e30.AA.AA"}) {
    EXPECT_EQ(token_error(text), "not three parts") << text;
  }
  EXPECT_EQ(token_error(head + ".e30.A"), "not base64url");
  EXPECT_EQ(token_error(head + ".e30=.AA"), "not base64url");
  EXPECT_EQ(token_error(head + ".e30.AB"), "not base64url");
  EXPECT_EQ(token_error(" " + head + ".e30.AA"), "not base64url");
}

TEST(ParseToken, algorithm_is_one_of_those_that_sign) {
  EXPECT_EQ(header_error(R"({"alg":"none"})"), "unknown algorithm none");
  EXPECT_EQ(header_error(R"({"alg":"None"})"), "unknown algorithm None");
  EXPECT_EQ(header_error(R"({"alg":""})"), "unknown algorithm ");
  EXPECT_EQ(header_error(R"({"alg":"hs256"})"), "unknown algorithm hs256");
  EXPECT_EQ(header_error(R"({"alg":"PS256"})"), "unknown algorithm PS256");
  EXPECT_EQ(header_error("{}"), "the header has no alg");
  EXPECT_EQ(header_error(R"({"alg":null})"), "the header's alg is not one string");
  EXPECT_EQ(header_error(R"({"alg":"HS256","alg":"HS256"})"), "the header's alg is not one string");
}

TEST(ParseToken, header_is_strict_json) {
  for (const char* header :
       {"", "[]", "\"HS256\"", "{\"alg\":\"HS256\"", "{\"alg\":\"HS256\",}", "{\"alg\":\"HS256\"}x",
        "{\"alg\":\"HS256\",\"x\":tru}", "{\"alg\":\"HS256\",\"x\":\"\xFF\"}", "{'alg':'HS256'}"}) {
    EXPECT_TRUE(header_error(header).starts_with("the header is not a JSON object")) << header;
  }
  EXPECT_EQ(header_error(R"({"alg":"HS256","kid":1})"), "the header's kid is not one string");
  EXPECT_EQ(header_error(R"({"kid":"a","kid":"b","alg":"HS256"})"),
            "the header's kid is not one string");
  EXPECT_EQ(header_error(R"({"alg":"HS256","crit":["b64"],"b64":false})"), "the header has crit");
  EXPECT_EQ(header_error(R"({"alg":"HS256","typ":"JWT","jku":"https://evil.example"})"),
            "accepted");
}

TEST(ParseToken, length_is_bounded) {
  const std::string head = base64url(header_of("HS256")) + ".e30.";
  EXPECT_EQ(token_error(head + std::string(kTokenBytesMax - head.size() + 1, 'A')),
            "longer than a token may be");
  EXPECT_NE(token_error(head + std::string(kTokenBytesMax - head.size(), 'A')),
            "longer than a token may be");
}

}  // namespace
}  // namespace millrace::auth
