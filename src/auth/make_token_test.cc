#include <gtest/gtest.h>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/testing.h"

namespace millrace::auth {
namespace {

// Header and payload of a token whose signature is good.
std::string content(const std::string& text, std::string_view secret) {
  JsonReader json;
  const auto token = parse_token(text, json);
  if (!token) return token.error().message;
  if (!verify_hmac(*token->algorithm, secret, token->signed_part, token->signature)) return "bad";
  return std::string(token->algorithm->name) + std::string(std::string_view(token->payload));
}

TEST(MakeToken, says_what_was_asked_for) {
  EXPECT_EQ(content(make_token("s", {.user = "u"}), "s"), R"(HS256{"sub":"u"})");
  EXPECT_EQ(content(make_token("s", {.user = "u", .expire_at = 20, .issued_at = 10}), "s"),
            R"(HS256{"sub":"u","exp":20,"iat":10})");
  EXPECT_EQ(content(make_token("s", {.user = "", .channel = "a\"b"}), "s"),
            R"(HS256{"sub":"","channel":"a\"b"})");
  EXPECT_EQ(content(make_token("s", {.user = "u"}), "t"), "bad");
}

}  // namespace
}  // namespace millrace::auth
