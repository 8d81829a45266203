// What is typed behind publish.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

class PublishCommandLine : public testing::Test {
 protected:
  std::expected<Invocation, CommandLineError> parse(std::initializer_list<const char*> words) {
    const std::string file = directory_.write("m.toml", "[http_api]\nkey = \"k\"\n");
    std::vector<const char*> arguments = {"millrace", "publish", "--config", file.c_str()};
    arguments.insert(arguments.end(), words);
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

TEST_F(PublishCommandLine, takes_a_channel_and_data) {
  const auto invocation = parse({"news", R"({"text": "a b"})"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->command, Command::kPublish);
  EXPECT_EQ(invocation->publish.channel, "news");
  EXPECT_EQ(invocation->publish.data, R"({"text": "a b"})");
  EXPECT_EQ(invocation->publish.server, "");
  EXPECT_EQ(invocation->publish.api_key, "");
  EXPECT_EQ(invocation->config.http_api.key, "k");
}

TEST_F(PublishCommandLine, data_is_taken_as_it_is) {
  for (const char* data : {"-", "[1,2]", R"("x")", "5", "-5", "null", R"(["a b",{}])", "a=b"}) {
    const auto invocation = parse({"news", data});
    ASSERT_TRUE(invocation) << data << ": " << invocation.error().message;
    EXPECT_EQ(invocation->publish.data, data);
  }
}

TEST_F(PublishCommandLine, server_and_key_can_be_said) {
  const auto invocation =
      parse({"--server", "https://push.example:8443", "news", "1", "--api-key", "other"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->publish.server, "https://push.example:8443");
  EXPECT_EQ(invocation->publish.api_key, "other");
}

TEST_F(PublishCommandLine, mistakes_are_told) {
  EXPECT_EQ(error({}), "millrace: publish needs a channel and data");
  EXPECT_EQ(error({"news"}), "millrace: publish needs a channel and data");
  EXPECT_EQ(error({"", "1"}), "millrace: publish needs a channel and data");
  EXPECT_EQ(error({"news", "1", "2"}), "millrace: unknown command 2");
  EXPECT_EQ(error({"news", "1", "--server", "localhost:8000"}),
            "millrace: --server expects a URL such as \"http://127.0.0.1:8000\", got "
            "\"localhost:8000\"");
  EXPECT_EQ(error({"news", "1", "--user", "42"}),
            "millrace: --user does not belong to this command");
}

}  // namespace
}  // namespace millrace::config
