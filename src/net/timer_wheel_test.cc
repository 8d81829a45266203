#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/net.h"

namespace millrace::net {
namespace {

using namespace std::chrono_literals;

struct TestTimer final : Timer {
  explicit TestTimer(std::function<void()> action) : action_(std::move(action)) {}
  void on_timer() override { action_(); }
  std::function<void()> action_;
};

class TimerWheelTest : public testing::Test {
 protected:
  void advance(base::Duration duration) { wheel.advance(now = now + duration); }
  base::MonotonicTime now{123'456'789};
  TimerWheel wheel{now};
};

TEST_F(TimerWheelTest, a_timer_never_fires_early_and_at_most_two_ticks_late) {
  for (const base::Duration delay : {0ms, 1ms, 50ms, 51ms, 999ms, 60'000ms, 200'000ms}) {
    bool fired = false;
    TestTimer timer([&] { fired = true; });
    wheel.set(timer, delay);
    if (delay > 0ms) {
      advance(delay - 1us);
      EXPECT_FALSE(fired) << delay.count();
    }
    advance(2 * TimerWheel::kTick + 1us);
    EXPECT_TRUE(fired) << delay.count();
    EXPECT_FALSE(timer.armed());
  }
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, a_timer_may_be_moved_cancelled_or_destroyed) {
  int fired = 0;
  TestTimer moved([&] { ++fired; });
  wheel.set(moved, 100ms);
  wheel.set(moved, 10s);
  TestTimer cancelled([&] { ++fired; });
  wheel.set(cancelled, 100ms);
  wheel.cancel(cancelled);
  {
    TestTimer destroyed([&] { ++fired; });
    wheel.set(destroyed, 100ms);
  }
  advance(5s);
  EXPECT_EQ(fired, 0);
  advance(6s);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, timers_may_destroy_and_set_each_other_while_firing) {
  std::string seen;
  auto victim = std::make_unique<TestTimer>([&] { seen += 'v'; });
  TestTimer again([&] { seen += 'r'; });
  TestTimer killer([&] {
    seen += 'k';
    victim.reset();
    wheel.set(again, 0ms);
  });
  wheel.set(killer, 100ms);
  wheel.set(*victim, 100ms);
  advance(200ms);
  EXPECT_EQ(seen, "k")
      << "the victim is gone, and one that is set while firing waits its own delay";
  advance(100ms);
  EXPECT_EQ(seen, "kr");
  TestTimer self([&] { seen += 's'; });
  wheel.set(self, 0ms);
  advance(100ms);
  EXPECT_EQ(seen, "krs");
}

TEST_F(TimerWheelTest, after_a_stall_everything_that_was_due_fires_once) {
  int fired = 0;
  std::vector<std::unique_ptr<TestTimer>> timers;
  for (int i = 0; i < 100; ++i) {
    timers.push_back(std::make_unique<TestTimer>([&] { ++fired; }));
    wheel.set(*timers.back(), base::Duration(i * 1'000'000));
  }
  advance(1h);
  EXPECT_EQ(fired, 100);
  EXPECT_TRUE(wheel.empty());
}

TEST_F(TimerWheelTest, timers_outlive_their_wheel_unarmed) {
  TestTimer timer([] {});
  {
    TimerWheel other(now);
    other.set(timer, 1s);
    EXPECT_TRUE(timer.armed());
  }
  EXPECT_FALSE(timer.armed());
}

}  // namespace
}  // namespace millrace::net
