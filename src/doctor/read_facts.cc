// Where each fact stands below the root.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "doctor/doctor.h"
#include "doctor/parse.h"

namespace millrace::doctor {
namespace {

constexpr size_t kFileBytesMax = 256UL * 1024;

enum class NoText : uint8_t { kMissing, kUnreadable };

class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) {
    while (root_.ends_with('/')) root_.pop_back();
  }

  std::expected<std::string, NoText> read(std::string_view path) const {
    errno = 0;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        std::fopen((root_ + std::string(path)).c_str(), "re"), std::fclose);
    if (!file) return std::unexpected(errno == ENOENT ? NoText::kMissing : NoText::kUnreadable);
    std::string text;
    std::array<char, 4096> block{};
    while (const size_t count = std::fread(block.data(), 1, block.size(), file.get())) {
      text.append(block.data(), count);
      if (text.size() >= kFileBytesMax) break;
    }
    if (std::ferror(file.get()) != 0) return std::unexpected(NoText::kUnreadable);
    return text;
  }

  // An empty text where there is none: every grammar refuses it.
  std::string text(std::string_view path) const { return read(path).value_or(""); }
  Number number(std::string_view path) const { return parse_number(text(path)); }
  bool has(std::string_view path) const {
    return ::access((root_ + std::string(path)).c_str(), F_OK) == 0;
  }

 private:
  std::string root_;
};

void read_files(const Tree& tree, Facts& facts) {
  if (const auto files = parse_open_files(tree.text("/proc/self/limits"))) {
    facts.open_files_soft = files->soft;
    facts.open_files_hard = files->hard;
  }
  facts.nr_open = tree.number("/proc/sys/fs/nr_open");
  facts.file_max = tree.number("/proc/sys/fs/file-max");
  if (const auto counts = parse_triple(tree.text("/proc/sys/fs/file-nr")))
    facts.files_allocated = (*counts)[0];
}

void read_network(const Tree& tree, Facts& facts) {
  const std::string ipv4 = "/proc/sys/net/ipv4/";
  facts.local_ports = parse_port_range(tree.text(ipv4 + "ip_local_port_range"));
  facts.tw_reuse = tree.number(ipv4 + "tcp_tw_reuse");
  facts.somaxconn = tree.number("/proc/sys/net/core/somaxconn");
  facts.syn_backlog = tree.number(ipv4 + "tcp_max_syn_backlog");
  facts.syncookies = tree.number(ipv4 + "tcp_syncookies");
  facts.tcp_mem_pages = parse_triple(tree.text(ipv4 + "tcp_mem"));
  facts.tcp_rmem = parse_triple(tree.text(ipv4 + "tcp_rmem"));
  facts.tcp_wmem = parse_triple(tree.text(ipv4 + "tcp_wmem"));
  const auto tracked = tree.read("/proc/sys/net/netfilter/nf_conntrack_max");
  if (tracked) {
    facts.conntrack_max = parse_number(*tracked);
    facts.conntrack_count = tree.number("/proc/sys/net/netfilter/nf_conntrack_count");
  } else if (tracked.error() == NoText::kMissing && tree.has("/proc/sys/net")) {
    facts.conntrack_max = kNoLimit;
  }
}

void read_memory(const Tree& tree, Facts& facts) {
  const std::string meminfo = tree.text("/proc/meminfo");
  facts.memory_total = parse_meminfo(meminfo, "MemTotal");
  facts.memory_available = parse_meminfo(meminfo, "MemAvailable");
  facts.commit_limit = parse_meminfo(meminfo, "CommitLimit");
  facts.committed = parse_meminfo(meminfo, "Committed_AS");
  facts.overcommit_mode = tree.number("/proc/sys/vm/overcommit_memory");
  facts.huge_pages = parse_chosen(tree.text("/sys/kernel/mm/transparent_hugepage/enabled"));
}

// ---- Control groups ----

// The names of one version's files.
struct MemoryFiles {
  std::string_view limit;
  std::string_view used;
  std::string_view reclaimable;  // in memory.stat
};
constexpr MemoryFiles kMemoryFiles1 = {"/memory.limit_in_bytes", "/memory.usage_in_bytes",
                                       "total_inactive_file"};
constexpr MemoryFiles kMemoryFiles2 = {"/memory.max", "/memory.current", "inactive_file"};

