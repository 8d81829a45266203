// Who is there: one channel's members, and what others hear of them.
#include "hub/presence.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

// ---- One channel ----

Presence::Member member(std::string user, std::string client, std::string_view chan_info = {}) {
  auto info = std::make_shared<model::ClientInfo>();
  info->user = std::move(user);
  info->client = std::move(client);
  info->chan_info = base::SharedBytes::copy_of(chan_info);
  return info;
}

TEST(Presence, a_user_with_many_clients_counts_once) {
  Presence presence;
  EXPECT_TRUE(presence.join(member("42", "a"), true));
  EXPECT_TRUE(presence.join(member("42", "b"), true));
  EXPECT_TRUE(presence.join(member("43", "c"), true));
  EXPECT_EQ(presence.clients(), 3U);
  EXPECT_EQ(presence.users(), 2U);
  EXPECT_TRUE(presence.leave("a").announced);
  EXPECT_EQ(presence.users(), 2U);
  presence.leave("b");
  EXPECT_EQ(presence.users(), 1U);
  EXPECT_EQ(presence.leave("b").member, nullptr) << "it has gone already";
  presence.leave("c");
  EXPECT_TRUE(presence.empty());
  EXPECT_EQ(presence.users(), 0U);
}

TEST(Presence, a_client_that_joins_again_before_it_left_is_there_until_it_left_as_often) {
  Presence presence;
  EXPECT_TRUE(presence.join(member("42", "a", "1"), true));
  EXPECT_FALSE(presence.join(member("42", "a", "2"), true)) << "others know of it";
  EXPECT_EQ(presence.clients(), 1U);
  EXPECT_EQ(presence.members()[0]->chan_info.view(), "2") << "what it said last";
  EXPECT_EQ(presence.leave("a").member, nullptr);
  EXPECT_FALSE(presence.linger("x"));
  EXPECT_EQ(presence.clients(), 1U);
  EXPECT_TRUE(presence.linger("a"));
  EXPECT_TRUE(presence.expire("a").announced);
  EXPECT_TRUE(presence.empty());
  EXPECT_EQ(presence.users(), 0U);
}

TEST(Presence, one_who_comes_back_takes_the_place_of_a_client_that_lingers) {
  Presence presence;
  presence.join(member("42", "a"), true);
  EXPECT_TRUE(presence.linger("a"));
  EXPECT_FALSE(presence.linger("a"));
  EXPECT_EQ(presence.clients(), 1U) << "who lingers is there";
  EXPECT_EQ(presence.leave("a").member, nullptr);
  EXPECT_FALSE(presence.join(member("42", "b"), true));
  EXPECT_EQ(presence.clients(), 1U);
  EXPECT_EQ(presence.expire("a").member, nullptr);
  EXPECT_EQ(presence.expire("b").member, nullptr) << "it does not linger";
  EXPECT_TRUE(presence.leave("b").announced);
}

TEST(Presence, nobody_takes_the_place_of_another_user_or_of_one_who_was_announced_otherwise) {
  Presence presence;
  presence.join(member("42", "a"), true);
  presence.linger("a");
  EXPECT_TRUE(presence.join(member("43", "b"), true));
  EXPECT_FALSE(presence.join(member("42", "c"), false)) << "nobody is to hear of it";
  EXPECT_EQ(presence.clients(), 3U);
  EXPECT_TRUE(presence.expire("a").announced) << "and so others hear that this one went";
  presence.join(member("", "d"), true);
  presence.linger("d");
  EXPECT_TRUE(presence.join(member("", "e"), true)) << "anonymous clients are not known again";
}

// ---- Through the hub ----

class PresenceTest : public HubTest {
 protected:
  void SetUp() override { start_with(options_of_channels()); }
  static ChannelOptions options_of_channels() {
    return {.presence = true, .join_leave = true, .force_push_join_leave = true};
  }
  std::string stats() { return call(0, "room", PresenceAsk{.stats_only = true}); }
  std::string present() { return call(1, "room", PresenceAsk{}); }
  void leave(size_t core, const std::string& user, const std::string& client, bool abrupt) {
    ask(core, 0, "room", UnsubscribeAsk{.abrupt = abrupt}, user, client);
    cores.run_until_idle();
  }
};

TEST_F(PresenceTest, a_member_hears_its_answer_then_its_own_join_and_others_hear_it_too) {
  for (size_t core = 0; core < kCores; ++core) {
    start_with(options_of_channels());
    EXPECT_EQ(outcome(2, "room", SubscribeAsk{}, "1", "x"), "subscribed");
    heard(2);
    ask(core, 7, "room", SubscribeAsk{}, "42", "a");
    cores.run_until_idle();
    EXPECT_EQ(heard(core), (Lines{"7 subscribed", "room: +a"}));
    ask(core, 8, "room", UnsubscribeAsk{}, "42", "a");
    cores.run_until_idle();
    const Lines expected =
        core == 2 ? Lines{"8 unsubscribed", "room: -a"} : Lines{"room: +a", "room: -a"};
    EXPECT_EQ(heard(2), expected);
  }
}

TEST_F(PresenceTest, members_and_their_number_are_told_and_nothing_is_left_of_them) {
  EXPECT_EQ(present(), "present");
  for (size_t i = 0; i < 30; ++i)
    ask(i % kCores, 0, "room", SubscribeAsk{}, std::to_string(i % 10), "c" + std::to_string(i));
  cores.run_until_idle();
  EXPECT_EQ(stats(), "30 clients 10 users");
  EXPECT_EQ(total(metrics::Gauge::kPresenceMembers), 30);
  for (size_t i = 0; i < 30; ++i)
    leave(i % kCores, std::to_string(i % 10), "c" + std::to_string(i), i % 2 == 0);
  EXPECT_EQ(stats(), "0 clients 0 users");
  EXPECT_EQ(total(metrics::Gauge::kPresenceMembers), 0);
  EXPECT_EQ(channels(), 0U);
}

