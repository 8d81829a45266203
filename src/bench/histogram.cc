#include "bench/histogram.h"

#include <cmath>

namespace millrace::bench {

static_assert(Histogram::bucket_of((uint64_t{1} << Histogram::kValueBits) - 1) <
              Histogram::kBuckets);
static_assert(Histogram::bucket_of(255) == 255 && Histogram::bucket_of(256) == 256);

int64_t Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= std::max<uint64_t>(wanted, 1))
      return static_cast<int64_t>(std::min(value_of(i), max_));
  }
  return max();
}

}  // namespace millrace::bench
