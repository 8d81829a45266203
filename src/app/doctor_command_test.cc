// With a machine that has nothing to read. With a real one: tests/e2e/doctor.test.mjs.
#include "app/doctor_command.h"

#include <gtest/gtest.h>

#include <optional>

namespace millrace::app {
namespace {

constexpr const char* kNowhere = "/nonexistent-root";

CommandResult examined(std::optional<uint64_t> connections, bool json) {
  config::Invocation invocation;
  invocation.config.client.connection_limit = 5'000;
  invocation.doctor = {.connections = connections, .json = json};
  return doctor(invocation, kNowhere);
}

TEST(DoctorCommand, configured_limit_is_judged_against_the_target) {
  EXPECT_EQ(examined(std::nullopt, false).exit_code, 0);
  EXPECT_EQ(examined(5'000, false).exit_code, 0);
  const CommandResult result = examined(5'001, false);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("connection_limit = 5001"), std::string::npos) << result.output;
}

TEST(DoctorCommand, json_is_printed_on_demand) {
  const std::string output = examined(std::nullopt, true).output;
  EXPECT_TRUE(output.starts_with(R"({"connections":5000,)")) << output;
  EXPECT_TRUE(examined(std::nullopt, false).output.starts_with("How many ")) << output;
}

}  // namespace
}  // namespace millrace::app
