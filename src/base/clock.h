// Time as the rest of the code sees it: monotonic for intervals and time-outs, wall clock only for
// what people read.
//
// Code below app/ asks its Executor for the time, so that a simulation can pass in its own.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::base {

using Duration = std::chrono::microseconds;

// Microseconds on a clock that never goes back; its zero means nothing.
struct MonotonicTime {
  int64_t microseconds = 0;
  friend constexpr auto operator<=>(const MonotonicTime&, const MonotonicTime&) = default;
};

constexpr MonotonicTime operator+(MonotonicTime time, Duration duration) {
  return MonotonicTime{time.microseconds + duration.count()};
}
constexpr Duration operator-(MonotonicTime later, MonotonicTime earlier) {
  return Duration{later.microseconds - earlier.microseconds};
}

// Reads the machine's clock (one vDSO call).
inline MonotonicTime monotonic_now() {
  return MonotonicTime{
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())
          .count()};
}

// Milliseconds since 1970, UTC.
inline int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace millrace::base
