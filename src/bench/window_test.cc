// Two processes' windows on one board, in one process.
#include "bench/window.h"

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

Stamp stamp_of(uint32_t slot, int64_t time_ns) {
  return {.slot = slot, .time_ns = time_ns};
}

TEST(Window, holds_no_more_than_its_size) {
  const auto board = Board::create(1, 1);
  ASSERT_TRUE(board);
  Window window(**board, 2, true);
  EXPECT_TRUE(window.take(3, 0));
  EXPECT_TRUE(window.take(3, 0));
  EXPECT_FALSE(window.take(3, 0));
  EXPECT_EQ(window.under_way(), 2U);
}

TEST(Window, a_message_is_under_way_until_the_last_subscriber_has_it) {
  const auto board = Board::create(1, 1);
  ASSERT_TRUE(board);
  Window window(**board, 1, true);
  const auto slot = window.take(3, 0);
  for (int i = 0; i < 2; ++i) window.arrive(stamp_of(*slot, 10), 3, 0);
  EXPECT_EQ(window.under_way(), 1U);
  window.arrive(stamp_of(*slot, 10), 3, 0);
  EXPECT_EQ(window.under_way(), 0U);
}

TEST(Window, every_process_has_to_have_it) {
  const auto board = Board::create(2, 1);
  ASSERT_TRUE(board);
  Window publishing(**board, 1, true);
  Window other(**board, 1, false);
  const auto slot = publishing.take(2, 0);
  publishing.arrive(stamp_of(*slot, 10), 1, 0);
  publishing.collect();
  EXPECT_EQ(publishing.under_way(), 1U);
  other.arrive(stamp_of(*slot, 10), 1, 0);
  publishing.collect();
  EXPECT_EQ(publishing.under_way(), 0U);
}

TEST(Window, what_does_not_arrive_is_given_up_and_does_not_count_later) {
  const auto board = Board::create(1, 1);
  ASSERT_TRUE(board);
  Window window(**board, 1, true);
  const auto slot = window.take(2, 100);
  window.arrive(stamp_of(*slot, 10), 2, 100);
  window.give_up_after(50, 120);
  EXPECT_EQ(window.under_way(), 1U);
  window.give_up_after(50, 150);
  EXPECT_EQ(window.under_way(), 0U);
  const auto again = window.take(2, 160);
  window.arrive(stamp_of(*again, 20), 2, 170);
  window.arrive(stamp_of(*again, 10), 2, 170);  // of the one that was given up
  EXPECT_EQ(window.under_way(), 1U);
  window.arrive(stamp_of(*again, 20), 2, 170);
  EXPECT_EQ(window.under_way(), 0U);
}

}  // namespace
}  // namespace millrace::bench
