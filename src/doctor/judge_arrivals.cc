// How connections arrive, and how they are told apart.
#include <string>

#include "doctor/findings.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

// What Linux has by default, 32768 to 60999, is no reason to change anything for a server.
constexpr uint64_t kPortsMin = 28'000;
// Above the ports that servers like to listen on.
constexpr const char* kWidePorts = "10240 65535";
constexpr uint64_t kWidePortsCount = 65'535 - 10'240 + 1;

constexpr const char* kPortsKey = "net.ipv4.ip_local_port_range";

std::string ports_text(uint64_t ports, uint64_t goal) {
  std::string text =
      "65,535 is not a limit of a server: it limits one client address. A connection is known by "
      "client address, client port, server address and server port, and all clients share the "
      "server's one port. Ports run out only from one client address to one server address and "
      "port, after " +
      grouped(ports) +
      " by the range above. So it matters where this machine is the client: a proxy in front, or a "
      "load generator.";
  const uint64_t addresses = (goal + ports - 1) / ports;
  if (addresses > 1) {
    text += " One proxy that passes on " + grouped(goal) + " connections needs " +
            grouped(addresses) + " addresses of its own, or as many of the server.";
  }
  return text;
}

}  // namespace

Finding judge_somaxconn(const Case& c) {
  Finding finding{.id = "somaxconn", .title = "waiting to be accepted"};
  if (!c.facts.somaxconn) return unknown(finding, "/proc/sys/net/core/somaxconn");
  finding.now =
      grouped(c.facts.somaxconn) + " (the server asks for " + grouped(c.plan.listen_backlog) + ")";
  finding.explanation =
      "So many connections may wait on each of the server's loops. When all clients come back at "
      "once and it is full, they are made to try again a second later.";
  if (*c.facts.somaxconn >= c.plan.listen_backlog) return finding;
  finding.verdict = Verdict::kChange;
  set_sysctl(finding, "net.core.somaxconn", std::to_string(c.plan.listen_backlog));
  return finding;
}

Finding judge_syn_backlog(const Case& c) {
  Finding finding{.id = "syn_backlog", .title = "waiting for the TCP handshake"};
  if (!c.facts.syn_backlog) return unknown(finding, "/proc/sys/net/ipv4/tcp_max_syn_backlog");
  if (!c.facts.syncookies) return unknown(finding, "/proc/sys/net/ipv4/tcp_syncookies");
  const bool cookies = *c.facts.syncookies != 0;
  finding.now = grouped(c.facts.syn_backlog) + ", SYN cookies " + (cookies ? "on" : "off");
  finding.explanation =
      "With SYN cookies nobody is refused when the queue is full; without them, handshakes are "
      "dropped.";
  if (cookies || *c.facts.syn_backlog >= c.plan.listen_backlog) return finding;
  finding.verdict = Verdict::kChange;
  set_sysctl(finding, "net.ipv4.tcp_max_syn_backlog", std::to_string(c.plan.listen_backlog));
  set_sysctl(finding, "net.ipv4.tcp_syncookies", "1");
  return finding;
}

Finding judge_local_ports(const Case& c) {
  Finding finding{.id = "local_ports", .title = "ports for outgoing connections"};
  if (!c.facts.local_ports) return unknown(finding, "/proc/sys/net/ipv4/ip_local_port_range");
  const uint64_t ports = c.facts.local_ports->high - c.facts.local_ports->low + 1;
  finding.now = std::to_string(c.facts.local_ports->low) + " to " +
                std::to_string(c.facts.local_ports->high) + ", tcp_tw_reuse " +
                grouped(c.facts.tw_reuse);
  finding.explanation = ports_text(ports, c.goal);
  if (ports < kPortsMin) {
    finding.verdict = Verdict::kChange;
    set_sysctl(finding, kPortsKey, kWidePorts);
    return finding;
  }
  if (ports >= kWidePortsCount) return finding;
  finding.remedies = {{.where = "only where a proxy or a load generator runs on this machine",
                       .text = std::string("sysctl -w ") + kPortsKey + "='" + kWidePorts +
                               "' net.ipv4.tcp_tw_reuse=1"}};
  return finding;
}

}  // namespace millrace::doctor
