// Memory: the machine's, the cgroup's, and how the kernel hands it out.
#include <string>

#include "doctor/assumptions.h"
#include "doctor/findings.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

std::string cost_text(const Case& c) {
  return "A connection is taken for " + grouped(process_bytes(c.plan.tls)) +
         " bytes in the server" +
         (c.plan.tls ? " (" + grouped(kTlsBytes) + " of them for TLS), " : ", ") +
         grouped(kKernelBytes) + " in the kernel, and " +
         grouped(c.facts.page_bytes / kConnectionsPerBufferPage) +
         " on their way; histories and presence come on top. A tenth of the memory is kept for "
         "everything else.";
}

uint64_t connections_in(uint64_t room, uint64_t whole, const Facts& facts, const Plan& plan) {
  return less(room, whole / kMemoryKeptPart) / connection_bytes(facts.page_bytes, plan.tls);
}

}  // namespace

Number connections_by_memory(const Facts& facts, const Plan& plan) {
  if (!facts.memory_total || !facts.memory_available) return std::nullopt;
  return connections_in(*facts.memory_available, *facts.memory_total, facts, plan);
}

Number connections_by_memory_limit(const Facts& facts, const Plan& plan) {
  if (!facts.memory_limit || !facts.memory_limit_room) return std::nullopt;
  if (*facts.memory_limit_room == kNoLimit) return std::nullopt;
  return connections_in(*facts.memory_limit_room, *facts.memory_limit, facts, plan);
}

Finding judge_memory(const Case& c) {
  Finding finding{.id = "memory", .title = "memory of the machine"};
  const Number connections = connections_by_memory(c.facts, c.plan);
  if (!connections) return unknown(finding, "/proc/meminfo");
  finding.now =
      bytes_text(*c.facts.memory_available) + " available of " + bytes_text(*c.facts.memory_total);
  finding.explanation = cost_text(c);
  set_bound(finding, connections);
  if (*connections < c.goal) finding.verdict = Verdict::kLimit;
  return finding;
}

Finding judge_memory_limit(const Case& c) {
  Finding finding{.id = "memory_limit", .title = "memory limit of the cgroup"};
  if (!c.facts.memory_limit || !c.facts.memory_limit_room)
    return unknown(finding, "/sys/fs/cgroup");
  finding.explanation =
      "What the kernel keeps for sockets counts, too: at the limit the server is killed.";
  const Number connections = connections_by_memory_limit(c.facts, c.plan);
  if (!connections) {
    finding.now = "none";
    return finding;
  }
  const uint64_t held = less(*c.facts.memory_limit, *c.facts.memory_limit_room);
  finding.now = bytes_text(*c.facts.memory_limit) + ", " + bytes_text(held) + " in use";
  set_bound(finding, connections);
  if (*connections >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  finding.after = c.goal;
  const uint64_t needed = held + c.goal * connection_bytes(c.facts.page_bytes, c.plan.tls);
  constexpr uint64_t kMebi = 1024UL * 1024;
  const uint64_t whole = needed / (kMemoryKeptPart - 1) * kMemoryKeptPart;
  const std::string number = std::to_string(rounded_up(whole / kMebi + 1));
  finding.remedies = {
      {.where = "systemd, in /etc/systemd/system/millrace.service.d/limits.conf; then systemctl "
                "daemon-reload",
       .text = "[Service]\nMemoryMax=" + number + "M"},
      {.where = "a container", .text = "docker run --memory " + number + "m"},
      {.where = "Kubernetes, in the container's resources",
       .text = "limits: { memory: " + number + "Mi }"}};
  return finding;
}

Finding judge_overcommit(const Case& c) {
  Finding finding{.id = "overcommit", .title = "promises of memory"};
  const Number mode = c.facts.overcommit_mode;
  if (!mode) return unknown(finding, "/proc/sys/vm/overcommit_memory");
  finding.now = "vm.overcommit_memory " + grouped(mode);
  finding.explanation =
      "With vm.overcommit_memory = 2 the kernel refuses memory beyond CommitLimit, also where it "
      "is free.";
  if (*mode != 2) return finding;
  if (!c.facts.commit_limit || !c.facts.committed) return unknown(finding, "/proc/meminfo");
  set_bound(finding, less(*c.facts.commit_limit, *c.facts.committed) / process_bytes(c.plan.tls));
  finding.now +=
      ", " + bytes_text(*c.facts.committed) + " promised of " + bytes_text(*c.facts.commit_limit);
  if (*finding.connections >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  finding.after = std::nullopt;
  set_sysctl(finding, "vm.overcommit_memory", "0");
  return finding;
}

Finding judge_huge_pages(const Case& c) {
  Finding finding{.id = "huge_pages", .title = "transparent huge pages"};
  constexpr std::string_view kPath = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!c.facts.huge_pages) return unknown(finding, kPath);
  finding.now = *c.facts.huge_pages;
  finding.explanation =
      "With \"always\" a piece of memory that is used in part is held as 2 MiB: the process looks "
      "larger, and is.";
  if (*c.facts.huge_pages != "always") return finding;
  finding.verdict = Verdict::kChange;
  finding.remedies = {{.where = "a shell of root", .text = "echo madvise > " + std::string(kPath)},
                      {.where = "for good, in /etc/tmpfiles.d/90-millrace.conf",
                       .text = "w " + std::string(kPath) + " - - - - madvise"}};
  return finding;
}

}  // namespace millrace::doctor
