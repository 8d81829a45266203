#include "app/token_commands.h"

#include <gtest/gtest.h>

#include "auth/auth.h"

namespace millrace::app {
namespace {

constexpr int64_t kNow = 1'700'000'000;

class TokenCommands : public testing::Test {
 protected:
  TokenCommands() { invocation_.config.client.token.hmac_secret_key = "secret"; }

  std::string generated() {
    const CommandResult result = generate_token(invocation_, kNow);
    EXPECT_EQ(result.exit_code, 0) << result.error;
    return result.output.substr(0, result.output.find('\n'));
  }
  // The output, or the error.
  std::string checked(const std::string& token, const std::string& channel = "") {
    invocation_.token = {.channel = channel, .token = token};
    const CommandResult result = check_token(invocation_, kNow);
    EXPECT_EQ(result.exit_code, result.error.empty() ? 0 : 1);
    return result.output + result.error;
  }

  config::Invocation invocation_;
};

TEST_F(TokenCommands, connection_token_made_is_good) {
  invocation_.token = {.user = "42", .ttl = std::chrono::minutes(90)};
  EXPECT_EQ(checked(generated()),
            "A good connection token.\n"
            "user        \"42\"\n"
            "expires     in 1h 30m (2023-11-14 23:43:20 UTC)\n"
            "issued      in 0s (2023-11-14 22:13:20 UTC)\n");
}

TEST_F(TokenCommands, subscription_token_made_is_good_for_its_channel) {
  invocation_.token = {.user = "", .channel = "news", .expire_at = 0};
  const std::string token = generated();
  EXPECT_EQ(checked(token, "news"),
            "A good subscription token.\n"
            "channel     \"news\"\n"
            "user        none: anonymous\n"
            "expires     never\n"
            "issued      in 0s (2023-11-14 22:13:20 UTC)\n");
  EXPECT_EQ(checked(token, "other"),
            "millrace: the token is refused: it is for the channel \"news\"\n");
  EXPECT_EQ(checked(token), "millrace: the token is refused: wrong claim channel\n");
}

TEST_F(TokenCommands, subscription_tokens_may_have_a_key_of_their_own) {
  invocation_.config.client.subscription_token_enabled = true;
  invocation_.config.client.subscription_token.hmac_secret_key = "other";
  invocation_.token = {.user = "42", .channel = "news"};
  const std::string token = generated();
  EXPECT_TRUE(checked(token, "news").starts_with("A good subscription token."));
  EXPECT_EQ(checked(auth::make_token("secret", {.user = "42", .channel = "news"}), "news"),
            "millrace: the token is refused: no key verifies the signature\n");
}

TEST_F(TokenCommands, a_fraction_of_a_second_is_not_for_ever) {
  invocation_.token = {.user = "42", .ttl = std::chrono::milliseconds(1)};
  EXPECT_NE(checked(generated()).find("expires     in 1s"), std::string::npos);
  invocation_.token = {.user = "42", .ttl = std::chrono::milliseconds(0)};
  EXPECT_NE(checked(generated()).find("expires     never"), std::string::npos);
}

TEST_F(TokenCommands, expired_token_is_refused) {
  const std::string token = auth::make_token("secret", {.user = "42", .expire_at = kNow});
  EXPECT_EQ(checked(token),
            "millrace: the token is refused: exp has passed, or nbf has not come\n");
}

TEST_F(TokenCommands, everything_that_a_token_says_is_shown) {
  // {"sub":"u","exp":1700090000,"jti":"t","info":{"a":1},"meta":{"m":2},
  //  "subs":{"a\u001b":{"data":[1],"override":{"presence":{"value":true}}},"b":{"b64info":"aGk="}}}
  invocation_.config.client.token.hmac_secret_key = "k";
  EXPECT_EQ(
      checked("eyJhbGciOiJIUzI1NiJ9."
              "eyJzdWIiOiJ1IiwiZXhwIjoxNzAwMDkwMDAwLCJqdGkiOiJ0IiwiaW5mbyI6eyJhIjoxfSwibWV0YSI6"
              "eyJtIjoyfSwic3VicyI6eyJhXHUwMDFiIjp7ImRhdGEiOlsxXSwib3ZlcnJpZGUiOnsicHJlc2VuY2Ui"
              "OnsidmFsdWUiOnRydWV9fX0sImIiOnsiYjY0aW5mbyI6ImFHaz0ifX19."
              "-hFGsX-MMyHNFOXBksMgmOViEP04nVALTrkDM9NYdiE"),
      "A good connection token.\n"
      "user        \"u\"\n"
      "expires     in 1d 1h (2023-11-15 23:13:20 UTC)\n"
      "token id    \"t\"\n"
      "info        {\"a\":1}\n"
      "meta        {\"m\":2}\n"
      "channel     \"a\\u001b\"\n"
      "  data      [1]\n"
      "  override  presence on\n"
      "channel     \"b\"\n"
      "  info      2 bytes\n");
}

TEST_F(TokenCommands, without_a_key_there_is_nothing_to_do) {
  invocation_.config.client.token.hmac_secret_key = "";
  EXPECT_EQ(
      generate_token(invocation_, kNow).error,
      "millrace: client.token.hmac_secret_key is not set, so there is nothing to sign with\n");
  EXPECT_EQ(checked("a.b.c"), "millrace: client.token has no key, so every token is refused\n");
}

TEST_F(TokenCommands, key_set_that_cannot_be_fetched_is_told) {
  // Port 0 is nobody's.
  invocation_.config.client.token.jwks_public_endpoint = "http://127.0.0.1:0/keys";
  // {"alg":"EdDSA","kid":"a"}
  EXPECT_EQ(checked("eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.e30.AA"),
            "millrace: the token is refused: the key set cannot be fetched (see the line above)\n");
}

}  // namespace
}  // namespace millrace::app
