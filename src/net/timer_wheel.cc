// A slot holds the timers of one tick modulo kSlots as a circular list with a sentinel; one that is
// due in a later round stays. Setting further than a round ahead costs one look per round, which at
// 51 s a round is nothing.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "net/net.h"

namespace millrace::net {

struct TimerWheel::Slot final : Timer {
  Slot() { next_ = previous_ = this; }
  ~Slot() {
    while (next_ != this) next_->unlink();
    next_ = previous_ = nullptr;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  void on_timer() override {}

  Timer* first() { return next_; }
  bool empty() const { return next_ == this; }
  void push(Timer& timer) {
    timer.previous_ = previous_;
    timer.next_ = this;
    previous_->next_ = &timer;
    previous_ = &timer;
  }
  // Takes over the timers of `other`.
  void take(Slot& other) {
    if (other.empty()) return;
    next_ = other.next_;
    previous_ = other.previous_;
    next_->previous_ = previous_->next_ = this;
    other.next_ = other.previous_ = &other;
  }
};

void Timer::unlink() {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(base::MonotonicTime now)
    : slots_(std::make_unique<Slot[]>(kSlots)),
      current_tick_(tick_of(now)),
      now_tick_(current_tick_) {}

TimerWheel::~TimerWheel() = default;

void TimerWheel::set(Timer& timer, base::Duration delay) {
  timer.unlink();
  // Rounded up, and one more because the current tick is already under way: never early.
  const int64_t ticks =
      (std::max<int64_t>(delay.count(), 0) + kTick.count() - 1) / kTick.count() + 1;
  timer.due_tick_ = now_tick_ + ticks;
  slots_[static_cast<size_t>(timer.due_tick_) % kSlots].push(timer);
}

void TimerWheel::advance(base::MonotonicTime now) {
  begin_turn(now);
  const int64_t target = now_tick_;
  if (empty()) {
    current_tick_ = target;
    return;
  }
  // After a long stall every slot is looked at once, not once for each round that was missed.
  if (target - current_tick_ > static_cast<int64_t>(kSlots))
    current_tick_ = target - static_cast<int64_t>(kSlots);
  while (current_tick_ < target) {
    ++current_tick_;
    Slot& slot = slots_[static_cast<size_t>(current_tick_) % kSlots];
    Slot firing;  // apart, so that timers set meanwhile into this slot wait for their round
    firing.take(slot);
    while (!firing.empty()) {
      Timer& timer = *firing.first();
      timer.unlink();
      if (timer.due_tick_ > current_tick_) {
        slot.push(timer);
      } else {
        timer.on_timer();
      }
    }
  }
}

// Asked in every turn, and nearly always answered by the slot that answered last.
bool TimerWheel::empty() const {
  for (size_t i = 0; i < kSlots; ++i) {
    if (!slots_[used_slot_].empty()) return false;
    used_slot_ = (used_slot_ + 1) % kSlots;
  }
  return true;
}

base::MonotonicTime TimerWheel::next_tick() const {
  return base::MonotonicTime{(current_tick_ + 1) * kTick.count()};
}

}  // namespace millrace::net
