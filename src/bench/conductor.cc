#include "bench/conductor.h"

#include <cstdio>
#include <utility>

#include "bench/engine.h"

namespace millrace::bench {
namespace {

constexpr int64_t kLookEveryNs = 2'000'000;
// Between the last connection and the first message: for memory to be counted, and for dialects
// that do not confirm subscriptions.
constexpr int64_t kSettleNs = 200'000'000;
constexpr int64_t kQuietNs = 2 * kNsPerSecond;  // then nothing more comes

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::kOpening:
      return "opening";
    case Phase::kWarmup:
      return "warm-up";
    case Phase::kMeasuring:
      return "measuring";
    case Phase::kDraining:
      return "draining";
    case Phase::kDone:
      break;
  }
  return "done";
}

int64_t ns_of(double seconds) {
  return static_cast<int64_t>(seconds * static_cast<double>(kNsPerSecond));
}

double seconds_of(int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

}  // namespace

Conductor::Conductor(const Options& options, Board& board, std::vector<pid_t> generators,
                     const std::atomic<bool>& interrupted)
    : options_(options),
      board_(board),
      generators_(std::move(generators)),
      interrupted_(interrupted) {}

base::Result<> Conductor::begin(int64_t now) {
  auto usage = usage_of(options_.server_pids);
  if (!usage) return base::fail(usage);
  measured_.server_idle = *usage;
  phase_ns_ = shown_ns_ = begun_ns_ = now;
  if (options_.scenario == ScenarioKind::kConnect) begin_measuring(now, {});
  return {};
}

// A server that has gone in the middle shows in the counts.
Usage Conductor::server() {
  return usage_of(options_.server_pids).value_or(Usage{});
}

bool Conductor::all(std::atomic<bool> Figures::* flag) const {
  for (size_t i = 0; i < board_.processes(); ++i) {
    if (!(board_.figures(i).*flag).load(std::memory_order_acquire)) return false;
  }
  return true;
}

void Conductor::enter(Phase phase, int64_t now) {
  phase_ns_ = now;
  board_.set_phase(phase);
}

void Conductor::tick(int64_t now) {
  if (now - looked_ns_ < kLookEveryNs) return;
  looked_ns_ = now;
  const Counts<int64_t> counts = board_.sum();
  show_progress(now, counts);
  const bool interrupted = interrupted_.load();
  if (interrupted) measured_.interrupted = true;
  const bool cut_short = interrupted || counts.refused > 0;
  switch (board_.phase()) {
    case Phase::kOpening:
      tick_opening(now, counts);
      break;
    case Phase::kWarmup:
      if (now - phase_ns_ < ns_of(options_.warmup_seconds) && !cut_short) break;
      enter(Phase::kMeasuring, now);
      begin_measuring(now, counts);
      break;
    case Phase::kMeasuring:
      if (now - phase_ns_ < ns_of(options_.duration_seconds) && !cut_short) break;
      end_measuring(now, counts);
      quiet_ns_ = now;
      enter(Phase::kDraining, now);
      break;
    case Phase::kDraining:
      tick_draining(now, counts);
      break;
    case Phase::kDone:
      break;
  }
}

void Conductor::tick_opening(int64_t now, const Counts<int64_t>& counts) {
  const bool connects = options_.scenario == ScenarioKind::kConnect;
  if (settled_ns_ == 0 && (all(&Figures::settled) || interrupted_.load())) {
    settled_ns_ = now;
    if (connects) end_measuring(now, counts);
  }
  if (settled_ns_ == 0 || now - settled_ns_ < kSettleNs) return;
  measured_.server_opened = server();
  // Without a connection, or without those that publish, there is nothing to measure.
  const bool hopeless = counts.joined == 0 || (counts.failed > 0 && options_.publishers > 0);
  enter(connects || hopeless || interrupted_.load() ? Phase::kDone : Phase::kWarmup, now);
}

void Conductor::tick_draining(int64_t now, const Counts<int64_t>& counts) {
  const int64_t heard = counts.deliveries + counts.joined;
  if (heard != quiet_heard_) {
    quiet_heard_ = heard;
    quiet_ns_ = now;
  }
  const bool all_in = all(&Figures::drained) && all(&Figures::settled);
  if (all_in || counts.refused > 0 || now - quiet_ns_ > kQuietNs) enter(Phase::kDone, now);
}

void Conductor::begin_measuring(int64_t now, const Counts<int64_t>& counts) {
  measuring_ns_ = now;
  measured_.before = counts;
  measured_.server_before = server();
  generator_cpu_begin_ = usage_of(generators_).value_or(Usage{}).cpu_seconds;
}

void Conductor::end_measuring(int64_t now, const Counts<int64_t>& counts) {
  measured_.seconds = seconds_of(now - measuring_ns_);
  measured_.after = counts;
  measured_.server_after = server();
  measured_.generator_cpu_seconds =
      usage_of(generators_).value_or(Usage{}).cpu_seconds - generator_cpu_begin_;
  measured_.complete = true;
}

Measured Conductor::take() {
  measured_.whole = board_.sum();
  measured_.problem = board_.first_problem();
  return std::move(measured_);
}

void Conductor::show_progress(int64_t now, const Counts<int64_t>& counts) {
  if (options_.quiet || now - shown_ns_ < kNsPerSecond) return;
  const double seconds = seconds_of(now - shown_ns_);
  const auto rate = [seconds](int64_t after, int64_t before) {
    return static_cast<double>(after - before) / seconds;
  };
  std::fprintf(
      stderr, "%4.0f s  %-9s  %lld connected (%.0f/s)  %.0f published/s  %.0f deliveries/s\n",
      seconds_of(now - begun_ns_), phase_name(board_.phase()), static_cast<long long>(counts.live),
      rate(counts.joined, shown_.joined), rate(counts.published, shown_.published),
      rate(counts.deliveries, shown_.deliveries));
  shown_ns_ = now;
  shown_ = counts;
}

}  // namespace millrace::bench
