// What a subscriber asked for and may have, and what the server does on all cores at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class NegotiateTest : public HubTest {
 protected:
  // p: positioned, r: recoverable, j: hears joins, d: deltas, m: a member.
  std::string granted(ChannelOptions channels, SubscribeAsk what, const std::string& user = "42") {
    channels.allow_subscribe_for_client = true;
    channels.allow_subscribe_for_anonymous = true;
    Options limited;
    limited.namespaces = Namespaces({}, std::move(channels), {});
    start(std::move(limited));
    ask(1, 1, "news", std::move(what), user);
    cores.run_until_idle();
    const auto* answer = std::get_if<SubscribeAnswer>(&parts[1]->heard.answers.at(0).body);
    if (answer == nullptr) return to_text(parts[1]->heard.answers[0].body);
    std::string text;
    if (answer->positioned) text += "p";
    if (answer->recoverable) text += "r";
    if (answer->join_leave) text += "j";
    if (answer->delta) text += "d";
    if (answer->member != nullptr) text += "m";
    return text;
  }
  // A namespace with a history and nothing else, then as the test has it.
  template <class F>
  static ChannelOptions kept(F&& change) {
    ChannelOptions options;
    options.log = with_history().log;
    change(options);
    return options;
  }
  static SubscribeAsk everything() {
    return {.positioned = true, .recoverable = true, .join_leave = true, .delta = true};
  }
};

TEST_F(NegotiateTest, nobody_gets_what_is_not_allowed) {
  EXPECT_EQ(granted({}, everything()), "");
  EXPECT_EQ(granted(kept([](auto&) {}), everything()), "");
  EXPECT_EQ(granted({}, {.filtered = true}), "error 107");
  ChannelOptions filtering;
  filtering.allow_tags_filter = true;
  EXPECT_EQ(granted(filtering, {.filtered = true}), "");
}

TEST_F(NegotiateTest, positions_and_recovery_need_a_history_and_leave_to_ask) {
  const auto positioning = [](ChannelOptions& of) { of.allow_positioning = true; };
  const auto recovery = [](ChannelOptions& of) { of.allow_recovery = true; };
  const auto clients = [](ChannelOptions& of) { of.allow_history_for_client = true; };
  const auto subscribers = [](ChannelOptions& of) { of.allow_history_for_subscriber = true; };
  EXPECT_EQ(granted(kept(positioning), {}), "") << "nobody asked";
  EXPECT_EQ(granted(kept(positioning), {.positioned = true}), "p");
  EXPECT_EQ(granted(kept(positioning), {.recoverable = true}), "");
  EXPECT_EQ(granted(kept(recovery), {.positioned = true}), "");
  EXPECT_EQ(granted(kept(recovery), {.recoverable = true}), "pr") << "it needs a position";
  EXPECT_EQ(granted(kept(clients), everything()), "pr");
  EXPECT_EQ(granted(kept(subscribers), everything()), "pr");
  EXPECT_EQ(granted(kept(clients), everything(), ""), "") << "anonymous";
  ChannelOptions without = kept(recovery);
  without.log.history_ttl = 0ms;
  EXPECT_EQ(granted(without, everything()), "");
}

TEST_F(NegotiateTest, a_namespace_may_give_what_nobody_asked_for) {
  EXPECT_EQ(granted(kept([](auto& of) { of.force_positioning = true; }), {}), "p");
  EXPECT_EQ(granted(kept([](auto& of) { of.force_recovery = true; }), {}, ""), "pr");
  ChannelOptions without;
  without.force_recovery = true;
  EXPECT_EQ(granted(without, {}), "") << "where there is something to give";
}

TEST_F(NegotiateTest, who_is_present_need_not_hear_of_others) {
  EXPECT_EQ(granted({.presence = true}, everything()), "m");
  EXPECT_EQ(granted({.presence = true, .join_leave = true}, everything()), "m");
  EXPECT_EQ(granted({.join_leave = true, .force_push_join_leave = true}, {}), "jm");
  EXPECT_EQ(granted({.force_push_join_leave = true}, {}), "") << "nobody tells of them";
  ChannelOptions asking{.join_leave = true};
  asking.allow_presence_for_subscriber = true;
  EXPECT_EQ(granted(asking, everything()), "jm");
  EXPECT_EQ(granted(asking, {}), "m");
  EXPECT_EQ(granted(asking, everything(), ""), "m");
}

TEST_F(NegotiateTest, deltas_are_for_those_who_ask_where_they_are_allowed) {
  EXPECT_EQ(granted({.allow_delta = true}, {.delta = true}), "d");
  EXPECT_EQ(granted({.allow_delta = true}, {}), "");
}

TEST_F(NegotiateTest, the_server_needs_no_permission_and_says_what_is_different) {
  const ChannelOptions plain = kept([](auto&) {});
  SubscribeAsk what = everything();
  what.server_side = true;
  EXPECT_EQ(granted(plain, what), "pr");
  SubscribeAsk forced{.server_side = true};
  EXPECT_EQ(granted(plain, forced), "");
  forced.override = {
      .presence = true, .join_leave = true, .force_push_join_leave = true, .force_recovery = true};
  EXPECT_EQ(granted(plain, forced), "prjm");
  SubscribeAsk less{.server_side = true};
  less.override = {.presence = false, .force_recovery = false, .force_positioning = false};
  ChannelOptions all = with_history();
  all.presence = true;
  EXPECT_EQ(granted(all, less), "");
}

// ---- On all cores ----

TEST_F(HubTest, an_order_reaches_every_core_before_its_giver_hears_that_it_is_done) {
  size_t reached = 0;
  parts[1]->hub->order({.whom = {.user = "42"}, .what = UnsubscribeOrder{.channel = "news"}}, [&] {
    for (const auto& core : parts) reached += core->heard.orders.size();
  });
  cores.run_until_idle();
  EXPECT_EQ(reached, kCores);
}

TEST_F(HubTest, channels_of_all_cores_are_listed_with_their_subscribers) {
  const auto list = [this](const std::string& pattern) {
    Lines lines;
    parts[2]->hub->list(pattern, [&lines](const Hub::Listed& listed) {
      EXPECT_TRUE(listed.complete);
      for (const auto& [channel, subscribers] : listed.channels)
        lines.push_back(channel + " " + std::to_string(subscribers));
    });
    cores.run_until_idle();
    std::ranges::sort(lines);
    return lines;
  };
  EXPECT_EQ(list(""), Lines{});
  for (const char* const channel : {"a1", "a2", "b1"}) {
    for (size_t core = 0; core < kCores; ++core) ask(core, 0, channel, SubscribeAsk{});
  }
  ask(0, 0, "a2", SubscribeAsk{});
  cores.run_until_idle();
  EXPECT_EQ(list(""), (Lines{"a1 3", "a2 4", "b1 3"}));
  EXPECT_EQ(list("a*"), (Lines{"a1 3", "a2 4"}));
  EXPECT_EQ(list("?1"), (Lines{"a1 3", "b1 3"}));
}

TEST_F(HubTest, no_more_is_shut_out_than_there_is_room_for) {
  options.bans_max = 1;
  start(std::move(options));
  std::string told;
  for (const char* const user : {"1", "2", "1"}) {
    parts[0]->hub->ban({.subject = user}, [&told](bool kept) { told += kept ? "y" : "n"; });
    cores.run_until_idle();
  }
  EXPECT_EQ(told, "yny");
}

}  // namespace
}  // namespace millrace::hub
