// Coming in and staying: tokens, and how many connections a user may have.
#include <gtest/gtest.h>

#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class TokensTest : public HubTest {
 protected:
  void SetUp() override { start_with_keys({}); }
  void start_with_keys(Options given) {
    auth::Options with_key;
    with_key.hmac_secret_key = "secret";
    start(std::move(given), std::move(with_key));
  }
  static int64_t in(int64_t seconds) { return base::wall_clock_ms() / 1000 + seconds; }
  static std::string token(std::string user, int64_t expire_at = 0, std::string channel = "") {
    return auth::make_token("secret", {.user = std::move(user),
                                       .channel = std::move(channel),
                                       .expire_at = expire_at,
                                       .issued_at = in(-60)});
  }
  std::string connect(size_t core, std::string with) {
    return outcome(core, "", ConnectAsk{.token = std::move(with)});
  }
  std::string refresh(std::string with, std::vector<std::string> channels = {}) {
    return outcome(1, "", RefreshAsk{.token = std::move(with), .channels = std::move(channels)},
                   "42");
  }
  std::string subscribe(const std::string& channel, std::string with) {
    return outcome(1, channel, SubscribeAsk{.token = std::move(with)}, "42");
  }
  std::string refresh_subscription(std::string with) {
    return outcome(1, "news", SubRefreshAsk{.token = std::move(with)}, "42");
  }
  size_t users() {
    size_t sum = 0;
    parts[1]->hub->count_users([&sum](size_t count) { sum = count; });
    cores.run_until_idle();
    return sum;
  }
};

TEST_F(TokensTest, a_token_says_who_it_is) {
  for (size_t core = 0; core < kCores; ++core) {
    EXPECT_EQ(connect(core, token("42", in(100))), "connected 42");
    const auto& answer = std::get<ConnectAnswer>(parts[core]->heard.answers.back().body);
    EXPECT_NEAR(static_cast<double>(answer.expire_at), static_cast<double>(in(100)), 2);
  }
  EXPECT_EQ(connect(0, token("")), "connected ");
  EXPECT_EQ(connect(0, "garbage"), "disconnect 3500");
  EXPECT_EQ(connect(0, token("42", in(-10))), "error 109");
  EXPECT_EQ(connect(0, token("42", 0, "news")), "disconnect 3500") << "it is a subscription's";
  EXPECT_EQ(connect(0, ""), "disconnect 3501");
}

TEST_F(TokensTest, anonymous_clients_come_in_only_where_they_may) {
  Options strict;
  strict.disallow_anonymous_connection_tokens = true;
  start_with_keys(std::move(strict));
  EXPECT_EQ(connect(0, token("")), "disconnect 3507");
  EXPECT_EQ(connect(0, token("42")), "connected 42");
  Options open;
  open.allow_anonymous_connect_without_token = true;
  start_with_keys(std::move(open));
  EXPECT_EQ(connect(0, ""), "connected ");
  EXPECT_EQ(connect(0, "garbage"), "disconnect 3500") << "a token that is sent is looked at";
  ask(0, 0, "", LeaveAsk{});
  cores.run_until_idle();
  EXPECT_EQ(users(), 0U);
}

TEST_F(TokensTest, a_connection_is_prolonged_by_a_token_of_the_same_user_with_the_same_channels) {
  EXPECT_EQ(refresh(token("42", in(100))), "refreshed");
  EXPECT_EQ(refresh(token("43", in(100))), "disconnect 3500");
  EXPECT_EQ(refresh("garbage"), "disconnect 3500");
  EXPECT_EQ(refresh(token("42", in(-10))), "disconnect 3005");
  EXPECT_EQ(refresh(token("42", in(100)), {"news"}), "disconnect 3010");
  start({});
  EXPECT_EQ(refresh(token("42")), "disconnect 3501") << "there are no keys";
}

TEST_F(TokensTest, a_subscriptions_token_opens_its_channel_to_its_user) {
  EXPECT_EQ(subscribe("news", ""), "error 103");
  EXPECT_EQ(subscribe("news", token("42", 0, "news")), "subscribed");
  EXPECT_EQ(subscribe("$news", token("42", 0, "$news")), "subscribed");
  EXPECT_EQ(subscribe("news", token("42", 0, "other")), "disconnect 3500");
  EXPECT_EQ(subscribe("news", token("43", 0, "news")), "disconnect 3500");
  EXPECT_EQ(subscribe("news", token("42")), "error 103") << "it is a connection's";
  EXPECT_EQ(subscribe("news", "garbage"), "error 103");
  EXPECT_EQ(subscribe("news", token("42", in(-10), "news")), "error 109");
  EXPECT_EQ(subscribe("nowhere:1", token("42", 0, "nowhere:1")), "error 102");
}

