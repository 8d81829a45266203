// An Executor is one core: the thread on which everything that has its home there runs.
//
// Cores      post() and mailbox_depth() may be called from any thread; everything else only on the
//            executor's own.
// Order      Tasks posted by one thread to one executor run in the order they were posted. A task
//            never runs inside post().
// Turns      A core works in turns: events, then posted tasks, then timers, then every turn hook
//            once. What a turn produced leaves in its hooks, so that it leaves together.
// Limits     The mailbox is not bounded by the executor: a task that was posted is run. Who posts
//            work on behalf of a peer looks at mailbox_depth() first and refuses when the target
//            has fallen behind.
// Failure    None: post() and after() succeed until the executor is destroyed, which drops what has
//            not run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/assert.h"
#include "base/clock.h"
#include "base/ids.h"

namespace millrace::base {

using Task = std::move_only_function<void()>;
using TimerId = Named<struct TimerIdTag, uint64_t>;

// Called at the end of every turn of a core. Hooks run in the order in which they were added.
class TurnHook {
 public:
  virtual void on_turn_end() = 0;

 protected:
  ~TurnHook() = default;
};

class Executor {
 public:
  virtual ~Executor() = default;

  virtual CoreId core() const = 0;

  // The time at which this turn began. For a time that moves within a turn, call monotonic_now().
  virtual MonotonicTime now() const = 0;

  // Runs `task` on this core in a later turn.
  virtual void post(Task task) = 0;

  // How many posted tasks have not run yet (approximate from other threads).
  virtual size_t mailbox_depth() const = 0;

  // Runs `task` on this core once, no earlier than `delay` from now. cancel() of a timer that ran
  // is a no-op.
  virtual TimerId after(Duration delay, Task task) = 0;
  virtual void cancel(TimerId timer) = 0;

  // `hook` must outlive the executor's last turn, or be removed first.
  virtual void add_turn_hook(TurnHook& hook) = 0;
  virtual void remove_turn_hook(TurnHook& hook) = 0;
};

// The cores of a node, in order of their CoreId. Does not own them.
class Cores {
 public:
  Cores() = default;
  explicit Cores(std::span<Executor* const> executors) : executors_(executors) {}
  size_t size() const { return executors_.size(); }
  Executor& at(CoreId core) const {
    MILLRACE_DEBUG_ASSERT(core.value() < executors_.size());
    return *executors_[core.value()];
  }

 private:
  std::span<Executor* const> executors_;
};

}  // namespace millrace::base
