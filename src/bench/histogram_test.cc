#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/random.h"

namespace millrace::bench {
namespace {

double error_of(int64_t told, int64_t real) {
  return std::abs(static_cast<double>(told - real)) /
         static_cast<double>(std::max<int64_t>(real, 1));
}

TEST(Histogram, nothing_has_no_quantiles) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->quantile(0.5), 0);
  EXPECT_EQ(histogram->max(), 0);
}

TEST(Histogram, small_values_are_exact) {
  const auto histogram = std::make_unique<Histogram>();
  for (int64_t value = 1; value <= 100; ++value) histogram->add(value);
  EXPECT_EQ(histogram->quantile(0.5), 50);
  EXPECT_EQ(histogram->quantile(0.99), 99);
  EXPECT_EQ(histogram->quantile(1), 100);
  EXPECT_EQ(histogram->quantile(0), 1);
}

TEST(Histogram, every_value_is_kept_within_one_percent) {
  for (uint64_t value = 1; value < (uint64_t{1} << Histogram::kValueBits);
       value += value / 50 + 1) {
    const size_t bucket = Histogram::bucket_of(value);
    ASSERT_LT(bucket, Histogram::kBuckets);
    ASSERT_LT(
        error_of(static_cast<int64_t>(Histogram::value_of(bucket)), static_cast<int64_t>(value)),
        0.01)
        << value;
  }
}

TEST(Histogram, buckets_follow_each_other_without_a_gap) {
  for (uint64_t value = 0; value < 1'000'000; ++value) {
    const size_t step = Histogram::bucket_of(value + 1) - Histogram::bucket_of(value);
    ASSERT_LE(step, 1U) << value;
  }
}

TEST(Histogram, quantiles_are_those_of_the_sorted_values) {
  const auto histogram = std::make_unique<Histogram>();
  base::Prng random(7);
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<int64_t>(random.below(uint64_t{1} << (10 + random.below(25))));
    values.push_back(value);
    histogram->add(value);
  }
  std::ranges::sort(values);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<size_t>(std::ceil(share * 20'000)) - 1;
    EXPECT_LT(error_of(histogram->quantile(share), values[rank]), 0.01) << share;
  }
  EXPECT_EQ(histogram->max(), values.back());
}

TEST(Histogram, merged_ones_are_as_one_that_got_all) {
  const auto all = std::make_unique<Histogram>();
  const auto first = std::make_unique<Histogram>();
  const auto second = std::make_unique<Histogram>();
  for (int64_t value = 0; value < 10'000; ++value) {
    all->add(value * value);
    (value % 3 == 0 ? first : second)->add(value * value);
  }
  first->merge(*second);
  EXPECT_EQ(first->count(), all->count());
  EXPECT_EQ(first->max(), all->max());
  for (const double share : {0.01, 0.5, 0.99})
    EXPECT_EQ(first->quantile(share), all->quantile(share));
}

TEST(Histogram, what_is_out_of_range_counts_at_its_ends) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->add(-5);
  histogram->add(INT64_MAX);
  EXPECT_EQ(histogram->count(), 2U);
  EXPECT_EQ(histogram->quantile(0.5), 0);
  EXPECT_EQ(histogram->max(), (int64_t{1} << Histogram::kValueBits) - 1);
}

}  // namespace
}  // namespace millrace::bench