// A group and those above it, the innermost first. A container may see its own as the root while
// its path is the host's: then only the root is there. A path that leads out of the root is not
// followed.
std::vector<std::string> groups_of(const std::string& base, std::string path) {
  std::vector<std::string> groups;
  if (path.find("..") != path.npos) path.clear();
  while (path.ends_with('/')) path.pop_back();
  while (!path.empty()) {
    groups.push_back(base + path);
    path.erase(std::min(path.rfind('/'), path.size()));
  }
  groups.push_back(base);
  return groups;
}

struct MemoryRoom {
  Number limit = kNoLimit;
  Number room = kNoLimit;
};

MemoryRoom room_of(const Tree& tree, const std::string& group, const MemoryFiles& files) {
  const auto text = tree.read(group + std::string(files.limit));
  if (!text && text.error() == NoText::kMissing) return {};
  const Number limit = parse_cgroup_limit(text.value_or(""));
  if (limit == kNoLimit) return {};
  const Number used = tree.number(group + std::string(files.used));
  if (!limit || !used) return {.limit = limit, .room = std::nullopt};
  // The page cache counts as used, and makes room when it is needed.
  const uint64_t reclaimable =
      parse_stat(tree.text(group + "/memory.stat"), files.reclaimable).value_or(0);
  const uint64_t held = *used - std::min(reclaimable, *used);
  return {.limit = limit, .room = *limit - std::min(held, *limit)};
}

// Unknown if either is.
Number tighter(Number one, Number other) {
  return one && other ? Number(std::min(*one, *other)) : std::nullopt;
}

void read_memory_groups(const Tree& tree, const std::string& cgroup, Facts& facts) {
  const auto path1 = parse_cgroup_path(cgroup, "memory");
  const auto path2 = parse_cgroup_path(cgroup, "");
  if (!path1 && !path2) return;
  const MemoryFiles& files = path1 ? kMemoryFiles1 : kMemoryFiles2;
  facts.memory_limit = kNoLimit;
  facts.memory_limit_room = kNoLimit;
  const std::string base = path1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  for (const std::string& group : groups_of(base, path1 ? *path1 : *path2)) {
    const MemoryRoom room = room_of(tree, group, files);
    facts.memory_limit = tighter(facts.memory_limit, room.limit);
    facts.memory_limit_room = tighter(facts.memory_limit_room, room.room);
  }
}

void read_cpu_groups(const Tree& tree, const std::string& cgroup, Facts& facts) {
  const auto path1 = parse_cgroup_path(cgroup, "cpu");
  const auto path2 = parse_cgroup_path(cgroup, "");
  if (!path1 && !path2) return;
  facts.cpu_quota_millis = kNoLimit;
  const std::string base = path1 ? "/sys/fs/cgroup/cpu" : "/sys/fs/cgroup";
  for (const std::string& group : groups_of(base, path1 ? *path1 : *path2)) {
    const auto text = tree.read(group + (path1 ? "/cpu.cfs_quota_us" : "/cpu.max"));
    if (!text && text.error() == NoText::kMissing) continue;
    const Number quota =
        path1 ? parse_cpu_quota(text.value_or(""), tree.text(group + "/cpu.cfs_period_us"))
              : parse_cpu_max(text.value_or(""));
    facts.cpu_quota_millis = tighter(facts.cpu_quota_millis, quota);
  }
}

void read_cpu(const Tree& tree, Facts& facts) {
  const std::string status = tree.text("/proc/self/status");
  constexpr std::string_view kName = "Cpus_allowed_list:";
  const size_t start = status.find(kName);
  if (start != status.npos) {
    const std::string_view rest = std::string_view(status).substr(start + kName.size());
    facts.cpus = parse_cpu_list(rest.substr(0, rest.find('\n')));
  }
  const std::string clocks = "/sys/devices/system/clocksource/clocksource0/";
  const std::string current = tree.text(clocks + "current_clocksource");
  if (const auto words = words_of(current); words.size() == 1) facts.clock_source = words[0];
  for (const std::string& text = tree.text(clocks + "available_clocksource");
       const std::string_view word : words_of(text)) {
    facts.clock_sources.emplace_back(word);
  }
}

}  // namespace

Facts read_facts(const std::string& root) {
  const Tree tree(root);
  Facts facts;
  facts.page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.kernel = parse_kernel_version(tree.text("/proc/sys/kernel/osrelease"));
  facts.container = tree.has("/.dockerenv") || tree.has("/run/.containerenv");
  read_files(tree, facts);
  read_network(tree, facts);
  read_memory(tree, facts);
  const std::string cgroup = tree.text("/proc/self/cgroup");
  read_memory_groups(tree, cgroup, facts);
  read_cpu_groups(tree, cgroup, facts);
  read_cpu(tree, facts);
  return facts;
}

}  // namespace millrace::doctor
