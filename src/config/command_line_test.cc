#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "config/config.h"
#include "config/flags.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

// Each test works in an empty directory of its own.
class CommandLine : public testing::Test {
 protected:
  CommandLine() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(directory.path());
  }
  ~CommandLine() override { std::filesystem::current_path(before_); }

  static std::expected<Invocation, CommandLineError> parse(
      std::initializer_list<const char*> words,
      std::initializer_list<const char*> environment = {}) {
    std::vector<const char*> arguments = {"millrace"};
    arguments.insert(arguments.end(), words);
    std::vector<const char*> variables(environment);
    variables.push_back(nullptr);
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(),
                              variables.data());
  }

  static std::string error(std::initializer_list<const char*> words,
                           std::initializer_list<const char*> environment = {}) {
    const auto invocation = parse(words, environment);
    if (invocation) return "accepted";
    EXPECT_EQ(invocation.error().exit_code, 2);
    return invocation.error().message;
  }

  TemporaryDirectory directory;

 private:
  std::filesystem::path before_;
};

TEST_F(CommandLine, no_words_mean_serve_with_the_defaults) {
  const auto invocation = parse({});
  ASSERT_TRUE(invocation);
  EXPECT_EQ(invocation->command, Command::kServe);
  EXPECT_EQ(invocation->sources.file, "");
  EXPECT_EQ(invocation->config.http_server.port, 8000);
  EXPECT_FALSE(invocation->config.client.insecure);
  ASSERT_EQ(invocation->warnings.size(), 1U);
  EXPECT_NE(invocation->warnings[0].find("nobody can connect"), std::string::npos);
}

TEST_F(CommandLine, flags_set_their_keys_before_and_behind_the_command) {
  for (const auto& invocation :
       {parse({"serve", "--port", "9000", "--address=127.0.0.1", "--workers", "2", "--log-level",
               "debug", "--log-format", "json", "--log-file", "x.log", "--node-name", "n",
               "--region", "r", "--unix-socket", "s.sock"}),
        parse({"-p", "9000", "-a", "127.0.0.1", "--workers=2", "--log-level=debug",
               "--log-format=json", "--log-file=x.log", "--node-name=n", "--region=r",
               "--unix-socket=s.sock", "serve"})}) {
    ASSERT_TRUE(invocation) << invocation.error().message;
    const Config& config = invocation->config;
    EXPECT_EQ(invocation->command, Command::kServe);
    EXPECT_EQ(config.http_server.port, 9000);
    EXPECT_EQ(config.http_server.address, "127.0.0.1");
    EXPECT_EQ(config.workers, 2U);
    EXPECT_EQ(config.log.level, base::log::Level::kDebug);
    EXPECT_EQ(config.log.format, base::log::Format::kJson);
    EXPECT_EQ(config.log.file, "x.log");
    EXPECT_EQ(config.node.name, "n");
    EXPECT_EQ(config.node.region, "r");
    EXPECT_EQ(config.http_server.unix_socket, "s.sock");
  }
}

TEST_F(CommandLine, dev_lets_everybody_in) {
  const auto invocation = parse({"--dev"});
  ASSERT_TRUE(invocation);
  EXPECT_TRUE(invocation->config.dev);
  EXPECT_TRUE(invocation->config.client.insecure);
  EXPECT_EQ(invocation->config.client.allowed_origins, (std::vector<std::string>{"*"}));
  EXPECT_TRUE(invocation->warnings.empty());
}

TEST_F(CommandLine, first_default_file_that_exists_is_read) {
  directory.write("config.json", R"({"workers": 3})");
  EXPECT_EQ(parse({})->sources.file, "config.json");
  directory.write("config.toml", "workers = 2\n");
  EXPECT_EQ(parse({})->sources.file, "config.toml");
  directory.write("millrace.toml", "workers = 1\n");
  const auto invocation = parse({});
  EXPECT_EQ(invocation->sources.file, "millrace.toml");
  EXPECT_EQ(invocation->config.workers, 1U);
  const std::string other = directory.write("other.toml", "workers = 9\n");
  EXPECT_EQ(parse({"-c", other.c_str()})->config.workers, 9U);
  EXPECT_EQ(parse({"--config", other.c_str()})->sources.file, other);
}

TEST_F(CommandLine, file_that_was_named_must_exist) {
  EXPECT_EQ(error({"-c", "none.toml"}),
            "none.toml: error: cannot be opened: No such file or directory\n");
}