TEST_F(TokensTest, a_subscription_is_prolonged_by_a_token_for_the_same) {
  EXPECT_EQ(refresh_subscription(token("42", in(100), "news")), "sub refreshed");
  EXPECT_EQ(refresh_subscription(token("42", in(-10), "news")), "disconnect 3006");
  EXPECT_EQ(refresh_subscription(token("42", in(100), "other")), "disconnect 3500");
  EXPECT_EQ(refresh_subscription(token("43", in(100), "news")), "disconnect 3500");
  EXPECT_EQ(refresh_subscription("garbage"), "disconnect 3500");
}

TEST_F(TokensTest, a_user_has_no_more_connections_than_allowed_on_all_cores_together) {
  Options limited;
  limited.user_connection_limit = 2;
  start_with_keys(std::move(limited));
  EXPECT_EQ(connect(0, token("42")), "connected 42");
  EXPECT_EQ(connect(1, token("42")), "connected 42");
  EXPECT_EQ(connect(2, token("42")), "disconnect 3504");
  EXPECT_EQ(connect(2, token("43")), "connected 43");
  EXPECT_EQ(connect(2, token("")), "connected ");
  EXPECT_EQ(users(), 2U);
  EXPECT_EQ(total(metrics::Gauge::kUsers), 2);
  ask(1, 0, "", LeaveAsk{}, "42");
  cores.run_until_idle();
  EXPECT_EQ(connect(2, token("42")), "connected 42");
  for (const char* const user : {"42", "42", "43"}) ask(0, 0, "", LeaveAsk{}, user);
  cores.run_until_idle();
  EXPECT_EQ(users(), 0U);
  EXPECT_EQ(total(metrics::Gauge::kUsers), 0);
}

TEST_F(TokensTest, who_is_banned_is_cut_everywhere_and_does_not_come_in_again) {
  bool kept = false;
  parts[1]->hub->ban({.subject = "42"}, [&kept](bool done) { kept = done; });
  cores.run_until_idle();
  EXPECT_TRUE(kept);
  for (const auto& core : parts) {
    ASSERT_EQ(core->heard.orders.size(), 1U);
    EXPECT_EQ(core->heard.orders[0].whom.user, "42");
    EXPECT_EQ(std::get<DisconnectOrder>(core->heard.orders[0].what).code, 3503);
    EXPECT_TRUE(core->hub->banned({.user = "42"}));
  }
  EXPECT_EQ(connect(0, token("42")), "disconnect 3507");
  EXPECT_EQ(refresh(token("42")), "disconnect 3507");
  EXPECT_EQ(connect(2, token("43")), "connected 43");
  bool lifted = false;
  parts[2]->hub->lift(Ban::Kind::kUser, "42", [&lifted] { lifted = true; });
  cores.run_until_idle();
  EXPECT_TRUE(lifted);
  EXPECT_EQ(connect(0, token("42")), "connected 42");
}

TEST_F(TokensTest, tokens_from_before_a_time_are_good_no_more) {
  parts[0]->hub->ban({.kind = Ban::Kind::kUserTokens, .subject = "42", .issued_before = in(-30)},
                     [](bool) {});
  cores.run_until_idle();
  EXPECT_EQ(connect(1, token("42")), "disconnect 3500") << "it was issued a minute ago";
  EXPECT_EQ(refresh(token("42")), "disconnect 3500");
  EXPECT_EQ(subscribe("news", token("42", 0, "news")), "disconnect 3500");
  EXPECT_EQ(refresh_subscription(token("42", 0, "news")), "disconnect 3500");
  EXPECT_EQ(connect(1, auth::make_token("secret", {.user = "42", .issued_at = in(-10)})),
            "connected 42");
  const auto& order = parts[2]->heard.orders.at(0);
  EXPECT_GT(std::get<RevokeOrder>(order.what).issued_before, in(-60));
}

}  // namespace
}  // namespace millrace::hub
