// Bells and stores that misbehave in one way at a time; stream_model_test.cc has them all at once.
#include <gtest/gtest.h>

#include <string>

#include "hub/testing_faults.h"
#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class StreamFaultTest : public HubTest {
 protected:
  void SetUp() override { start_with(with_history(100'000)); }
  void put_between(CoreParts& core, base::Executor& executor) override {
    core.broker_between = std::make_unique<FaultyBroker>(core.broker, executor, random, faults);
    if (!far) return;
    core.store_between = std::make_unique<FarStore>(core.store, executor, random, faults);
  }
  FaultyBroker& broker_of(const std::string& channel) {
    CoreParts& home = *parts[base::StringHash{}(channel) % kCores];
    return static_cast<FaultyBroker&>(*home.broker_between);
  }
  // A bell that nobody has pulled.
  void ring(const std::string& epoch, uint64_t offset, std::string_view data) {
    broker_of("news").on_message(
        "news", broker::Published{.publication = {.offset = model::Offset{offset},
                                                  .data = base::SharedBytes::copy_of(data)},
                                  .epoch = epoch});
    cores.run_until_idle();
  }
  // Everything that a core was delivered, as one line.
  std::string told(size_t core) {
    std::string text;
    for (const std::string& line : heard(core)) text += line.substr(line.find(": ") + 1);
    return text;
  }

  base::Prng random{1};
  Faults faults;
  bool far = false;
};

TEST_F(StreamFaultTest, a_gap_is_filled_from_the_log_in_order) {
  outcome(1, "news", SubscribeAsk{});
  publish("news", {"a"});
  faults.drop = 1'000;
  publish("news", {"b", "c"});
  EXPECT_EQ(told(1), " a");
  faults.drop = 0;
  publish("news", {"d"});
  EXPECT_EQ(told(1), " b c d");
  EXPECT_EQ(total(metrics::Counter::kGapsFound), 1U);
}

TEST_F(StreamFaultTest, a_long_gap_is_filled_turn_by_turn) {
  outcome(1, "news", SubscribeAsk{});
  heard(1);
  faults.drop = 1'000;
  std::string expected;
  for (int i = 0; i < 2'500; ++i) {
    publish("news", {std::to_string(i)});
    expected += " " + std::to_string(i);
  }
  faults.drop = 0;
  publish("news", {"end"});
  const Lines lines = heard(1);
  EXPECT_EQ(lines.size(), 3U) << "no turn brings more than a thousand";
  std::string all;
  for (const std::string& line : lines) all += line.substr(5);
  EXPECT_EQ(all, expected + " end");
}

TEST_F(StreamFaultTest, after_an_interruption_of_the_broker_logs_are_read_again) {
  const Lines names{"news", "other", "third"};
  for (const std::string& name : names) outcome(1, name, SubscribeAsk{});
  faults.drop = 1'000;
  for (const std::string& name : names) publish(name, {"a", "b"});
  EXPECT_EQ(told(1), "");
  for (const std::string& name : names) broker_of(name).on_interruption();
  cores.run_until_idle();
  Lines lines = heard(1);
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Lines{"news: a b", "other: a b", "third: a b"}));
  EXPECT_EQ(total(metrics::Counter::kStreamsInterrupted), 0U);
}

TEST_F(StreamFaultTest, only_a_gap_that_the_log_has_lost_interrupts) {
  start_with(with_history(2));
  outcome(1, "news", SubscribeAsk{});
  publish("news", {"a"});
  faults.drop = 1'000;
  publish("news", {"b"});
  faults.drop = 0;
  publish("news", {"c"});
  EXPECT_EQ(told(1), " a b c");
  faults.drop = 1'000;
  publish("news", {"d", "e"});
  faults.drop = 0;
  publish("news", {"f", "g"});
  EXPECT_EQ(told(1), " interruption e f g") << "who has no position hears what there is";
  EXPECT_EQ(total(metrics::Counter::kStreamsInterrupted), 1U);
}