TEST_F(CommandLine, only_own_variables_are_taken) {
  const auto invocation = parse({}, {"MILLRACE_WORKERS=4", "PATH=/bin", "MILLRACE=x", "NOEQUALS"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->config.workers, 4U);
  EXPECT_EQ(invocation->sources.environment.size(), 1U);
}

TEST_F(CommandLine, null_environment_is_an_empty_one) {
  const char* const arguments[] = {"millrace"};
  EXPECT_TRUE(parse_command_line(1, arguments, nullptr));
}

TEST_F(CommandLine, wrong_value_of_a_flag_names_flag_and_key) {
  EXPECT_EQ(error({"--port", "99999"}),
            "flag --port: error: http_server.port: must be between 0 and 65535, got 99999\n");
  EXPECT_EQ(error({"--port", "x"}),
            "flag --port: error: http_server.port: expects an integer, got \"x\"\n");
}

TEST_F(CommandLine, unknown_words_are_named_with_the_nearest_known_one) {
  EXPECT_EQ(error({"--prot", "5"}),
            "millrace: unknown option --prot, did you mean --port?\nTry: millrace --help\n");
  EXPECT_EQ(error({"--prot=5"}),
            "millrace: unknown option --prot, did you mean --port?\nTry: millrace --help\n");
  EXPECT_EQ(error({"serv"}),
            "millrace: unknown command serv, did you mean serve?\nTry: millrace --help\n");
  EXPECT_EQ(error({"serve", "zebra"}), "millrace: unknown command zebra\nTry: millrace --help\n");
  EXPECT_NE(error({"--port"}), "accepted");
  EXPECT_NE(error({"serve", "check-config"}), "accepted");
  EXPECT_NE(error({"--config="}), "accepted");
}

TEST_F(CommandLine, check_config_says_ok_or_every_error) {
  directory.write("good.toml", "[client]\ninsecure = true\n");
  for (const char* name : {"check-config", "checkconfig"}) {
    const auto good = parse({name, "-c", "good.toml"});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->command, Command::kCheckConfig);
    EXPECT_EQ(good->output, "ok\n");
    EXPECT_EQ(good->warnings.size(), 1U);
  }
  directory.write("bad.toml", "prot = 1\n[client]\nchannel_limit = 0\n[swagger]\nenabled = true\n");
  const std::string message = error({"check-config", "--config", "bad.toml"});
  EXPECT_NE(message.find("bad.toml:1:1: error: prot: "), std::string::npos);
  EXPECT_NE(message.find("bad.toml:3:17: error: client.channel_limit: "), std::string::npos);
  EXPECT_NE(message.find("bad.toml:5:11: warning: swagger.enabled: "), std::string::npos);
}

TEST_F(CommandLine, texts_do_not_need_a_good_configuration) {
  directory.write("millrace.toml", "nonsense");
  EXPECT_EQ(parse({"version"})->command, Command::kVersion);
  EXPECT_TRUE(parse({"--version"})->output.starts_with("millrace 0."));
  EXPECT_EQ(parse({"genconfig"})->output, starting_file_text());
  EXPECT_EQ(parse({"configdoc"})->output, reference_text());
  for (const auto& invocation : {parse({"help"}), parse({"--help"}), parse({"-h"}),
                                 parse({"serve", "--help"}), parse({"zebra", "-h"})}) {
    ASSERT_TRUE(invocation);
    EXPECT_EQ(invocation->command, Command::kHelp);
    EXPECT_EQ(invocation->output, help_text());
  }
}

TEST_F(CommandLine, sources_load_the_same_again) {
  directory.write("millrace.toml", "workers = 1\n");
  const auto invocation = parse({"--port", "9000", "--dev"}, {"MILLRACE_CLIENT_CHANNEL_LIMIT=7"});
  ASSERT_TRUE(invocation);
  const auto again = load(invocation->sources);
  ASSERT_TRUE(again);
  const Difference difference = reloadable_difference(invocation->config, again->config);
  EXPECT_TRUE(difference.live.empty() && difference.needs_restart.empty());
  EXPECT_TRUE(again->config.dev);
}

TEST(Help, names_every_flag_within_80_columns) {
  const std::string text = help_text();
  for (const KeyFlag& flag : key_flags()) {
    EXPECT_NE(text.find(std::string(flag.name) + " " + std::string(flag.argument)),
              std::string::npos)
        << flag.name;
  }
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    EXPECT_LE(end - start, 80U) << text.substr(start, end - start);
    start = end + 1;
  }
}

}  // namespace
}  // namespace millrace::config
