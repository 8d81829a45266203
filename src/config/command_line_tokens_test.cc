// What is typed behind gen-token and check-token.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

class TokenCommandLine : public testing::Test {
 protected:
  std::expected<Invocation, CommandLineError> parse(std::initializer_list<const char*> words) {
    std::vector<const char*> arguments = {"millrace"};
    arguments.insert(arguments.end(), words);
    const std::string file =
        directory_.write("m.toml", "[client.token]\nhmac_secret_key = \"s\"\n");
    arguments.insert(arguments.end(), {"--config", file.c_str()});
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), nullptr);
  }
  std::string error(std::initializer_list<const char*> words) {
    const auto invocation = parse(words);
    if (invocation) return "accepted";
    EXPECT_EQ(invocation.error().exit_code, 2);
    const std::string& message = invocation.error().message;
    return message.substr(0, message.find('\n'));
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(TokenCommandLine, gen_token_with_everything) {
  const auto invocation =
      parse({"gen-token", "--user", "42", "--ttl", "1h30m", "--channel", "news"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->command, Command::kGenerateToken);
  EXPECT_EQ(invocation->token.user, "42");
  EXPECT_EQ(invocation->token.channel, "news");
  EXPECT_EQ(invocation->token.ttl, std::chrono::minutes(90));
  EXPECT_EQ(invocation->token.expire_at, std::nullopt);
  EXPECT_EQ(invocation->config.client.token.hmac_secret_key, "s");
  EXPECT_TRUE(invocation->warnings.empty());
}

TEST_F(TokenCommandLine, gen_token_with_a_date) {
  const auto invocation = parse({"gen-token", "--user", "", "--expire-at=1700000000"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->token.user, "");
  EXPECT_EQ(invocation->token.expire_at, 1'700'000'000);
}

TEST_F(TokenCommandLine, token_lives_a_week_unless_told_otherwise) {
  EXPECT_EQ(parse({"gen-token", "--user", "u"})->token.ttl, std::chrono::hours(168));
  EXPECT_EQ(parse({"gen-token", "--user", "u", "--ttl", "0s"})->token.ttl.count(), 0);
}

TEST_F(TokenCommandLine, check_token_takes_the_token_as_a_word) {
  const auto invocation = parse({"check-token", "a.b.c"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->command, Command::kCheckToken);
  EXPECT_EQ(invocation->token.token, "a.b.c");
  EXPECT_EQ(invocation->token.channel, "");
  EXPECT_EQ(parse({"check-token", "--channel", "news", "a.b.c"})->token.channel, "news");
}

TEST_F(TokenCommandLine, mistakes_are_named) {
  EXPECT_EQ(error({"gen-token"}), "millrace: gen-token needs --user (\"\": an anonymous one)");
  EXPECT_EQ(error({"gen-token", "--user", "u", "--ttl", "1h", "--expire-at", "5"}),
            "millrace: --ttl and --expire-at exclude each other");
  EXPECT_EQ(error({"gen-token", "--user", "u", "--ttl", "soon"}),
            "millrace: --ttl expects a duration such as \"1h30m\", got \"soon\"");
  EXPECT_EQ(error({"gen-token", "--user", "u", "--expire-at", "-5"}),
            "millrace: --expire-at is in Unix seconds");
  EXPECT_NE(error({"gen-token", "--user", "u", "--expire-at", "soon"}), "accepted");
  EXPECT_EQ(error({"gen-token", "--user", "u", "--channel", ""}),
            "millrace: --channel names no channel");
  EXPECT_EQ(error({"check-token"}), "millrace: check-token needs a token");
  EXPECT_EQ(error({"check-token", "a.b.c", "d"}), "millrace: unknown command d");
  EXPECT_EQ(error({"gen-token", "--usr", "u"}),
            "millrace: unknown option --usr, did you mean --user?");
  EXPECT_EQ(error({"check-token", "a.b.c", "--user", "u"}),
            "millrace: --user does not belong to this command");
  EXPECT_EQ(error({"serve", "--ttl=1h"}), "millrace: --ttl does not belong to this command");
}

TEST_F(TokenCommandLine, configuration_has_to_be_good) {
  EXPECT_EQ(error({"gen-token", "--user", "u", "--port", "99999"}),
            "flag --port: error: http_server.port: must be between 0 and 65535, got 99999");
}

}  // namespace
}  // namespace millrace::config
