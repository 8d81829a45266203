// Deadlines: every connection has one, most of them move before they fire.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <deque>

#include "base/assert.h"
#include "net/net.h"

namespace millrace::micro {
namespace {

using namespace std::chrono_literals;

class Deadline final : public net::Timer {
 public:
  explicit Deadline(size_t& count) : fired_(count) {}
  void on_timer() override { ++fired_; }

 private:
  size_t& fired_;
};

// As many as connections; the next one that moves is not one that is in the cache.
struct Deadlines {
  explicit Deadlines(size_t count) {
    while (timers.size() < count) {
      Deadline& timer = timers.emplace_back(fired);
      wheel.set(timer, base::Duration(20ms) * static_cast<int64_t>(timers.size() % 1000));
    }
  }
  base::MonotonicTime now{1'000'000};
  net::TimerWheel wheel{now};
  size_t fired = 0;
  std::deque<Deadline> timers;
};

void move_timer(benchmark::State& state) {
  Deadlines deadlines(static_cast<size_t>(state.range(0)));
  size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % deadlines.timers.size();
    deadlines.wheel.set(deadlines.timers[next], 25s);
  }
  MILLRACE_ASSERT(deadlines.timers[next].armed());
}

void set_and_fire(benchmark::State& state) {
  constexpr size_t kTimers = 1000;
  Deadlines deadlines(kTimers);
  size_t rounds = 0;
  for (auto _ : state) {
    deadlines.wheel.advance(deadlines.now = deadlines.now + 60s);
    for (Deadline& timer : deadlines.timers) deadlines.wheel.set(timer, 25s);
    ++rounds;
  }
  MILLRACE_ASSERT(deadlines.fired == rounds * kTimers);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kTimers));
}

// What each turn of a loop asks.
void find_empty(benchmark::State& state) {
  const Deadlines deadlines(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(deadlines.wheel.empty());
}

BENCHMARK(move_timer)->Arg(1000)->Arg(100'000);
BENCHMARK(set_and_fire);
BENCHMARK(find_empty)->Arg(0)->Arg(1000);

}  // namespace
}  // namespace millrace::micro
