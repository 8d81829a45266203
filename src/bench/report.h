// The end of a run, for people and for programs.
#pragma once

#include <string>

#include "bench/conductor.h"
#include "bench/histogram.h"
#include "bench/options.h"

namespace millrace::bench {

struct Report {
  const Options& options;
  const Measured& measured;
  const Histogram& latency;
  size_t processes = 1;
};

// Nothing was lost, repeated, refused or cut off.
bool is_clean(const Report& report);

std::string table_of(const Report& report);
// One object, on one line (docs/bench.md tells its members).
std::string json_of(const Report& report);

}  // namespace millrace::bench