TEST_F(StreamFaultTest, bells_of_another_log_or_from_the_past_or_the_future_are_not_believed) {
  outcome(1, "news", SubscribeAsk{});
  publish("news", {"a", "b"});
  EXPECT_EQ(told(1), " a b");
  const std::string epoch = epoch_of("news");
  ring("elsewhere", 3, "x");
  ring(epoch, 1, "x");
  ring(epoch, 2, "x");
  ring(epoch, 9, "x");
  EXPECT_EQ(told(1), "");
  publish("news", {"c"});
  EXPECT_EQ(told(1), " c");
  EXPECT_EQ(total(metrics::Counter::kStreamsInterrupted), 0U);
}

TEST_F(StreamFaultTest, who_has_no_position_hears_late_bells_once_whoever_comes_meanwhile) {
  ChannelOptions channels_of = with_history();
  channels_of.force_positioning = false;
  channels_of.force_recovery = false;
  start_with(channels_of);
  EXPECT_EQ(outcome(1, "news", SubscribeAsk{}), "subscribed");
  faults.delay = 1'000;
  publish("news", {"a", "b"});
  EXPECT_EQ(told(1), "");
  EXPECT_EQ(outcome(2, "news", back_from({"", model::Offset{1}})), "subscribed at 1 recovered 2=b");
  EXPECT_EQ(told(1), " a b");
  cores.advance(1s);
  EXPECT_EQ(told(1) + told(2), "");
}

TEST_F(StreamFaultTest, a_bell_that_rings_while_the_log_is_read_is_not_lost) {
  far = true;
  start_with(with_history());
  ask(1, 1, "news", SubscribeAsk{});
  cores.advance(10ms);
  heard(1);
  const auto say = [this](const char* data) {
    parts[0]->hub->call("news", message(data), [](const AnswerBody&) {});
  };
  faults.drop = 1'000;
  say("a");
  cores.advance(10ms);
  faults.drop = 0;
  // Its bell finds a gap; the others come while that is read, or after.
  for (const char* const data : {"b", "c", "d", "e"}) {
    say(data);
    cores.advance(300us);
  }
  cores.advance(10ms);
  EXPECT_EQ(told(1), " a b c d e");
}

TEST_F(StreamFaultTest, many_who_ask_at_once_share_a_read_that_is_on_its_way) {
  far = true;
  start_with(with_history());
  const size_t home = base::StringHash{}("news") % kCores;
  for (uint32_t i = 0; i < 50; ++i) ask(home, i + 1, "news", HistoryAsk{});
  cores.advance(10ms);
  EXPECT_EQ(heard(home).size(), 50U);
  EXPECT_EQ(total(metrics::Counter::kHistoryReads), 1U);
  // In a later turn the log is asked again, even if that read is still on its way.
  ask(home, 1, "news", HistoryAsk{});
  cores.run_until_idle();
  ask(home, 2, "news", HistoryAsk{});
  cores.advance(10ms);
  EXPECT_EQ(total(metrics::Counter::kHistoryReads), 3U);
}

TEST_F(StreamFaultTest, a_store_that_does_not_answer_refuses_only_those_who_need_it) {
  far = true;
  faults.fail_read = 1'000;
  ChannelOptions channels_of = with_history();
  channels_of.force_positioning = false;
  channels_of.force_recovery = false;
  start_with(channels_of);
  ask(1, 1, "news", SubscribeAsk{.positioned = true});
  ask(1, 2, "news", SubscribeAsk{});
  ask(1, 3, "news", HistoryAsk{});
  cores.advance(10ms);
  Lines lines = heard(1);
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Lines{"1 error 100", "2 subscribed", "3 error 100"}));
  parts[0]->hub->call("news", message("a"), [](const AnswerBody&) {});
  cores.advance(10ms);
  EXPECT_EQ(told(1), " a");
  ask(1, 0, "news", UnsubscribeAsk{});
  cores.advance(10ms);
  EXPECT_EQ(channels(), 0U);
}

}  // namespace
}  // namespace millrace::hub
