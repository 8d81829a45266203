#include "config/duration.h"

#include <gtest/gtest.h>

namespace millrace::config {
namespace {

TEST(Duration, units_add_up) {
  EXPECT_EQ(parse_duration("25s"), Milliseconds(25'000));
  EXPECT_EQ(parse_duration("1h30m"), Milliseconds(5'400'000));
  EXPECT_EQ(parse_duration("500ms"), Milliseconds(500));
  EXPECT_EQ(parse_duration("1.5h"), Milliseconds(5'400'000));
  EXPECT_EQ(parse_duration(".5s"), Milliseconds(500));
  EXPECT_EQ(parse_duration("720h0m0s"), Milliseconds(2'592'000'000));
  EXPECT_EQ(parse_duration("1000us"), Milliseconds(1));
  EXPECT_EQ(parse_duration("2000\xC2\xB5s"), Milliseconds(2));
  EXPECT_EQ(parse_duration("0"), Milliseconds(0));
  EXPECT_EQ(parse_duration("0s"), Milliseconds(0));
}

TEST(Duration, what_is_none_is_refused) {
  for (const std::string_view text :
       {"", "25", "s", ".s", "25 s", "25S", "1d", "-1s", "+1s", "1.5.5s", "1s2", "25sec", "1e3s",
        "1us", "1ns", "0.1ms", "9999999999999h", "99999999999999999999s", "3000000h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, what_is_written_is_read_back) {
  for (const int64_t ms :
       {0L, 1L, 999L, 1'000L, 60'000L, 61'001L, 3'600'000L, 2'592'000'000L, 90'061'001L}) {
    EXPECT_EQ(parse_duration(format_duration(Milliseconds(ms))), Milliseconds(ms))
        << format_duration(Milliseconds(ms));
  }
  EXPECT_EQ(format_duration(Milliseconds(5'400'000)), "1h30m");
  EXPECT_EQ(format_duration(Milliseconds(2'592'000'000)), "720h");
}

}  // namespace
}  // namespace millrace::config
