#include "bench/probe.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::bench {
namespace {

// A small file of /proc, or "".
std::string read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return "";
  std::array<char, 4096> block{};
  const size_t count = std::fread(block.data(), 1, block.size(), file);
  std::fclose(file);
  return {block.data(), count};
}

}  // namespace

base::Result<Usage> usage_of(std::span<const pid_t> pids) {
  Usage sum;
  for (const pid_t pid : pids) {
    const std::string folder = "/proc/" + std::to_string(pid);
    const std::string stat = read_file(folder + "/stat");
    const std::string statm = read_file(folder + "/statm");
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th behind it.
    const size_t name_end = stat.rfind(')');
    unsigned long user = 0;
    unsigned long system = 0;
    unsigned long pages = 0;
    if (name_end == std::string::npos ||
        std::sscanf(stat.c_str() + name_end + 1,
                    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2 ||
        std::sscanf(statm.c_str(), "%*u %lu", &pages) != 1) {
      return base::fail(base::ErrorCode::kNotFound,
                        "there is no process " + std::to_string(pid) + " to be measured");
    }
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    sum.cpu_seconds += static_cast<double>(user + system) / ticks;
    sum.rss_bytes += static_cast<int64_t>(pages) * ::sysconf(_SC_PAGESIZE);
  }
  return sum;
}

}  // namespace millrace::bench
