#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/file_watch.h"
#include "net/listener.h"
#include "net/mailbox.h"
#include "net/net.h"
#include "net/poller.h"

namespace millrace::net {

class Loop::Impl final : public Pollable {
 public:
  Impl(const Options& options, metrics::Core& metrics)
      : options_(options),
        metrics_(metrics),
        wheel_(now_),
        scratch_(std::make_unique<char[]>(kScratchBytes)) {}

  ~Impl() {
    listeners_.clear();
    if (wakeup_fd_ >= 0) ::close(wakeup_fd_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Result<> open() {
    wakeup_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!poller_.valid() || wakeup_fd_ < 0 || !poller_.add(wakeup_fd_, EPOLLIN, *this)) {
      return base::fail(base::ErrorCode::kIo,
                        std::string("cannot make an event loop: ") + std::strerror(errno));
    }
    return {};
  }

  void run() {
    Impl* const outer = std::exchange(current_, this);
    while (!stopped_.load(std::memory_order_acquire)) {
      const int events = poller_.wait(timeout_ms());
      run_turn(events, base::monotonic_now());
    }
    current_ = outer;
  }

  void turn(base::MonotonicTime now) {
    Impl* const outer = std::exchange(current_, this);
    run_turn(poller_.wait(0), now);
    current_ = outer;
  }

  void stop() {
    stopped_.store(true, std::memory_order_release);
    wake();
  }

  void post(base::Task task) {
    if (!mailbox_.push(std::move(task))) return;
    if (current_ == nullptr) {
      wake();
    } else if (current_ != this) {
      current_->to_wake_.push_back(this);
    }
  }

  base::TimerId after(base::Duration delay, base::Task task) {
    const base::TimerId id{++last_timer_};
    // From now, not from when the turn began: never early.
    const base::MonotonicTime due = base::monotonic_now() + delay;
    due_of_.emplace(id, due);
    tasks_.emplace(std::pair{due, id}, std::move(task));
    return id;
  }

  void cancel(base::TimerId timer) {
    const auto found = due_of_.find(timer);
    if (found == due_of_.end()) return;
    tasks_.erase({found->second, timer});
    due_of_.erase(found);
  }

  bool behind() const { return now_ - idle_ >= kBehindAfter; }

  // The event that another thread woke this loop.
  void on_events(uint32_t) override {
    uint64_t count = 0;
    if (::read(wakeup_fd_, &count, sizeof(count)) > 0) metrics_.add(metrics::Counter::kWakeups);
  }

  const Options options_;
  metrics::Core& metrics_;
  base::MonotonicTime now_ = base::monotonic_now();
  Poller poller_;
  TimerWheel wheel_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<base::TurnHook*> hooks_;
  std::unique_ptr<char[]> scratch_;

 private:
  friend class Loop;

  void wake() const {
    const uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const ssize_t written = ::write(wakeup_fd_, &one, sizeof(one));
  }

  int timeout_ms() const {
    if (!mailbox_.empty()) return 0;
    const bool ticking = !wheel_.empty();
    if (!ticking && tasks_.empty()) return -1;
    base::MonotonicTime due = ticking ? wheel_.next_tick() : tasks_.begin()->first.first;
    if (!tasks_.empty()) due = std::min(due, tasks_.begin()->first.first);
    const base::Duration left = due - base::monotonic_now();
    constexpr int64_t kMsMax = 60'000;
    return left.count() <= 0 ? 0 : static_cast<int>(std::min(left.count() / 1000, kMsMax)) + 1;
  }

  void run_turn(int events, base::MonotonicTime now) {
    const base::MonotonicTime before = turn_ended_;
    now_ = now;
    if (now_ - before >= kWaited) idle_ = now_;
    heard_ = events > 0;
    wheel_.begin_turn(now_);
    poller_.dispatch(events);
    // After a stall more is ready than one call returns, pongs among it: all of it is heard before
    // timers judge who is late. Bounded, so that a flood does not stop the rest of the turn.
    for (int more = 0; events == Poller::kEventsMax && more < kPollsPerTurnMax; ++more) {
      events = poller_.wait(0);
      poller_.dispatch(events);
    }
    metrics_.add(metrics::Counter::kTasks, mailbox_.run_all());
    advance_timers();
    run_due_tasks();
    for (base::TurnHook* hook : hooks_) hook->on_turn_end();
    wake_others();
    metrics_.add(metrics::Counter::kTurns);
    turn_ended_ = std::max(now_, base::monotonic_now());
    const base::Duration worked = turn_ended_ - now_;
    metrics_.observe(metrics::Histogram::kLoopTurnSeconds,
                     static_cast<double>(worked.count()) / 1e6);
  }

  void advance_timers() {
    const base::Duration late = now_ - wheel_.next_tick();
    if (late.count() < 0) return;
    if (!wheel_.empty())
      metrics_.observe(metrics::Histogram::kLoopLagSeconds,
                       static_cast<double>(late.count()) / 1e6);
    wheel_.advance(now_);
  }

  // Those that were due when the turn began: what they add is due later.
  void run_due_tasks() {
    while (!tasks_.empty() && tasks_.begin()->first.first <= now_) {
      auto due = tasks_.extract(tasks_.begin());
      due_of_.erase(due.key().second);
      due.mapped()();
    }
  }

  void wake_others() {
    for (const Impl* other : to_wake_) other->wake();
    to_wake_.clear();
  }

  static constexpr int kPollsPerTurnMax = 64;
  // A turn that began after a shorter wait found something to do at once.
  static constexpr base::Duration kWaited = std::chrono::microseconds(50);
  static constexpr base::Duration kBehindAfter = std::chrono::milliseconds(100);

  // The loop that runs on this thread.
  static thread_local Impl* current_;

  std::atomic<bool> stopped_{false};
  int wakeup_fd_ = -1;
  // loops whose empty mailbox this turn has posted to: woken once, at its end
  std::vector<const Impl*> to_wake_;
  std::map<std::pair<base::MonotonicTime, base::TimerId>, base::Task> tasks_;  // by when
  std::unordered_map<base::TimerId, base::MonotonicTime> due_of_;
  uint64_t last_timer_ = 0;
  base::MonotonicTime turn_ended_ = now_;
  base::MonotonicTime idle_ = now_;  // when there was last nothing to do
  bool heard_ = false;
};

thread_local Loop::Impl* Loop::Impl::current_ = nullptr;

base::Result<std::unique_ptr<Loop>> Loop::create(const Options& options, metrics::Core& metrics) {
  auto impl = std::make_unique<Impl>(options, metrics);
  base::Result<> opened = impl->open();
  if (!opened) return base::fail(opened);
  return std::unique_ptr<Loop>(new Loop(std::move(impl)));
}

Loop::Loop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->run();
}
void Loop::stop() {
  impl_->stop();
}
void Loop::turn(base::MonotonicTime now) {
  impl_->turn(now);
}

base::Result<> Loop::listen(ListenSocket socket, Acceptor& acceptor) {
  impl_->listeners_.push_back(
      std::make_unique<Listener>(std::move(socket), impl_->poller_, impl_->metrics_,
                                 impl_->options_.accepts_per_turn, acceptor));
  return {};
}

void Loop::stop_listening() {
  impl_->listeners_.clear();
}

std::unique_ptr<Watch> Loop::watch(int fd, WatchHandler& handler) {
  return std::make_unique<FileWatch>(impl_->poller_, fd, handler);
}

TimerWheel& Loop::wheel() {
  return impl_->wheel_;
}
std::span<char> Loop::scratch() {
  return {impl_->scratch_.get(), kScratchBytes};
}

base::CoreId Loop::core() const {
  return impl_->options_.core;
}
base::MonotonicTime Loop::now() const {
  return impl_->now_;
}
void Loop::post(base::Task task) {
  impl_->post(std::move(task));
}
size_t Loop::mailbox_depth() const {
  return impl_->mailbox_.depth();
}
base::TimerId Loop::after(base::Duration delay, base::Task task) {
  return impl_->after(delay, std::move(task));
}
void Loop::cancel(base::TimerId timer) {
  impl_->cancel(timer);
}
bool Loop::behind() const {
  return impl_->behind();
}
bool Loop::heard() const {
  return impl_->heard_;
}
void Loop::add_turn_hook(base::TurnHook& hook) {
  impl_->hooks_.push_back(&hook);
}
void Loop::remove_turn_hook(base::TurnHook& hook) {
  std::erase(impl_->hooks_, &hook);
}

}  // namespace millrace::net
