// Whether one subscriber got each message of one stream once, and in order: the next number that it
// expects, and which of the 64 before it have come.
#pragma once

#include <cstdint>

namespace millrace::bench {

enum class Arrival : uint8_t { kInOrder, kLate, kDuplicate };

class Sequence {
 public:
  // All numbers from this one on are to come, and none before it.
  void start_at(uint64_t number) {
    expected_ = number;
    seen_ = ~uint64_t{0};
  }

  // All from this one on are to come; the first that does may be one before it.
  void start_no_later_than(uint64_t number) {
    expected_ = number;
    seen_ = 0;
  }

  // `missing` is what seems lost so far: it grows with a gap, and shrinks when something comes
  // late. What comes more than 64 late is taken for a duplicate.
  Arrival take(uint64_t number, int64_t& missing) {
    if (number == expected_) [[likely]] {
      ++expected_;
      seen_ = (seen_ << 1) | 1;
      return Arrival::kInOrder;
    }
    return take_other(number, missing);
  }

  // How many of the stream's messages, `published` of them in all, have not come behind the last
  // that did.
  uint64_t behind(uint64_t published) const {
    return published > expected_ ? published - expected_ : 0;
  }

 private:
  Arrival take_other(uint64_t number, int64_t& missing) {
    if (number > expected_) {
      const uint64_t gap = number - expected_;
      missing += static_cast<int64_t>(gap);
      seen_ = gap < 63 ? (seen_ << (gap + 1)) | 1 : 1;
      expected_ = number + 1;
      return Arrival::kInOrder;
    }
    if (seen_ == 0) {  // the first of all
      start_at(number + 1);
      return Arrival::kInOrder;
    }
    const uint64_t back = expected_ - number - 1;
    if (back >= 64 || ((seen_ >> back) & 1) != 0) return Arrival::kDuplicate;
    seen_ |= uint64_t{1} << back;
    --missing;
    return Arrival::kLate;
  }

  uint64_t expected_ = 0;
  uint64_t seen_ = ~uint64_t{0};
};
static_assert(sizeof(Sequence) == 16);

}  // namespace millrace::bench
