#include <gtest/gtest.h>

#include <chrono>

#include "webhook/webhook.h"

namespace millrace::webhook {
namespace {

TEST(FailureLog, tells_once_a_second_and_how_many_were_left_out) {
  using namespace std::chrono_literals;
  FailureLog log;
  const base::MonotonicTime start{1'000'000'000};
  uint64_t left_out = 9;
  EXPECT_TRUE(log.may_tell(start, left_out));
  EXPECT_EQ(left_out, 0U);
  EXPECT_FALSE(log.may_tell(start + 1ms, left_out));
  EXPECT_FALSE(log.may_tell(start + 999ms, left_out));
  EXPECT_TRUE(log.may_tell(start + 1s, left_out));
  EXPECT_EQ(left_out, 2U);
  EXPECT_TRUE(log.may_tell(start + 9s, left_out));
  EXPECT_EQ(left_out, 0U);
}

}  // namespace
}  // namespace millrace::webhook
