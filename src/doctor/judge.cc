// All findings, and what they come to.
#include <algorithm>
#include <array>

#include "doctor/assumptions.h"
#include "doctor/doctor.h"
#include "doctor/findings.h"

namespace millrace::doctor {
namespace {

constexpr std::array kJudges = {
    judge_nr_open,     judge_open_files,   judge_file_max,    judge_connection_limit,
    judge_memory,      judge_memory_limit, judge_tcp_mem,     judge_conntrack,
    judge_cpu,         judge_somaxconn,    judge_syn_backlog, judge_local_ports,
    judge_tcp_buffers, judge_overcommit,   judge_huge_pages,  judge_clock_source};

// What limits can be raised to without asking for more memory or CPU time than there is.
uint64_t goal_of(const Facts& facts, const Plan& plan) {
  if (plan.target) return std::min(*plan.target, kGoalMax);
  if (plan.connection_limit > 0) return std::min(plan.connection_limit, kGoalMax);
  const Number memory = connections_by_memory(facts, plan);
  uint64_t goal = memory.value_or(kGoalWithoutMemory);
  for (const Number bound :
       {connections_by_memory_limit(facts, plan), connections_by_cpu(facts, plan)})
    if (bound) goal = std::min(goal, *bound);
  return std::clamp<uint64_t>(goal, 1, kGoalMax);
}

// Of equals, the one that cannot be changed is named.
void tighten(std::optional<Bound>& bound, const Number& connections, const Finding& finding) {
  if (!connections || (bound && bound->connections < *connections)) return;
  if (bound && bound->connections == *connections && finding.verdict == Verdict::kChange) return;
  bound = Bound{.connections = *connections, .id = finding.id, .title = finding.title};
}

}  // namespace

Report judge(const Facts& facts, const Plan& plan) {
  const Case c{.facts = facts, .plan = plan, .goal = goal_of(facts, plan)};
  Report report{.target = plan.target, .container = facts.container, .tls = plan.tls};
  for (const auto judge_one : kJudges) {
    const Finding& finding = report.findings.emplace_back(judge_one(c));
    tighten(report.now, finding.connections, finding);
    tighten(report.after, finding.after, finding);
  }
  return report;
}

}  // namespace millrace::doctor