TEST_F(PresenceTest, a_client_that_resubscribes_before_it_is_answered_stays) {
  for (size_t core = 0; core < kCores; ++core) {
    ask(core, 1, "room", SubscribeAsk{}, "42", "a");
    ask(core, 2, "room", SubscribeAsk{}, "42", "a");
    cores.run_until_idle();
    leave(core, "42", "a", false);
    EXPECT_EQ(present(), "present a");
    EXPECT_EQ(heard(core), (Lines{"1 subscribed", "room: +a", "2 subscribed"}));
    leave(core, "42", "a", false);
    EXPECT_EQ(present(), "present");
    EXPECT_EQ(channels(), 0U);
  }
}

TEST_F(PresenceTest, one_that_leaves_in_its_answer_is_heard_to_come_before_it_goes) {
  ask(1, 9, "room", SubscribeAsk{}, "1", "x");
  cores.run_until_idle();
  heard(1);
  for (size_t core = 0; core < kCores; ++core) {
    parts[core]->heard.on_answer = [this, core](const Answer& answer) {
      if (answer.to_subscribe) ask(core, 0, "room", UnsubscribeAsk{}, "42", "a");
    };
    ask(core, 1, "room", SubscribeAsk{}, "42", "a");
    cores.run_until_idle();
    std::string told;
    for (const std::string& line : heard(1)) {
      if (line.starts_with("room:")) told += line.substr(5);
    }
    EXPECT_EQ(told, " +a -a") << "from core " << core;
  }
}

TEST_F(PresenceTest, a_leave_that_comes_after_the_turns_end_waits_for_no_other_event) {
  struct Late final : base::TurnHook {
    std::function<void()> once;
    void on_turn_end() override {
      if (once) std::exchange(once, nullptr)();
    }
  };
  for (size_t core = 0; core < kCores; ++core) {
    ask(core, 0, "room", SubscribeAsk{}, "1", "x" + std::to_string(core));
    ask(core, 0, "room", SubscribeAsk{}, "42", "a" + std::to_string(core));
  }
  cores.run_until_idle();
  for (size_t core = 0; core < kCores; ++core) {
    heard(0);
    Late late;
    late.once = [&] { ask(core, 0, "room", UnsubscribeAsk{}, "42", "a" + std::to_string(core)); };
    cores.at(core).add_turn_hook(late);
    cores.run_turn(core);
    cores.run_until_idle();
    EXPECT_EQ(heard(0), (Lines{"room: -a" + std::to_string(core)}));
    cores.at(core).remove_turn_hook(late);
  }
}

TEST_F(PresenceTest, within_the_grace_period_a_flap_is_not_heard_of) {
  ChannelOptions patient = options_of_channels();
  patient.presence_grace_period = 5s;
  start_with(patient);
  ask(0, 1, "room", SubscribeAsk{}, "42", "a");
  ask(1, 2, "room", SubscribeAsk{}, "1", "x");
  cores.run_until_idle();
  heard(1);
  leave(0, "42", "a", true);
  cores.advance(4s);
  EXPECT_EQ(stats(), "2 clients 2 users");
  ask(2, 3, "room", SubscribeAsk{}, "42", "b");
  cores.advance(10s);
  EXPECT_EQ(heard(1), Lines{});
  EXPECT_EQ(present(), "present b x");
  leave(2, "42", "b", true);
  cores.advance(5s);
  EXPECT_EQ(heard(1), (Lines{"room: -b"}));
  leave(1, "1", "x", false);
  EXPECT_EQ(channels(), 0U) << "a goodbye is no flap";
}

TEST_F(PresenceTest, who_lingers_keeps_the_channel_and_very_many_expire_in_parts) {
  ChannelOptions patient = options_of_channels();
  patient.presence_grace_period = 5s;
  start_with(patient);
  constexpr size_t kMany = 2'500;
  for (size_t i = 0; i < kMany; ++i)
    ask(0, 0, "room", SubscribeAsk{}, "42", "c" + std::to_string(i));
  cores.run_until_idle();
  for (size_t i = 0; i < kMany; ++i)
    ask(0, 0, "room", UnsubscribeAsk{.abrupt = true}, "42", "c" + std::to_string(i));
  cores.run_until_idle();
  EXPECT_EQ(stats(), "2500 clients 1 users");
  cores.advance(5s - 1us);
  EXPECT_EQ(channels(), 1U);
  cores.advance(1us);
  EXPECT_EQ(stats(), "0 clients 0 users");
  EXPECT_EQ(total(metrics::Gauge::kPresenceMembers), 0);
  EXPECT_EQ(channels(), 0U);
}

TEST_F(PresenceTest, more_members_than_an_answer_may_list_have_their_number_only) {
  Options tight;
  tight.insecure = true;
  tight.presence_members_max = 2;
  tight.namespaces = Namespaces({}, options_of_channels(), {});
  start(std::move(tight));
  for (const char* const client : {"a", "b"}) ask(0, 0, "room", SubscribeAsk{}, "1", client);
  cores.run_until_idle();
  EXPECT_EQ(present(), "present a b");
  ask(0, 0, "room", SubscribeAsk{}, "1", "c");
  cores.run_until_idle();
  EXPECT_EQ(present(), "error 106");
  EXPECT_EQ(stats(), "3 clients 1 users");
}

}  // namespace
}  // namespace millrace::hub
