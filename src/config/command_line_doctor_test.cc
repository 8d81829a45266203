// What is typed behind doctor.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

class DoctorCommandLine : public testing::Test {
 protected:
  std::expected<Invocation, CommandLineError> parse(std::initializer_list<const char*> words) {
    const std::string file = directory_.write("m.toml", "[client]\nconnection_limit = 7\n");
    std::vector<const char*> arguments = {"millrace", "doctor", "--config", file.c_str()};
    arguments.insert(arguments.end(), words);
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), nullptr);
  }
  bool refused(std::initializer_list<const char*> words) {
    const auto invocation = parse(words);
    return !invocation && invocation.error().exit_code == 2;
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(DoctorCommandLine, borrows_the_configuration) {
  const auto invocation = parse({});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->command, Command::kDoctor);
  EXPECT_EQ(invocation->config.client.connection_limit, 7U);
  EXPECT_EQ(invocation->doctor.connections, std::nullopt);
  EXPECT_FALSE(invocation->doctor.json);
}

TEST_F(DoctorCommandLine, takes_a_target_and_a_form) {
  const auto invocation = parse({"--connections", "200000", "--json"});
  ASSERT_TRUE(invocation) << invocation.error().message;
  EXPECT_EQ(invocation->doctor.connections, 200'000U);
  EXPECT_TRUE(invocation->doctor.json);
}

TEST_F(DoctorCommandLine, targets_that_are_no_numbers_are_refused) {
  for (const char* target : {"0", "-1", "many", "1.5", "1000000001", "99999999999999999999", ""})
    EXPECT_TRUE(refused({"--connections", target})) << target;
  EXPECT_TRUE(refused({"--connections"}));
  EXPECT_TRUE(refused({"extra"}));
  EXPECT_TRUE(refused({"--user", "42"}));
}

}  // namespace
}  // namespace millrace::config
