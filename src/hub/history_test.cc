// Publishing into logs and reading them: numbers, repeated and outdated publishes, shared reads.
#include <gtest/gtest.h>

#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class HistoryTest : public HubTest {
 protected:
  void SetUp() override { start_with(with_history()); }
  static PublishAsk keyed(std::string_view data, std::string key) {
    PublishAsk what = message(data);
    what.idempotency_key = std::move(key);
    return what;
  }
  static PublishAsk versioned(std::string_view data, uint64_t version, std::string epoch = "") {
    PublishAsk what = message(data);
    what.version = version;
    what.version_epoch = std::move(epoch);
    return what;
  }
};

TEST_F(HistoryTest, is_read_from_either_end_and_from_any_place) {
  publish("news", {"a", "b", "c", "d"});
  const std::string epoch = epoch_of("news");
  const auto read = [this](HistoryAsk what) { return outcome(1, "news", std::move(what)); };
  EXPECT_EQ(read({}), "history to 4 1=a 2=b 3=c 4=d");
  EXPECT_EQ(read({.limit = 0}), "history to 4");
  EXPECT_EQ(read({.limit = 2}), "history to 4 1=a 2=b");
  EXPECT_EQ(read({.limit = 2, .reverse = true}), "history to 4 4=d 3=c");
  const model::Position second{epoch, model::Offset{2}};
  EXPECT_EQ(read({.since = second}), "history to 4 3=c 4=d");
  EXPECT_EQ(read({.since = second, .reverse = true}), "history to 4 1=a");
  EXPECT_EQ(read({.since = model::Position{"", model::Offset{3}}}), "history to 4 4=d");
  EXPECT_EQ(read({.since = model::Position{"elsewhere", model::Offset{3}}}), "error 112");
  EXPECT_EQ(read({.since = model::Position{epoch, model::Offset{0}}, .reverse = true}),
            "error 107");
}

TEST_F(HistoryTest, clients_get_no_more_at_once_than_is_allowed) {
  options.history_max_publication_limit = 2;
  publish("news", {"a", "b", "c"});
  EXPECT_EQ(outcome(0, "news", HistoryAsk{}), "history to 3 1=a 2=b");
  EXPECT_EQ(outcome(0, "news", HistoryAsk{.limit = 3}), "history to 3 1=a 2=b");
  EXPECT_EQ(call(0, "news", HistoryAsk{.limit = 3}), "history to 3 1=a 2=b 3=c")
      << "the server API does";
}

TEST_F(HistoryTest, can_be_removed_and_numbers_go_on) {
  publish("news", {"a", "b"});
  EXPECT_EQ(call(1, "news", HistoryRemoveAsk{}), "removed");
  EXPECT_EQ(call(1, "news", HistoryAsk{}), "history to 2");
  EXPECT_EQ(call(1, "news", message("c")), "published 3");
}

TEST_F(HistoryTest, a_repeated_publish_gets_the_first_answer_and_is_not_delivered_again) {
  outcome(1, "news", SubscribeAsk{});
  EXPECT_EQ(call(0, "news", keyed("a", "k")), "published 1");
  EXPECT_EQ(call(0, "news", message("b")), "published 2");
  EXPECT_EQ(call(2, "news", keyed("a", "k")), "published 1");
  EXPECT_EQ(call(2, "other", keyed("a", "k")), "published 1") << "keys are a channel's own";
  EXPECT_EQ(heard(1), (Lines{"news: a", "news: b"}));
  EXPECT_EQ(total(metrics::Counter::kSuppressed), 1U);
  cores.advance(5min);
  EXPECT_EQ(call(0, "news", keyed("a", "k")), "published 3") << "its window is over";
}

TEST_F(HistoryTest, an_outdated_version_is_not_published) {
  outcome(1, "news", SubscribeAsk{});
  EXPECT_EQ(call(0, "news", versioned("a", 5)), "published 1");
  EXPECT_EQ(call(0, "news", versioned("b", 5)), "published 1");
  EXPECT_EQ(call(0, "news", versioned("c", 4)), "published 1");
  EXPECT_EQ(call(0, "news", versioned("d", 6)), "published 2");
  EXPECT_EQ(call(0, "news", versioned("e", 1, "new")), "published 3");
  EXPECT_EQ(heard(1), (Lines{"news: a", "news: d", "news: e"}));
}

