// Positions and recovery, with the real memory broker and store.
#include <gtest/gtest.h>

#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class StreamTest : public HubTest {
 protected:
  void SetUp() override { start_with(with_history()); }
  const SubscribeAnswer& subscribed(size_t core) {
    return std::get<SubscribeAnswer>(parts[core]->heard.answers.back().body);
  }
  std::string come_back(uint64_t offset, const std::string& epoch, size_t core = 1) {
    return outcome(core, "news", back_from({epoch, model::Offset{offset}}));
  }
};

TEST_F(StreamTest, a_subscriber_learns_its_position_even_in_an_empty_channel) {
  EXPECT_EQ(outcome(1, "news", SubscribeAsk{}), "subscribed at 0");
  EXPECT_TRUE(subscribed(1).positioned);
  EXPECT_TRUE(subscribed(1).recoverable);
  EXPECT_EQ(subscribed(1).position.epoch.size(), 8U);
  EXPECT_EQ(subscribed(1).position.epoch, epoch_of("news"));
  publish("news", {"a", "b"});
  EXPECT_EQ(outcome(2, "news", SubscribeAsk{}), "subscribed at 2");
  EXPECT_EQ(subscribed(2).position.epoch, epoch_of("news"));
}

TEST_F(StreamTest, what_was_missed_comes_in_the_answer_once_and_in_order) {
  const std::string epoch = epoch_of("news");
  publish("news", {"a", "b", "c"});
  EXPECT_EQ(come_back(0, epoch), "subscribed at 0 recovered 1=a 2=b 3=c");
  EXPECT_EQ(come_back(2, epoch), "subscribed at 2 recovered 3=c");
  EXPECT_EQ(come_back(2, ""), "subscribed at 2 recovered 3=c") << "any epoch will do";
  EXPECT_EQ(come_back(3, epoch), "subscribed at 3 recovered");
  publish("news", {"d"});
  EXPECT_EQ(heard(1), (Lines{"news: d"}));
  EXPECT_EQ(total(metrics::Counter::kRecovered), 4U);
}

TEST_F(StreamTest, a_position_that_never_was_is_not_recovered) {
  const std::string epoch = epoch_of("news");
  publish("news", {"a", "b"});
  EXPECT_EQ(come_back(3, epoch), "subscribed at 2 unrecovered");
  EXPECT_EQ(come_back(~uint64_t{0}, epoch), "subscribed at 2 unrecovered");
  EXPECT_EQ(come_back(2, "elsewhere"), "subscribed at 2 unrecovered");
  EXPECT_EQ(total(metrics::Counter::kUnrecoverable), 3U);
}

TEST_F(StreamTest, more_than_the_limit_is_not_recovered_in_part) {
  options.recovery_max_publication_limit = 3;
  const std::string epoch = epoch_of("news");
  publish("news", {"a", "b", "c"});
  EXPECT_EQ(come_back(0, epoch, 0), "subscribed at 0 recovered 1=a 2=b 3=c");
  ask(0, 0, "news", UnsubscribeAsk{});
  publish("news", {"d"});
  EXPECT_EQ(come_back(0, epoch), "subscribed at 4 unrecovered");
  EXPECT_EQ(come_back(1, epoch), "subscribed at 1 recovered 2=b 3=c 4=d");
  EXPECT_EQ(come_back(0, epoch), "subscribed at 4 unrecovered") << "now the channel is known";
}

TEST_F(StreamTest, more_bytes_than_the_bound_are_not_recovered_in_part) {
  options.recovery_bytes_max = 10;
  const std::string epoch = epoch_of("news");
  publish("news", {"12345", "67890"});
  EXPECT_EQ(come_back(0, epoch), "subscribed at 0 recovered 1=12345 2=67890");
  publish("news", {"x"});
  EXPECT_EQ(come_back(0, epoch), "subscribed at 3 unrecovered");
  EXPECT_EQ(come_back(1, epoch), "subscribed at 1 recovered 2=67890 3=x");
}

TEST_F(StreamTest, more_than_history_holds_is_not_recovered) {
  start_with(with_history(2));
  const std::string epoch = epoch_of("news");
  publish("news", {"a", "b", "c"});
  EXPECT_EQ(come_back(0, epoch), "subscribed at 3 unrecovered");
  EXPECT_EQ(come_back(1, epoch), "subscribed at 1 recovered 2=b 3=c");
  EXPECT_EQ(call(0, "news", HistoryRemoveAsk{}), "removed");
  EXPECT_EQ(come_back(2, epoch), "subscribed at 3 unrecovered");
  EXPECT_EQ(come_back(3, epoch), "subscribed at 3 recovered");
}

TEST_F(StreamTest, recovery_ends_exactly_with_the_history_ttl) {
  const std::string epoch = epoch_of("news");
  publish("news", {"a"});
  cores.advance(60s - 1us);
  EXPECT_EQ(come_back(0, epoch), "subscribed at 0 recovered 1=a");
  cores.advance(1us);
  EXPECT_EQ(come_back(0, epoch), "subscribed at 1 unrecovered");
  EXPECT_EQ(come_back(1, epoch), "subscribed at 1 recovered") << "who has all of it lost nothing";
}

