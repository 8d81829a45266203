#include "base/manual_executor.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::base {
namespace {

using namespace std::chrono_literals;

TEST(ManualCores, tasks_run_in_the_order_they_were_posted) {
  ManualCores cores(2);
  std::string seen;
  cores.at(0).post([&] {
    seen += 'a';
    cores.at(1).post([&] { seen += 'c'; });
  });
  cores.at(0).post([&] { seen += 'b'; });
  EXPECT_EQ(seen, "");
  cores.run_until_idle();
  EXPECT_EQ(seen, "abc");
}

TEST(ManualCores, timers_run_in_order_of_their_time_and_not_when_cancelled) {
  ManualCores cores(1);
  std::string seen;
  cores.at(0).after(20ms, [&] { seen += 'b'; });
  cores.at(0).after(10ms, [&] {
    seen += 'a';
    cores.at(0).after(5ms, [&] { seen += '+'; });
  });
  const TimerId cancelled = cores.at(0).after(15ms, [&] { seen += 'x'; });
  cores.at(0).cancel(cancelled);
  cores.advance(19ms);
  EXPECT_EQ(seen, "a+");
  cores.advance(1ms);
  EXPECT_EQ(seen, "a+b");
}

TEST(ManualCores, hooks_run_once_a_turn_after_its_tasks) {
  struct Hook : TurnHook {
    explicit Hook(std::string& log) : log_(log) {}
    void on_turn_end() override { log_ += '|'; }
    std::string& log_;
  };
  ManualCores cores(1);
  std::string seen;
  Hook hook(seen);
  cores.at(0).add_turn_hook(hook);
  cores.at(0).post([&] { seen += 'a'; });
  cores.at(0).post([&] { seen += 'b'; });
  cores.run_turn(0);
  EXPECT_EQ(seen, "ab|");
}

}  // namespace
}  // namespace millrace::base
