#include "bench/sequence.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace millrace::bench {
namespace {

struct Verdict {
  int64_t missing = 0;
  int in_order = 0;
  int late = 0;
  int duplicates = 0;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

Verdict judge(Sequence& sequence, std::initializer_list<uint64_t> numbers) {
  Verdict verdict;
  for (const uint64_t number : numbers) {
    const Arrival arrival = sequence.take(number, verdict.missing);
    ++(arrival == Arrival::kInOrder ? verdict.in_order
       : arrival == Arrival::kLate  ? verdict.late
                                    : verdict.duplicates);
  }
  return verdict;
}

Sequence from(uint64_t first) {
  Sequence sequence;
  sequence.start_at(first);
  return sequence;
}

TEST(Sequence, each_once_and_in_order_is_clean) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {0, 1, 2, 3}), (Verdict{.in_order = 4}));
  EXPECT_EQ(sequence.behind(4), 0U);
}

TEST(Sequence, a_gap_is_missing) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {0, 3}), (Verdict{.missing = 2, .in_order = 2}));
}

TEST(Sequence, the_first_ones_may_be_missing) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {2}), (Verdict{.missing = 2, .in_order = 1}));
}

TEST(Sequence, what_comes_late_is_not_missing_any_more) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {0, 2, 1, 3}), (Verdict{.in_order = 3, .late = 1}));
}

TEST(Sequence, what_comes_twice_is_a_duplicate_late_or_not) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {0, 0, 2, 1, 1, 2}),
            (Verdict{.in_order = 2, .late = 1, .duplicates = 3}));
}

TEST(Sequence, what_is_too_late_to_be_told_is_a_duplicate) {
  Sequence sequence = from(0);
  EXPECT_EQ(judge(sequence, {100, 37, 36}),
            (Verdict{.missing = 99, .in_order = 1, .late = 1, .duplicates = 1}));
}

TEST(Sequence, before_the_start_nothing_is_missing) {
  Sequence sequence = from(10);
  EXPECT_EQ(judge(sequence, {10, 9, 11}), (Verdict{.in_order = 2, .duplicates = 1}));
}

TEST(Sequence, one_that_joined_meanwhile_may_get_earlier_ones_first) {
  Sequence sequence;
  sequence.start_no_later_than(10);
  EXPECT_EQ(judge(sequence, {7, 8, 10}), (Verdict{.missing = 1, .in_order = 3}));
}

TEST(Sequence, one_that_joined_meanwhile_misses_what_was_published_since) {
  Sequence sequence;
  sequence.start_no_later_than(10);
  EXPECT_EQ(sequence.behind(12), 2U);
  EXPECT_EQ(judge(sequence, {12, 11, 12}),
            (Verdict{.missing = 1, .in_order = 1, .late = 1, .duplicates = 1}));
}

TEST(Sequence, the_end_that_did_not_come_is_behind) {
  Sequence sequence = from(0);
  judge(sequence, {0, 1});
  EXPECT_EQ(sequence.behind(5), 3U);
}

}  // namespace
}  // namespace millrace::bench
