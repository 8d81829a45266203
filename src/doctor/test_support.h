// For tests: a machine that is good for about a million connections, and findings by their names.
#pragma once

#include <string_view>

#include "doctor/doctor.h"

namespace millrace::doctor {

// Nothing on it wants a change where a million connections are wanted.
inline Facts good_machine() {
  constexpr uint64_t kGibi = 1024UL * 1024 * 1024;
  Facts facts;
  facts.kernel = KernelVersion{.major = 6, .minor = 1};
  facts.open_files_soft = 1024;
  facts.open_files_hard = 1'048'576;
  facts.nr_open = 1'048'576;
  facts.file_max = uint64_t{INT64_MAX};
  facts.files_allocated = 1'000;
  facts.local_ports = PortRange{.low = 32'768, .high = 60'999};
  facts.tw_reuse = 2;
  facts.somaxconn = 4'096;
  facts.syn_backlog = 2'048;
  facts.syncookies = 1;
  facts.tcp_mem_pages = Triple{200'000, 300'000, 400'000};
  facts.tcp_rmem = Triple{4'096, 131'072, 6'291'456};
  facts.tcp_wmem = Triple{4'096, 16'384, 4'194'304};
  facts.conntrack_max = kNoLimit;
  facts.memory_total = 16 * kGibi;
  facts.memory_available = 15 * kGibi;
  facts.memory_limit = kNoLimit;
  facts.memory_limit_room = kNoLimit;
  facts.commit_limit = 8 * kGibi;
  facts.committed = 1 * kGibi;
  facts.overcommit_mode = 0;
  facts.huge_pages = "madvise";
  facts.cpus = 4;
  facts.cpu_quota_millis = kNoLimit;
  facts.clock_source = "tsc";
  facts.clock_sources = {"tsc", "hpet", "acpi_pm"};
  return facts;
}

inline Finding find(const Report& report, std::string_view id) {
  for (const Finding& finding : report.findings)
    if (finding.id == id) return finding;
  return {.id = "", .title = "no such finding"};
}

// What is found where `target` connections are wanted.
inline Finding finding_of(std::string_view id, const Facts& facts, uint64_t target = 1'000'000) {
  return find(judge(facts, {.target = target}), id);
}

}  // namespace millrace::doctor