TEST_F(StreamTest, who_insists_on_recovery_is_refused_and_leaves_nothing) {
  const std::string epoch = epoch_of("news");
  publish("news", {"a"});
  SubscribeAsk strict = back_from({"elsewhere", model::Offset{1}});
  strict.reject_unrecovered = true;
  EXPECT_EQ(outcome(1, "news", strict), "error 112");
  EXPECT_EQ(channels(), 0U);
  strict.since.epoch = epoch;
  EXPECT_EQ(outcome(1, "news", strict), "subscribed at 1 recovered");
  strict.recover = false;
  EXPECT_EQ(outcome(2, "news", strict), "subscribed at 1");
}

TEST_F(StreamTest, a_log_that_was_made_anew_interrupts_those_with_a_position_in_the_old_one) {
  ChannelOptions short_lived = with_history();
  short_lived.log.history_ttl = 1s;
  short_lived.log.meta_ttl = 2s;
  start_with(short_lived);
  for (size_t joiner = 0; joiner < kCores; ++joiner) {
    const std::string name = "news" + std::to_string(joiner);
    const std::string before = epoch_of(name);
    publish(name, {"a"});
    EXPECT_EQ(outcome(0, name, SubscribeAsk{}), "subscribed at 1");
    cores.advance(10s);
    heard(0);
    // By one who comes, on any core, or by a publication.
    if (joiner > 0) {
      const std::string text = outcome(joiner, name, back_from({before, model::Offset{1}}));
      EXPECT_EQ(text, "subscribed at 0 unrecovered");
      EXPECT_EQ(heard(0), (Lines{name + ": interruption"}));
    }
    publish(name, {"b"});
    EXPECT_NE(epoch_of(name), before);
    std::string told;
    for (const std::string& line : heard(0)) told += line.substr(6);
    EXPECT_EQ(told, joiner > 0 ? " b" : " interruption b");
  }
}

TEST_F(StreamTest, sessions_that_leave_when_interrupted_may_take_the_channel_along) {
  ChannelOptions short_lived = with_history();
  short_lived.log.history_ttl = 1s;
  short_lived.log.meta_ttl = 2s;
  start_with(short_lived);
  for (size_t core = 0; core < kCores; ++core) {
    parts[core]->heard.on_deliver = [this, core](std::string_view channel, auto events) {
      for (const Event& event : events) {
        if (event.kind == Event::Kind::kInterruption)
          ask(core, 0, std::string(channel), UnsubscribeAsk{});
      }
    };
  }
  // Both on the channel's home core, wherever that is, and elsewhere.
  for (size_t i = 0; i < 20; ++i) {
    const std::string name = "news" + std::to_string(i);
    for (size_t core = 0; core < kCores; ++core) {
      EXPECT_EQ(outcome(core, name, SubscribeAsk{}), "subscribed at 0");
      cores.advance(10s);
      EXPECT_EQ(outcome(core, name, SubscribeAsk{}), "subscribed at 0");
      ask(core, 0, name, UnsubscribeAsk{});
      cores.run_until_idle();
      EXPECT_EQ(channels(), 0U);
    }
  }
}

TEST_F(StreamTest, who_has_no_position_hears_everything_all_the_same) {
  ChannelOptions channels_of = with_history();
  channels_of.force_positioning = false;
  channels_of.force_recovery = false;
  start_with(channels_of);
  EXPECT_EQ(outcome(1, "news", SubscribeAsk{}), "subscribed");
  publish("news", {"a"});
  EXPECT_EQ(outcome(1, "news", back_from({"", model::Offset{0}})), "subscribed at 0 recovered 1=a");
  heard(1);
  publish("news", {"b"});
  EXPECT_EQ(heard(1), (Lines{"news: b"}));
}

// ---- Cache mode ----

class CacheTest : public StreamTest {
 protected:
  void SetUp() override { start_cache(false); }
  void start_cache(bool by_itself) {
    ChannelOptions cache = with_history();
    cache.recovery_mode = RecoveryMode::kCache;
    cache.auto_cache_recover = by_itself;
    start_with(cache);
  }
};

TEST_F(CacheTest, the_newest_publication_is_enough) {
  const std::string epoch = epoch_of("news");
  EXPECT_EQ(come_back(0, ""), "subscribed at 0 unrecovered") << "there is none";
  EXPECT_EQ(come_back(0, epoch), "subscribed at 0 recovered") << "and it had none";
  publish("news", {"a", "b", "c"});
  EXPECT_EQ(come_back(0, ""), "subscribed at 3 recovered 3=c");
  EXPECT_EQ(come_back(1, "elsewhere"), "subscribed at 3 recovered 3=c");
  EXPECT_EQ(come_back(3, epoch), "subscribed at 3 recovered") << "it has that one";
  cores.advance(60s);
  EXPECT_EQ(come_back(1, epoch), "subscribed at 3 unrecovered");
}

TEST_F(CacheTest, a_channel_may_send_it_to_whoever_comes) {
  start_cache(true);
  EXPECT_EQ(outcome(1, "news", SubscribeAsk{}), "subscribed at 0 unrecovered");
  publish("news", {"a", "b"});
  EXPECT_EQ(outcome(1, "news", SubscribeAsk{}), "subscribed at 2 recovered 2=b");
  SubscribeAsk strict;
  strict.reject_unrecovered = true;
  EXPECT_EQ(outcome(1, "empty", strict), "subscribed at 0 unrecovered")
      << "it did not ask to be recovered";
}

}  // namespace
}  // namespace millrace::hub
