// Open files: of the process, of the machine; and what the configuration allows.
#include <string>

#include "doctor/findings.h"
#include "doctor/words.h"
#include "net/net.h"

namespace millrace::doctor {
namespace {

// Some systems have no limit, and say so with the largest number there is.
constexpr uint64_t kFileMaxNoLimit = uint64_t{1} << 62;

uint64_t files_wanted(const Case& c) {
  return rounded_up(c.goal + c.plan.open_files_reserve);
}

bool enough_files(const Case& c) {
  return net::FileBudget::connections_of(*c.facts.open_files_hard, c.plan.open_files_reserve) >=
         c.goal;
}

}  // namespace

Finding judge_open_files(const Case& c) {
  Finding finding{.id = "open_files", .title = "open files of a process"};
  const Number hard = c.facts.open_files_hard;
  if (!hard) return unknown(finding, "/proc/self/limits");
  finding.now = grouped(hard) + " (soft limit " + grouped(c.facts.open_files_soft) + ")";
  const uint64_t reserve = c.plan.open_files_reserve;
  if (*hard != kNoLimit) set_bound(finding, net::FileBudget::connections_of(*hard, reserve));
  finding.explanation =
      "Every connection is an open file. The server raises the soft limit to the hard one itself, "
      "and keeps " +
      grouped(reserve) +
      " files for health checks, metrics and the API. The limit shown is that of this shell: a "
      "service has its own (systemctl show millrace -p LimitNOFILE).";
  if (enough_files(c)) return finding;
  finding.verdict = Verdict::kChange;
  const uint64_t wanted = files_wanted(c);
  const std::string number = std::to_string(wanted);
  finding.after = net::FileBudget::connections_of(wanted, reserve);
  finding.remedies = {
      {.where = "systemd, in /etc/systemd/system/millrace.service.d/limits.conf; then systemctl "
                "daemon-reload",
       .text = "[Service]\nLimitNOFILE=" + number},
      {.where = "a shell of root", .text = "ulimit -n " + number},
      {.where = "a container", .text = "docker run --ulimit nofile=" + number + ":" + number},
      {.where = "users who log in, in /etc/security/limits.d/90-millrace.conf",
       .text = "* hard nofile " + number}};
  return finding;
}

Finding judge_nr_open(const Case& c) {
  Finding finding{.id = "nr_open", .title = "ceiling for open files"};
  if (!c.facts.nr_open) return unknown(finding, "/proc/sys/fs/nr_open");
  finding.now = grouped(c.facts.nr_open);
  finding.explanation =
      "No process may have more open files than fs.nr_open, and a service that asks for more is "
      "not started.";
  // A limit that is high enough already is not taken away.
  if (c.facts.open_files_hard && enough_files(c)) return finding;
  if (*c.facts.nr_open >= files_wanted(c)) return finding;
  finding.verdict = Verdict::kChange;
  set_sysctl(finding, "fs.nr_open", std::to_string(files_wanted(c)));
  return finding;
}

Finding judge_file_max(const Case& c) {
  Finding finding{.id = "file_max", .title = "open files of the machine"};
  if (!c.facts.file_max) return unknown(finding, "/proc/sys/fs/file-max");
  if (!c.facts.files_allocated) return unknown(finding, "/proc/sys/fs/file-nr");
  finding.explanation = "All processes together may have so many open files.";
  const uint64_t used = *c.facts.files_allocated;
  if (*c.facts.file_max >= kFileMaxNoLimit) {
    finding.now = "unlimited";
    return finding;
  }
  finding.now = grouped(c.facts.file_max) + ", " + grouped(used) + " in use";
  const uint64_t reserve = c.plan.open_files_reserve;
  set_bound(finding, less(less(*c.facts.file_max, used), reserve));
  if (*finding.connections >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  // A quarter more: for proxies and everybody else.
  const uint64_t wanted = rounded_up(used + reserve + c.goal + c.goal / 4);
  finding.after = wanted - used - reserve;
  set_sysctl(finding, "fs.file-max", std::to_string(wanted));
  return finding;
}

Finding judge_connection_limit(const Case& c) {
  Finding finding{.id = "connection_limit", .title = "client.connection_limit"};
  const uint64_t limit = c.plan.connection_limit;
  finding.now = limit == 0 ? "none" : grouped(limit);
  finding.explanation = "The server's own configuration: more connections are answered 503.";
  if (limit == 0) return finding;
  set_bound(finding, limit);
  if (limit >= c.goal) return finding;
  finding.verdict = Verdict::kChange;
  finding.after = c.goal;
  finding.remedies = {{.where = "the configuration file",
                       .text = "[client]\nconnection_limit = " + std::to_string(c.goal)}};
  return finding;
}

}  // namespace millrace::doctor
