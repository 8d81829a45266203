#include "base/manual_executor.h"

#include <algorithm>
#include <utility>

namespace millrace::base {

class ManualCores::Core final : public Executor {
 public:
  Core(CoreId core, const MonotonicTime& now) : core_(core), now_(now) {}

  CoreId core() const override { return core_; }
  MonotonicTime now() const override { return now_; }
  void post(Task task) override { mailbox_.push_back(std::move(task)); }
  size_t mailbox_depth() const override { return mailbox_.size(); }

  TimerId after(Duration delay, Task task) override {
    const TimerId id{++last_timer_};
    timers_.emplace(std::pair{now_ + delay, id}, std::move(task));
    return id;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }

  void add_turn_hook(TurnHook& hook) override { hooks_.push_back(&hook); }
  void remove_turn_hook(TurnHook& hook) override { std::erase(hooks_, &hook); }

  void run_turn() {
    std::deque<Task> tasks = std::exchange(mailbox_, {});
    for (Task& task : tasks) task();
    while (!timers_.empty() && timers_.begin()->first.first <= now_) {
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
    }
    for (TurnHook* hook : hooks_) hook->on_turn_end();
  }

  bool idle() const { return mailbox_.empty(); }
  bool next_timer(MonotonicTime& due) const {
    if (timers_.empty()) return false;
    due = std::min(due, timers_.begin()->first.first);
    return true;
  }

 private:
  const CoreId core_;
  const MonotonicTime& now_;
  std::deque<Task> mailbox_;
  std::map<std::pair<MonotonicTime, TimerId>, Task> timers_;
  uint64_t last_timer_ = 0;
  std::vector<TurnHook*> hooks_;
};

ManualCores::ManualCores(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    owned_.push_back(std::make_unique<Core>(CoreId{static_cast<uint16_t>(i)}, now_));
    executors_.push_back(owned_.back().get());
  }
}

ManualCores::~ManualCores() = default;

Cores ManualCores::cores() const {
  return Cores{executors_};
}

Executor& ManualCores::at(size_t core) {
  return *owned_.at(core);
}

void ManualCores::run_turn(size_t core) {
  owned_.at(core)->run_turn();
}

bool ManualCores::idle() const {
  return std::all_of(owned_.begin(), owned_.end(), [](const auto& core) { return core->idle(); });
}

void ManualCores::run_until_idle() {
  do {
    for (const auto& core : owned_) core->run_turn();
  } while (!idle());
}

void ManualCores::advance(Duration duration) {
  const MonotonicTime end = now_ + duration;
  run_until_idle();
  for (;;) {
    MonotonicTime due = end;
    for (const auto& core : owned_) core->next_timer(due);
    now_ = std::max(now_, due);
    run_until_idle();
    if (due == end) return;
  }
}

}  // namespace millrace::base
