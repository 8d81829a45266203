// CPU time, and what it costs to look at the clock.
#include <algorithm>
#include <array>
#include <string>

#include "doctor/assumptions.h"
#include "doctor/findings.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

// Clocks that can't be read without a system call.
constexpr std::array<std::string_view, 4> kSlowClocks = {"hpet", "acpi_pm", "jiffies",
                                                         "refined-jiffies"};

constexpr const char* kClockFolder = "/sys/devices/system/clocksource/clocksource0";

// "1.5"
std::string cpus_text(uint64_t millis) {
  const std::string rest = std::to_string(millis % 1000 / 100);
  return grouped(millis / 1000) + (rest == "0" ? "" : "." + rest);
}

uint64_t usable_millis(const Facts& facts) {
  return std::min(*facts.cpus * 1000, *facts.cpu_quota_millis);
}

Number connections_on(uint64_t cpu_millis, const Plan& plan) {
  const auto interval = static_cast<uint64_t>(plan.ping_interval.count());
  if (interval == 0) return std::nullopt;
  // An interval of milliseconds times a thousandth of a CPU is a microsecond of it.
  return cpu_millis * interval / kPingMicroseconds;
}

// A worker that has to wait for its share of a quota stops for tens of milliseconds.
void mind_quota(Finding& finding, uint64_t workers, uint64_t usable) {
  if (usable >= workers * 1000) return;
  finding.verdict = Verdict::kChange;
  finding.explanation +=
      " There are more workers than CPUs in the quota: all of them are halted "
      "whenever it is used up.";
  finding.remedies = {
      {.where = "the configuration file",
       .text = "workers = " + std::to_string(std::max<uint64_t>(1, usable / 1000))}};
}

}  // namespace

Number connections_by_cpu(const Facts& facts, const Plan& plan) {
  if (!facts.cpus || !facts.cpu_quota_millis) return std::nullopt;
  const uint64_t workers = plan.workers > 0 ? plan.workers : *facts.cpus;
  return connections_on(std::min(usable_millis(facts), workers * 1000), plan);
}

Finding judge_cpu(const Case& c) {
  Finding finding{.id = "cpu", .title = "CPUs"};
  if (!c.facts.cpus) return unknown(finding, "/proc/self/status");
  if (!c.facts.cpu_quota_millis) return unknown(finding, "/sys/fs/cgroup");
  const uint64_t workers = c.plan.workers > 0 ? c.plan.workers : *c.facts.cpus;
  const uint64_t usable = usable_millis(c.facts);
  finding.now =
      grouped(c.facts.cpus) + " usable, quota " +
      (*c.facts.cpu_quota_millis == kNoLimit ? "none" : cpus_text(*c.facts.cpu_quota_millis)) +
      ", " + grouped(workers) + " workers";
  finding.explanation =
      "Pings alone: " + grouped(kPingMicroseconds) +
      " µs of CPU time for each, such that half is left for messages. What messages cost depends "
      "on your traffic: try it out.";
  set_bound(finding, connections_by_cpu(c.facts, c.plan));
  if (!finding.connections || *finding.connections >= c.goal) {
    mind_quota(finding, std::min(workers, *c.facts.cpus), usable);
    return finding;
  }
  const Number with_all = connections_on(usable, c.plan);
  if (*with_all > *finding.connections) {
    finding.verdict = Verdict::kChange;
    finding.after = with_all;
    finding.remedies = {
        {.where = "the configuration file (0: one for each CPU)", .text = "workers = 0"}};
    return finding;
  }
  finding.verdict = Verdict::kLimit;
  finding.explanation += " More CPUs help, or a longer client.ping_interval.";
  return finding;
}

Finding judge_clock_source(const Case& c) {
  Finding finding{.id = "clock_source", .title = "clock source"};
  const std::string folder = kClockFolder;
  if (!c.facts.clock_source) return unknown(finding, folder + "/current_clocksource");
  finding.now = *c.facts.clock_source;
  finding.explanation =
      "The server looks at the clock in every turn. With hpet, acpi_pm or jiffies that is a system "
      "call, where others take some nanoseconds.";
  if (std::ranges::find(kSlowClocks, finding.now) == kSlowClocks.end()) return finding;
  for (const std::string& fast : c.facts.clock_sources) {
    if (std::ranges::find(kSlowClocks, fast) != kSlowClocks.end()) continue;
    finding.verdict = Verdict::kChange;
    finding.remedies = {
        {.where = "a shell of root",
         .text = "echo " + fast + " > " + folder + "/current_clocksource"},
        {.where = "for good, on the kernel's command line", .text = "clocksource=" + fast}};
    return finding;
  }
  finding.verdict = Verdict::kLimit;
  finding.explanation += " This machine offers no faster one.";
  return finding;
}

}  // namespace millrace::doctor
