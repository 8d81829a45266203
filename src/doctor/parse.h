// The small grammars of /proc and /sys. Each answers with nothing for a text that is not exactly
// what it expects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/doctor.h"

namespace millrace::doctor {

// The words of a text, by blanks, tabs and line ends.
std::vector<std::string_view> words_of(std::string_view text);

// "4096\n"
Number parse_number(std::string_view text);
// "32768\t60999\n"
std::optional<PortRange> parse_port_range(std::string_view text);
// "4096 131072 33554432\n"
std::optional<Triple> parse_triple(std::string_view text);
// "6.1.0-18-amd64\n"
std::optional<KernelVersion> parse_kernel_version(std::string_view text);
// "0-3,8\n": how many CPUs these are.
Number parse_cpu_list(std::string_view text);
// "always [madvise] never\n": the one that is chosen.
std::optional<std::string> parse_chosen(std::string_view text);

// The line of /proc/meminfo that begins with `name` and a colon, in bytes.
Number parse_meminfo(std::string_view text, std::string_view name);
// The line "name number" of a cgroup's memory.stat.
Number parse_stat(std::string_view text, std::string_view name);

struct OpenFiles {
  uint64_t soft = 0;
  uint64_t hard = 0;
};
// /proc/PID/limits; "unlimited" is kNoLimit.
std::optional<OpenFiles> parse_open_files(std::string_view text);

// A limit of a cgroup: a number, or "max". What version 1 says for "none" is kNoLimit, too.
Number parse_cgroup_limit(std::string_view text);
// cpu.max of version 2: "max 100000", or "150000 100000"; in thousandths of a CPU.
Number parse_cpu_max(std::string_view text);
// cpu.cfs_quota_us and cpu.cfs_period_us of version 1; "-1" is no quota.
Number parse_cpu_quota(std::string_view quota, std::string_view period);

// /proc/PID/cgroup: the path in the hierarchy that has `controller` ("": version 2).
std::optional<std::string> parse_cgroup_path(std::string_view text, std::string_view controller);

}  // namespace millrace::doctor
