// Without a server: what is refused before one is asked. With one: tests/e2e/publish.test.mjs.
#include "app/publish_command.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

namespace millrace::app {
namespace {

CommandResult published(std::string data, std::string_view input = "",
                        const char* server = "http://127.0.0.1:1") {
  config::Invocation invocation;
  invocation.config.http_server.port = 0;
  invocation.publish = {.channel = "news", .data = std::move(data), .server = server};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  std::fwrite(input.data(), 1, input.size(), file.get());
  std::rewind(file.get());
  return publish(invocation, file.get());
}

TEST(PublishCommand, data_must_be_json) {
  constexpr const char* kError =
      "millrace: the data is not JSON (a text stands in quotes: '\"hello\"')\n";
  for (const char* data : {"hello", "{", "1 2"}) {
    const CommandResult result = published(data);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.error, kError);
  }
  EXPECT_EQ(published("-", "hello").error, kError);
  EXPECT_EQ(published("-", "").error, kError);
}

TEST(PublishCommand, server_that_is_not_there_is_named) {
  for (const CommandResult& result : {published("1"), published("-", "{\n}\n")}) {
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(result.error.starts_with("millrace: http://127.0.0.1:1/api/publish: "))
        << result.error;
    EXPECT_EQ(result.output, "");
  }
}

TEST(PublishCommand, configured_server_needs_a_port) {
  const CommandResult result = published("1", "", "");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.error,
            "millrace: the configured server listens on any port: say which with --server\n");
}

}  // namespace
}  // namespace millrace::app