TEST_F(HistoryTest, without_history_repeated_and_outdated_publishes_are_known_all_the_same) {
  start_with({});
  outcome(1, "news", SubscribeAsk{});
  EXPECT_EQ(call(0, "news", keyed("a", "k")), "published");
  EXPECT_EQ(call(2, "news", keyed("a", "k")), "published");
  EXPECT_EQ(call(0, "news", versioned("b", 5)), "published");
  EXPECT_EQ(call(0, "news", versioned("c", 5)), "published");
  EXPECT_EQ(call(0, "news", message("d")), "published");
  EXPECT_EQ(heard(1), (Lines{"news: a", "news: b", "news: d"}));
  EXPECT_EQ(call(0, "news", HistoryAsk{}), "error 108");
}

TEST_F(HistoryTest, a_publication_may_leave_no_trace) {
  outcome(1, "news", SubscribeAsk{});
  PublishAsk passing = keyed("b", "k");
  passing.skip_history = true;
  publish("news", {"a"});
  EXPECT_EQ(call(0, "news", passing), "published");
  EXPECT_EQ(call(0, "news", passing), "published");
  publish("news", {"c"});
  EXPECT_EQ(heard(1), (Lines{"news: a", "news: b", "news: c"}));
  EXPECT_EQ(call(0, "news", HistoryAsk{}), "history to 2 1=a 2=c");
}

TEST_F(HistoryTest, who_is_not_to_hear_a_publication_is_named_to_every_core) {
  outcome(1, "news", SubscribeAsk{});
  outcome(2, "news", SubscribeAsk{});
  PublishAsk what = message("a");
  what.exclude = "client";
  call(0, "news", std::move(what));
  for (size_t core = 1; core < kCores; ++core)
    EXPECT_EQ(parts[core]->heard.events.at(0).exclude, "client");
}

TEST_F(HistoryTest, a_client_publishes_as_itself_and_as_its_subscription_says) {
  outcome(1, "news", SubscribeAsk{});
  PublishAsk what = message("a");
  what.chan_info = base::SharedBytes::copy_of("{}");
  outcome(0, "news", std::move(what), "42", "me");
  publish("news", {"b"});
  const std::vector<Event>& events = parts[1]->heard.events;
  EXPECT_EQ(events.at(0).publication.info->user, "42");
  EXPECT_EQ(events.at(0).publication.info->client, "me");
  EXPECT_EQ(events.at(0).publication.info->chan_info.view(), "{}");
  EXPECT_EQ(events.at(1).publication.info, nullptr) << "the server API is nobody";
}

TEST_F(HistoryTest, many_who_ask_the_same_at_once_cost_one_read) {
  publish("news", {"a"});
  const std::string epoch = epoch_of("news");
  const auto reads = [this] { return total(metrics::Counter::kHistoryReads); };
  uint64_t before = reads();
  for (uint32_t i = 0; i < 100; ++i) ask(0, i + 1, "news", HistoryAsk{});
  cores.run_until_idle();
  EXPECT_EQ(reads(), before + 1);
  before = reads();
  for (uint32_t i = 0; i < 100; ++i) ask(0, i + 1, "news", back_from({epoch, model::Offset{0}}));
  cores.run_until_idle();
  EXPECT_EQ(reads(), before + 1);
  EXPECT_EQ(total(metrics::Counter::kRecovered), 100U);
  EXPECT_EQ(total(metrics::Counter::kHistoryReadsShared), 198U);
}

TEST_F(HistoryTest, a_read_that_was_shared_is_never_older_than_what_the_asker_knows) {
  publish("news", {"a"});
  heard(0);
  ask(0, 1, "news", HistoryAsk{});
  ask(0, 2, "news", message("b"));
  ask(0, 3, "news", HistoryAsk{});
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"1 history to 1 1=a", "2 published 2", "3 history to 2 1=a 2=b"}));
  for (const auto& core : parts) {
    core->hub->call("news", HistoryAsk{}, [](const AnswerBody&) {});
    core->hub->call("news", HistoryRemoveAsk{}, [](const AnswerBody&) {});
  }
  EXPECT_EQ(call(0, "news", HistoryAsk{}), "history to 2");
}

}  // namespace
}  // namespace millrace::hub
