// Latencies, as HDR histograms keep them: buckets that are linear within a power of two, so that
// every value up to half an hour is kept with an error of less than 1 %, in a fixed 36 KB.
//
// Plain memory: it may lie in a page that processes share. One process writes, others read when it
// has ended.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace::bench {

class Histogram {
 public:
  static constexpr int kSubBits = 7;  // 128 buckets for each power of two
  static constexpr int kValueBits = 41;
  static constexpr size_t kBuckets = size_t{kValueBits - kSubBits + 1} << kSubBits;

  // Nanoseconds; what is below 0 counts as 0, what is over the range as the largest.
  void add(int64_t value) {
    const uint64_t limit = (uint64_t{1} << kValueBits) - 1;
    const uint64_t kept = value < 0 ? 0 : std::min(static_cast<uint64_t>(value), limit);
    ++buckets_[bucket_of(kept)];
    ++count_;
    max_ = std::max(max_, kept);
  }

  void merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  uint64_t count() const { return count_; }
  int64_t max() const { return static_cast<int64_t>(max_); }

  // The smallest kept value that at least `share` (0 to 1) of all are not above; 0 if there are
  // none.
  int64_t quantile(double share) const;

  // Values below 128 have buckets of their own; above, the top eight bits tell the bucket.
  static constexpr size_t bucket_of(uint64_t value) {
    const int width = static_cast<int>(std::bit_width(value));
    const int shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
    return (static_cast<size_t>(shift) << kSubBits) + static_cast<size_t>(value >> shift);
  }
  // The middle of a bucket.
  static constexpr uint64_t value_of(size_t bucket) {
    const size_t shift = bucket < (2UL << kSubBits) ? 0 : (bucket >> kSubBits) - 1;
    const uint64_t low = static_cast<uint64_t>(bucket - (shift << kSubBits)) << shift;
    return low + ((uint64_t{1} << shift) >> 1);
  }

 private:
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  std::array<uint64_t, kBuckets> buckets_{};
};

}  // namespace millrace::bench
