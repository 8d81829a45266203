// Delivering, interest and permissions of hubs on several cores.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

TEST_F(HubTest, a_publication_reaches_each_interested_core_once_whichever_core_published) {
  for (size_t publisher = 0; publisher < kCores; ++publisher) {
    const std::string channel = "news" + std::to_string(publisher);
    ask(0, 1, channel, SubscribeAsk{});
    ask(0, 2, channel, SubscribeAsk{});
    ask(1, 3, channel, SubscribeAsk{});
    cores.run_until_idle();
    EXPECT_EQ(heard(0), (Lines{"1 subscribed", "2 subscribed"}));
    EXPECT_EQ(heard(1), (Lines{"3 subscribed"}));
    ask(publisher, 9, channel, message("1"));
    cores.run_until_idle();
    Lines first = heard(0);
    EXPECT_EQ(std::ranges::count(first, channel + ": 1"), 1);
    EXPECT_EQ(std::ranges::count(heard(1), channel + ": 1"), 1);
    EXPECT_EQ(std::ranges::count(heard(2), channel + ": 1"), 0);
  }
}

TEST_F(HubTest, what_a_turn_brought_for_a_channel_leaves_together_and_in_order) {
  ask(0, 1, "news", SubscribeAsk{});
  cores.run_until_idle();
  heard(0);
  for (int i = 0; i < 5; ++i) ask(0, 0, "news", message(std::to_string(i)));
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"news: 0 1 2 3 4"}));
}

TEST_F(HubTest, control_messages_pass_through_the_hub) {
  const auto send = [this](std::string node) {
    base::Result<> answer;
    parts[1]->hub->send_control({.node = std::move(node), .core = base::CoreId{1}}, "hello",
                                [&](base::Result<> result) { answer = std::move(result); });
    return answer;
  };
  EXPECT_TRUE(send("node"));
  EXPECT_EQ(heard(1), (Lines{"control hello"}));
  for (const char* const nobody : {"", "another", "a.*", "node\n", "no de"}) {
    const base::Result<> result = send(nobody);
    ASSERT_FALSE(result) << nobody;
    EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  }
  EXPECT_TRUE(heard(1).empty());
}

TEST_F(HubTest, a_subscription_hears_nothing_that_was_published_before_it) {
  ask(1, 1, "news", SubscribeAsk{});
  cores.run_until_idle();
  // All in one turn of the home core, wherever that is.
  ask(0, 2, "news", message("before"));
  ask(0, 3, "news", SubscribeAsk{});
  ask(0, 4, "news", message("after"));
  cores.run_until_idle();
  const Lines lines = heard(0);
  EXPECT_TRUE(std::ranges::none_of(
      lines, [](const std::string& line) { return line.find("before") != std::string::npos; }));
  const auto subscribed = std::ranges::find(lines, "3 subscribed");
  const auto after = std::ranges::find(lines, "news: after");
  ASSERT_NE(after, lines.end());
  EXPECT_LT(subscribed, after);
}

TEST_F(HubTest, interest_ends_with_the_last_subscription_and_nothing_is_left) {
  for (size_t core = 0; core < kCores; ++core) ask(core, 1, "news", SubscribeAsk{});
  ask(0, 2, "news", SubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(channels(), 1U);
  for (size_t core = 0; core < kCores; ++core) {
    ask(core, 5, "news", UnsubscribeAsk{});
    cores.run_until_idle();
    EXPECT_EQ(heard(core).back(), "5 unsubscribed");
  }
  EXPECT_EQ(channels(), 1U) << "core 0 had two";
  ask(0, 0, "news", UnsubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(heard(0), Lines{}) << "an ask without an id is not answered";
  EXPECT_EQ(channels(), 0U);
  EXPECT_EQ(total(metrics::Gauge::kChannels), 0);
  ask(0, 6, "news", message("1"));
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"6 published"}));
}

TEST_F(HubTest, a_channel_that_is_left_and_joined_within_a_turn_delivers_only_what_came_after) {
  ask(0, 1, "news", SubscribeAsk{});
  cores.run_until_idle();
  heard(0);
  ask(0, 0, "news", message("before"));
  ask(0, 2, "news", UnsubscribeAsk{});
  ask(0, 3, "news", SubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"2 unsubscribed", "3 subscribed"}));
  ask(0, 0, "news", message("old"));
  ask(0, 4, "news", UnsubscribeAsk{});
  ask(0, 5, "news", SubscribeAsk{});
  ask(0, 0, "news", message("after"));
  cores.run_until_idle();
  EXPECT_EQ(heard(0), (Lines{"4 unsubscribed", "5 subscribed", "news: after"}));
}

