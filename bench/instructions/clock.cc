// Timers and turns of a real loop depend on the time, and with the real one no two runs would be
// the same.
#include "bench/instructions/clock.h"

#include <time.h>

namespace {

// Of any clock, and not 0, which means nothing.
int64_t now_us = 1'000'000'000'000;

}  // namespace

extern "C" int clock_gettime(clockid_t, timespec* time) noexcept {
  time->tv_sec = now_us / 1'000'000;
  time->tv_nsec = now_us % 1'000'000 * 1000;
  return 0;
}

namespace millrace::instructions {

void advance_clock(base::Duration duration) {
  now_us += duration.count();
}

}  // namespace millrace::instructions
