// What the kernel keeps for TCP as a whole: its memory, and its memory of connections.
#include <algorithm>
#include <string>

#include "doctor/assumptions.h"
#include "doctor/findings.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

// Larger ones were meant for a few fast connections. The kernel's own: 4,096 at least, and
// 131,072 (to read) or 16,384 (to write) at first.
constexpr uint64_t kBufferLeastMax = 16'384;
constexpr uint64_t kBufferFirstMax = 262'144;

// More than there are in any machine: what somebody writes who wants no limit.
constexpr uint64_t kPagesMax = uint64_t{1} << 40;

// The kernel's own proportions of the three numbers (tcp_init_mem).
constexpr uint64_t low_of(uint64_t pressure) {
  return pressure / 4 * 3;
}
constexpr uint64_t high_of(uint64_t pressure) {
  return pressure / 2 * 3;
}

std::string joined(const Triple& triple) {
  return std::to_string(triple[0]) + " " + std::to_string(triple[1]) + " " +
         std::to_string(triple[2]);
}

bool large(const Triple& buffer) {
  return buffer[0] > kBufferLeastMax || buffer[1] > kBufferFirstMax;
}

// The most is left as it is: it costs nothing until one connection needs it.
void set_buffer(Finding& finding, const char* key, const Triple& now, uint64_t first) {
  if (!large(now)) return;
  set_sysctl(finding, key, joined({4096, first, std::max(now[2], first)}));
}

}  // namespace

Finding judge_tcp_mem(const Case& c) {
  Finding finding{.id = "tcp_mem", .title = "memory of all TCP buffers"};
  if (!c.facts.tcp_mem_pages) return unknown(finding, "/proc/sys/net/ipv4/tcp_mem");
  const uint64_t pressure = std::min((*c.facts.tcp_mem_pages)[1], kPagesMax);
  const bool idle_is_free = c.facts.kernel && *c.facts.kernel >= kIdleSocketsAreFreeFrom;
  const uint64_t per_page = idle_is_free ? kConnectionsPerBufferPage : 1;
  finding.now =
      joined(*c.facts.tcp_mem_pages) + " pages: " + bytes_text(pressure * c.facts.page_bytes);
  finding.explanation =
      "Bytes on their way count, for all connections together. Over the second number (in bytes "
      "above) the kernel shrinks buffers, over the third it drops what arrives (\"TCP: out of "
      "memory\"). ";
  finding.explanation +=
      idle_is_free
          ? "Taken for one page for every " + grouped(kConnectionsPerBufferPage) + " connections."
          : "Taken for one page for each connection: before Linux 6.0 idle ones are charged.";
  set_bound(finding, pressure * per_page);
  if (*finding.connections >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  const uint64_t wanted = rounded_up((c.goal + per_page - 1) / per_page);
  finding.after = wanted * per_page;
  set_sysctl(finding, "net.ipv4.tcp_mem", joined({low_of(wanted), wanted, high_of(wanted)}));
  return finding;
}

Finding judge_tcp_buffers(const Case& c) {
  Finding finding{.id = "tcp_buffers", .title = "buffers of a connection"};
  if (!c.facts.tcp_rmem) return unknown(finding, "/proc/sys/net/ipv4/tcp_rmem");
  if (!c.facts.tcp_wmem) return unknown(finding, "/proc/sys/net/ipv4/tcp_wmem");
  finding.now = "read " + joined(*c.facts.tcp_rmem) + ", write " + joined(*c.facts.tcp_wmem);
  finding.explanation =
      "Bytes: the least, at first, the most. They limit what one connection may use, and are not "
      "set aside. Large first numbers let every slow client hold as much.";
  if (!large(*c.facts.tcp_rmem) && !large(*c.facts.tcp_wmem)) return finding;
  finding.verdict = Verdict::kChange;
  set_buffer(finding, "net.ipv4.tcp_rmem", *c.facts.tcp_rmem, 131'072);
  set_buffer(finding, "net.ipv4.tcp_wmem", *c.facts.tcp_wmem, 16'384);
  return finding;
}

Finding judge_conntrack(const Case& c) {
  Finding finding{.id = "conntrack", .title = "connection tracking"};
  if (!c.facts.conntrack_max) return unknown(finding, "/proc/sys/net/netfilter/nf_conntrack_max");
  finding.explanation =
      "A firewall or NAT that tracks connections drops new ones when its table is full (\"table "
      "full, dropping packet\"). Alternatively, let it not track the server's port. Containers "
      "have a table of their own, and so has their host.";
  if (*c.facts.conntrack_max == kNoLimit) {
    finding.now = "not loaded";
    return finding;
  }
  if (!c.facts.conntrack_count)
    return unknown(finding, "/proc/sys/net/netfilter/nf_conntrack_count");
  const uint64_t count = *c.facts.conntrack_count;
  finding.now = "up to " + grouped(c.facts.conntrack_max) + ", " +
                (count == 0 ? "none" : grouped(count)) + " tracked";
  // Loaded, and no rule that wants it.
  if (count == 0) return finding;
  set_bound(finding, less(*c.facts.conntrack_max, count));
  if (*finding.connections >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  // A quarter more: closed connections stay for a while.
  const uint64_t wanted = rounded_up(count + c.goal + c.goal / 4);
  finding.after = wanted - count;
  set_sysctl(finding, "net.netfilter.nf_conntrack_max", std::to_string(wanted));
  set_sysctl(finding, "net.netfilter.nf_conntrack_buckets", std::to_string(wanted / 4));
  return finding;
}

}  // namespace millrace::doctor
