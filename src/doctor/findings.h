// One function for each finding. judge() calls them all.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "doctor/doctor.h"

namespace millrace::doctor {

// What is judged, and the number of connections that it is held against.
struct Case {
  const Facts& facts;
  const Plan& plan;
  uint64_t goal = 0;
};

Finding judge_open_files(const Case& c);
Finding judge_nr_open(const Case& c);
Finding judge_file_max(const Case& c);
Finding judge_connection_limit(const Case& c);

Finding judge_memory(const Case& c);
Finding judge_memory_limit(const Case& c);
Finding judge_overcommit(const Case& c);
Finding judge_huge_pages(const Case& c);

Finding judge_tcp_mem(const Case& c);
Finding judge_tcp_buffers(const Case& c);
Finding judge_conntrack(const Case& c);

Finding judge_somaxconn(const Case& c);
Finding judge_syn_backlog(const Case& c);
Finding judge_local_ports(const Case& c);

Finding judge_cpu(const Case& c);
Finding judge_clock_source(const Case& c);

// How many connections there are memory and CPU time for; none: unknown, or no limit.
Number connections_by_memory(const Facts& facts, const Plan& plan);
Number connections_by_memory_limit(const Facts& facts, const Plan& plan);
Number connections_by_cpu(const Facts& facts, const Plan& plan);

// ---- For the functions above ----

// A fact is missing: `path` is where it should be.
inline Finding& unknown(Finding& finding, std::string_view path) {
  finding.verdict = Verdict::kUnknown;
  finding.now = "cannot be read from " + std::string(path);
  return finding;
}

inline void set_bound(Finding& finding, Number connections) {
  finding.connections = connections;
  finding.after = connections;
}

// One setting of the kernel.
inline void set_sysctl(Finding& finding, std::string key, std::string value) {
  finding.sysctls.push_back({.key = std::move(key), .value = std::move(value)});
}

inline uint64_t less(uint64_t from, uint64_t what) {
  return from - std::min(from, what);
}

}  // namespace millrace::doctor
