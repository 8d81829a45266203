// What processes cost, as /proc tells: processor time and memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "base/result.h"

namespace millrace::bench {

struct Usage {
  double cpu_seconds = 0;  // user and system, all threads; the kernel counts in hundredths
  int64_t rss_bytes = 0;
};

// The sum over `pids`, without their children. Fails with a process that is not there.
base::Result<Usage> usage_of(std::span<const pid_t> pids);

}  // namespace millrace::bench
