#include "bench/stamp.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::bench {
namespace {

constexpr Stamp kStamp{.stream = 0xDEAD'BEEF,
                       .sequence = 0x0123'4567,
                       .slot = kNoSlot,
                       .time_ns = 0x7654'3210'FEDC'BA98};

TEST(Stamp, is_read_as_it_was_written) {
  PayloadMaker maker(125);
  StampFinder finder;
  for (const Stamp& stamp : {kStamp, Stamp{}, Stamp{.stream = 1, .sequence = 2, .slot = 3}}) {
    const char* at = finder.find(maker.make(stamp));
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(read_stamp(at), stamp);
  }
}

TEST(Stamp, payloads_have_the_size_that_was_asked_for) {
  for (const size_t bytes : {kPayloadBytesMin, kPayloadBytesMin + 1, size_t{125}, size_t{70'000}}) {
    PayloadMaker maker(bytes);
    const std::string_view text = maker.make(kStamp);
    EXPECT_EQ(text.size(), bytes);
    EXPECT_TRUE(text.starts_with(R"({"m":"~mrb:01~)"));
    EXPECT_TRUE(text.ends_with(R"("})"));
    EXPECT_EQ(text.find_first_of("\\\n", 0), std::string_view::npos);
  }
  EXPECT_EQ(PayloadMaker(125, "P").make(kStamp).size(), 125U);
  EXPECT_TRUE(PayloadMaker(125, "P").make(kStamp).starts_with("P{"));
}

TEST(StampFinder, finds_it_wherever_it_has_moved_to) {
  PayloadMaker maker(80);
  StampFinder finder;
  for (const size_t before : {30UL, 30UL, 31UL, 4UL, 200UL}) {
    const std::string text = std::string(before, '~') + std::string(maker.make(kStamp));
    const char* at = finder.find(text);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(read_stamp(at), kStamp);
  }
}

TEST(StampFinder, finds_nothing_where_there_is_none) {
  StampFinder finder;
  EXPECT_EQ(finder.find(""), nullptr);
  EXPECT_EQ(finder.find(R"({"id":1,"connect":{"client":"x"}})"), nullptr);
  EXPECT_EQ(finder.find(std::string(200, '~')), nullptr);
}

TEST(StampFinder, a_stamp_that_is_cut_off_is_none) {
  PayloadMaker maker(kPayloadBytesMin);
  const std::string text(maker.make(kStamp));
  StampFinder finder;
  EXPECT_EQ(finder.find(text.substr(0, text.size() - 3)), nullptr);
  EXPECT_NE(finder.find(text.substr(0, text.size() - 2)), nullptr);
}

}  // namespace
}  // namespace millrace::bench
