// Namespaces whose channels gather what happens in them, to send it together.
#include <gtest/gtest.h>

#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class BatchingTest : public HubTest {
 protected:
  void SetUp() override { start_gathering({}); }

  void start_gathering(ChannelOptions channels, size_t size_max = 100) {
    channels.batch_max_delay = 50ms;
    channels.batch_max_size = size_max;
    start_with(std::move(channels));
    ask(0, 1, "news", SubscribeAsk{});
    cores.run_until_idle();
    heard(0);
  }
};

TEST_F(BatchingTest, what_is_published_within_the_delay_leaves_together_when_it_is_over) {
  publish("news", {"1", "2"});
  cores.advance(30ms);
  publish("news", {"3"});
  cores.advance(19ms);
  EXPECT_EQ(heard(0), Lines{});
  cores.advance(2ms);
  EXPECT_EQ(heard(0), (Lines{"news: 1 2 3"}));
  cores.advance(1s);
  EXPECT_EQ(heard(0), Lines{});
}

TEST_F(BatchingTest, each_batch_has_the_whole_delay) {
  publish("news", {"1"});
  cores.advance(51ms);
  publish("news", {"2"});
  cores.advance(45ms);
  EXPECT_EQ(heard(0), (Lines{"news: 1"}));
  cores.advance(10ms);
  EXPECT_EQ(heard(0), (Lines{"news: 2"}));
}

TEST_F(BatchingTest, a_full_batch_does_not_wait_and_takes_nothing_from_the_next_ones_delay) {
  start_gathering({}, 3);
  publish("news", {"1", "2"});
  EXPECT_EQ(heard(0), Lines{});
  publish("news", {"3"});
  EXPECT_EQ(heard(0), (Lines{"news: 1 2 3"}));
  cores.advance(40ms);
  publish("news", {"4"});
  // Over is what the first batch had.
  cores.advance(20ms);
  EXPECT_EQ(heard(0), Lines{});
  cores.advance(31ms);
  EXPECT_EQ(heard(0), (Lines{"news: 4"}));
}

TEST_F(BatchingTest, a_batch_of_many_bytes_is_full_too) {
  publish("news", {std::string(40'000, 'x')});
  EXPECT_EQ(heard(0), Lines{});
  publish("news", {std::string(40'000, 'y')});
  EXPECT_EQ(heard(0).size(), 1U);
}

TEST_F(BatchingTest, a_new_subscriber_waits_for_nobody_and_hears_nothing_from_before) {
  publish("news", {"1"});
  ask(1, 2, "news", SubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"news: 1"}));
  EXPECT_EQ(heard(1), (Lines{"2 subscribed"}));
  publish("news", {"2"});
  cores.advance(51ms);
  EXPECT_EQ(heard(0), (Lines{"news: 2"}));
  EXPECT_EQ(heard(1), (Lines{"news: 2"}));
}

TEST_F(BatchingTest, who_comes_back_to_a_log_hears_each_entry_once) {
  ChannelOptions channels = with_history();
  start_gathering(channels);
  const std::string epoch = epoch_of("news");
  publish("news", {"1", "2"});
  ask(1, 2, "news", back_from({epoch, model::Offset{1}}));
  cores.run_until_idle();
  EXPECT_EQ(heard(1), (Lines{"2 subscribed at 1 recovered 2=2"}));
  publish("news", {"3"});
  cores.advance(51ms);
  EXPECT_EQ(heard(1), (Lines{"news: 3"}));
}

TEST_F(BatchingTest, what_was_gathered_for_nobody_is_not_kept_for_the_next_one) {
  publish("news", {"1"});
  ask(0, 3, "news", UnsubscribeAsk{});
  ask(0, 4, "news", SubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"3 unsubscribed", "4 subscribed"}));
  publish("news", {"2"});
  cores.advance(51ms);
  EXPECT_EQ(heard(0), (Lines{"news: 2"}));
}

TEST_F(BatchingTest, what_is_gathered_can_be_asked_for) {
  publish("news", {"1", "2"});
  for (const auto& core : parts) core->hub->deliver_gathered();
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"news: 1 2"}));
  publish("news", {"3"});
  cores.advance(51ms);
  EXPECT_EQ(heard(0), (Lines{"news: 3"}));
}

TEST_F(BatchingTest, other_channels_do_not_wait_for_it) {
  Options mixed;
  mixed.insecure = true;
  ChannelOptions slow;
  slow.batch_max_delay = 50ms;
  mixed.namespaces = Namespaces({}, {}, {{"slow", slow}});
  start(std::move(mixed));
  ask(0, 1, "fast", SubscribeAsk{});
  ask(0, 2, "slow:1", SubscribeAsk{});
  cores.run_until_idle();
  heard(0);
  publish("slow:1", {"1"});
  publish("fast", {"2"});
  EXPECT_EQ(heard(0), (Lines{"fast: 2"}));
  cores.advance(51ms);
  EXPECT_EQ(heard(0), (Lines{"slow:1: 1"}));
}

TEST_F(BatchingTest, a_shorter_delay_is_over_before_a_longer_one_that_began_earlier) {
  Options mixed;
  mixed.insecure = true;
  ChannelOptions slow;
  slow.batch_max_delay = 1s;
  ChannelOptions quick;
  quick.batch_max_delay = 50ms;
  mixed.namespaces = Namespaces({}, {}, {{"slow", slow}, {"quick", quick}});
  start(std::move(mixed));
  // Channels of one home, so that they share its timer.
  for (int i = 0; i < 20; ++i) {
    ask(0, 1, "slow:" + std::to_string(i), SubscribeAsk{});
    ask(0, 2, "quick:" + std::to_string(i), SubscribeAsk{});
  }
  cores.run_until_idle();
  heard(0);
  for (int i = 0; i < 20; ++i) publish("slow:" + std::to_string(i), {"1"});
  for (int i = 0; i < 20; ++i) publish("quick:" + std::to_string(i), {"2"});
  cores.advance(51ms);
  EXPECT_EQ(heard(0).size(), 20U);
  cores.advance(1s);
  EXPECT_EQ(heard(0).size(), 20U);
}

}  // namespace
}  // namespace millrace::hub
