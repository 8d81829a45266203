// The doctor looks at a machine and says how many connections it can hold, what holds it back, and
// what to change, in commands that can be pasted.
//
// Three steps: read_facts() reads, judge() decides, to_text() and to_json() print. `millrace
// doctor` calls them once, on its only thread.
//
// Facts      are read from files below a root directory ("/"; tests give one that they made). What
//            can't be read, or reads like nothing we know, is unknown: it is said, and never
//            guessed.
// Judging    is pure. What a connection costs is assumed in assumptions.h, and nowhere else.
// Limits     A file's first 256 KiB.
// Failure    None: whatever the machine is like, there is a report.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::doctor {

// ---- Facts ----

// Without a value: unknown.
using Number = std::optional<uint64_t>;
// A number that stands for "unlimited", "max", or a limiter that is not there.
inline constexpr uint64_t kNoLimit = UINT64_MAX;
using Triple = std::array<uint64_t, 3>;

struct PortRange {
  uint64_t low = 0;
  uint64_t high = 0;  // the last one
};

struct KernelVersion {
  uint64_t major = 0;
  uint64_t minor = 0;
  friend constexpr auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

// Bytes unless the name says otherwise. Limits of the process are those of the one that asks.
struct Facts {
  std::optional<KernelVersion> kernel{};
  uint64_t page_bytes = 4096;
  bool container = false;  // Docker's or Podman's mark was found

  Number open_files_soft{};
  Number open_files_hard{};
  Number nr_open{};          // what a process's limit can be raised to
  Number file_max{};         // of the whole machine
  Number files_allocated{};  // of those

  std::optional<PortRange> local_ports{};
  Number tw_reuse{};
  Number somaxconn{};
  Number syn_backlog{};
  Number syncookies{};
  std::optional<Triple> tcp_mem_pages{};  // low, pressure, high
  std::optional<Triple> tcp_rmem{};       // least, at first, most
  std::optional<Triple> tcp_wmem{};
  Number conntrack_max{};  // kNoLimit: connection tracking is not loaded
  Number conntrack_count{};

  Number memory_total{};
  Number memory_available{};
  Number memory_limit{};       // the tightest of the cgroups that we are in
  Number memory_limit_room{};  // what is left below the tightest
  Number commit_limit{};
  Number committed{};
  Number overcommit_mode{};
  std::optional<std::string> huge_pages{};  // "always", "madvise", "never"

  Number cpus{};              // that this process may run on
  Number cpu_quota_millis{};  // thousandths of a CPU, by cgroups
  std::optional<std::string> clock_source{};
  std::vector<std::string> clock_sources{};  // that could be chosen
};

Facts read_facts(const std::string& root = "/");

// ---- Judging ----

// The server as it is configured, and what is wanted of it.
struct Plan {
  Number target{};                    // --connections
  uint64_t connection_limit = 0;      // client.connection_limit; 0: none
  uint64_t open_files_reserve = 256;  // open_files_reserve
  uint64_t workers = 0;               // 0: one for each CPU
  uint64_t listen_backlog = 4096;
  std::chrono::milliseconds ping_interval{25'000};  // 0: no pings
  bool tls = false;                                 // http_server.tls.enabled
};

enum class Verdict : uint8_t {
  kOk,
  kChange,   // worth a change, which the finding names
  kLimit,    // holds back, and no command can help: it takes another machine
  kUnknown,  // a fact is missing
};

struct Sysctl {
  std::string key;
  std::string value;
};

// A command or a few lines of a file, and where they belong.
struct Remedy {
  std::string where;
  std::string text;
};

struct Finding {
  std::string_view id;     // "open_files"
  std::string_view title;  // "open files"
  Verdict verdict = Verdict::kOk;
  std::string now{};          // in a few words
  std::string explanation{};  // full sentences
  Number connections{};       // that it allows now; none: it does not limit them
  Number after{};             // once it is changed as it says
  std::vector<Sysctl> sysctls{};
  std::vector<Remedy> remedies{};
};

struct Bound {
  uint64_t connections = 0;
  std::string_view id;  // of the finding that has it
  std::string_view title;
};

struct Report {
  std::vector<Finding> findings{};
  // The tightest of what the findings allow. None: nothing is known.
  std::optional<Bound> now{};
  std::optional<Bound> after{};
  Number target{};  // asked for
  bool container = false;
  bool tls = false;  // in process, so that its memory counts

  // Nothing was asked for, or the machine holds it as it is.
  bool target_met() const { return !target || (now && now->connections >= *target); }
};

// The findings come in a fixed order, each one every time.
Report judge(const Facts& facts, const Plan& plan);

// ---- Printing ----

// For a terminal, in 80 columns (commands may be longer).
std::string to_text(const Report& report);
// One object, on one line.
std::string to_json(const Report& report);

}  // namespace millrace::doctor