TEST_F(HubTest, features_that_the_channels_do_not_have_are_not_available) {
  ask(0, 1, "news", PresenceAsk{});
  ask(0, 2, "news", PresenceAsk{.stats_only = true});
  ask(0, 3, "news", HistoryAsk{});
  ask(0, 4, "nowhere:1", HistoryAsk{});
  EXPECT_EQ(heard(0), (Lines{"1 error 108", "2 error 108", "3 error 108", "4 error 102"}));
}

TEST_F(HubTest, the_server_api_publishes_without_permission) {
  start({});
  for (const char* const channel : {"news", "nowhere:1"}) {
    parts[1]->hub->call(channel, message("1"), [&](const AnswerBody& answer) {
      const auto* error = std::get_if<model::ReplyError>(&answer);
      parts[1]->heard.lines.push_back(error != nullptr ? std::to_string(error->code) : "done");
    });
  }
  cores.run_until_idle();
  Lines lines = heard(1);
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Lines{"102", "done"}));
}

class HubPermissionTest : public HubTest {
 protected:
  std::string subscribe(std::string channel, std::string user) {
    return outcome(0, std::move(channel), SubscribeAsk{}, std::move(user));
  }
  std::string publish(std::string channel, std::string user, bool subscribed,
                      std::string_view data = "1") {
    return outcome(0, std::move(channel),
                   PublishAsk{.data = base::SharedBytes::copy_of(data), .subscribed = subscribed},
                   std::move(user));
  }
};

TEST_F(HubPermissionTest, without_options_nobody_may_do_anything) {
  start({});
  EXPECT_EQ(subscribe("news", "42"), "error 103");
  EXPECT_EQ(publish("news", "42", true), "error 103");
}

TEST_F(HubPermissionTest, options_allow_clients_subscribers_and_anonymous_users_apart) {
  Options limited;
  limited.namespaces = Namespaces(
      {}, {.allow_subscribe_for_client = true, .allow_publish_for_subscriber = true},
      {{"open",
        {.allow_subscribe_for_client = true,
         .allow_subscribe_for_anonymous = true,
         .allow_publish_for_client = true,
         .allow_publish_for_anonymous = true}},
       {"user", {.allow_user_limited_channels = true}},
       {"object",
        {.allow_publish_for_client = true, .publication_data_format = DataFormat::kJsonObject}}});
  start(std::move(limited));
  EXPECT_EQ(subscribe("news", "42"), "subscribed");
  EXPECT_EQ(subscribe("news", ""), "error 103");
  EXPECT_EQ(subscribe("$news", "42"), "error 103") << "a private channel needs a token";
  EXPECT_EQ(subscribe("open:1", ""), "subscribed");
  EXPECT_EQ(subscribe("user:x#42,43", "43"), "subscribed");
  EXPECT_EQ(subscribe("user:x#42,43", "44"), "error 103");
  EXPECT_EQ(subscribe("news#42", "42"), "error 103")
      << "user-limited channels are not allowed here";
  EXPECT_EQ(publish("news", "42", false), "error 103");
  EXPECT_EQ(publish("news", "42", true), "published");
  EXPECT_EQ(publish("open:1", "", false), "published");
  EXPECT_EQ(publish("open:1", "", false, ""), "error 107") << "no data";
  EXPECT_EQ(publish("object:1", "42", false, "[1]"), "error 107");
  EXPECT_EQ(publish("object:1", "42", false, " {}"), "published");
}

TEST_F(HubPermissionTest, a_home_core_that_has_fallen_behind_refuses_publishes) {
  Options tight;
  tight.insecure = true;
  tight.mailbox_max = 10;
  start(std::move(tight));
  for (size_t core = 0; core < kCores; ++core) {
    for (int i = 0; i < 11; ++i) cores.at(core).post([] {});
  }
  ask(0, 1, "news", message("1"));
  EXPECT_EQ(heard(0), (Lines{"1 error 111"}));
  cores.run_until_idle();
  EXPECT_EQ(publish("news", "", false), "published");
}

}  // namespace
}  // namespace millrace::hub
