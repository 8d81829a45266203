#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "metrics/metrics.h"

namespace millrace::metrics {
namespace {

// Fields of /proc/self/stat from the third on (proc(5)); the second, the name, may hold spaces and
// is skipped by its bracket.
struct Stat {
  uint64_t start_ticks = 0;     // 22
  uint64_t virtual_bytes = 0;   // 23
  uint64_t resident_pages = 0;  // 24
};

Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const size_t bracket = line.rfind(')');
  Stat stat;
  if (bracket == std::string::npos) return stat;
  std::istringstream fields(line.substr(bracket + 1));
  std::string field;
  for (int number = 3; fields >> field && number <= 24; ++number) {
    const uint64_t value = std::strtoull(field.c_str(), nullptr, 10);
    if (number == 22) stat.start_ticks = value;
    if (number == 23) stat.virtual_bytes = value;
    if (number == 24) stat.resident_pages = value;
  }
  return stat;
}

// Finer than the ticks of /proc/self/stat.
double cpu_seconds() {
  timespec time{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  std::string key;
  while (file >> key) {
    if (key == "btime") {
      double seconds = 0;
      file >> seconds;
      return seconds;
    }
    file.ignore(1 << 20, '\n');
  }
  return 0;
}

// The size of the directory is the count since Linux 6.2; before that it is 0, and the files are
// counted one by one.
uint64_t open_files() {
  struct stat directory{};
  if (::stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
    return static_cast<uint64_t>(directory.st_size);
  }
  uint64_t count = 0;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

ProcessStats read_process_stats() {
  const Stat stat = read_stat();
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessStats result;
  result.cpu_seconds = cpu_seconds();
  result.resident_bytes = stat.resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  result.virtual_bytes = stat.virtual_bytes;
  result.start_time_seconds =
      boot_time_seconds() + static_cast<double>(stat.start_ticks) / ticks_per_second;
  result.open_files = open_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) result.open_files_max = limit.rlim_cur;
  return result;
}

}  // namespace millrace::metrics
