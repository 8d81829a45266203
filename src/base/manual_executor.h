// Cores that run only when told to, in one thread, on a clock that is moved by hand: for tests and
// the simulator.
//
// run_until_idle() runs turns on every core, round-robin, until no core has a task left; advance()
// moves the clock in steps from timer to timer, so that everything due on the way runs in order of
// its time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/executor.h"

namespace millrace::base {

class ManualCores {
 public:
  explicit ManualCores(size_t count);
  ~ManualCores();

  Cores cores() const;
  Executor& at(size_t core);

  // Runs one turn of one core: the tasks that were posted before it began, due timers, then its
  // hooks.
  void run_turn(size_t core);
  void run_until_idle();
  void advance(Duration duration);

 private:
  class Core;
  bool idle() const;

  MonotonicTime now_{1'000'000};
  std::vector<std::unique_ptr<Core>> owned_;
  std::vector<Executor*> executors_;
};

}  // namespace millrace::base
