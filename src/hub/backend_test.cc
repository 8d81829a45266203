// Clients without a token: what the hub makes of what the backend says of them.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

// A backend whose answers come when the test gives them.
class Asked final : public Backend {
 public:
  void connect(std::string_view client, const Visitor& visitor, Done done) override {
    clients.push_back(std::string(client) + " " + visitor.name);
    waiting.push_back(std::move(done));
  }
  void say(Verdict verdict) {
    for (Done& done : std::exchange(waiting, {})) done(std::move(verdict));
  }

  Lines clients;
  std::vector<Done> waiting;
};

class BackendTest : public HubTest {
 protected:
  Backend* backend_of(size_t core) override { return &backends[core]; }
  void SetUp() override { start({}); }

  static ConnectAsk visit(Visitor visitor = {}) {
    return {.visitor = std::make_shared<const Visitor>(std::move(visitor))};
  }
  static auth::Grant grant(std::string user) {
    auth::Grant result;
    result.claims.user = std::move(user);
    return result;
  }
  std::string outcome_of(Backend::Verdict verdict, Visitor visitor = {}) {
    ask(1, 1, "", visit(std::move(visitor)));
    backends[1].say(std::move(verdict));
    cores.run_until_idle();
    const Lines lines = heard(1);
    return lines.size() == 1 ? lines[0].substr(2) : std::to_string(lines.size()) + " answers";
  }
  const ConnectAnswer& answer() {
    return std::get<ConnectAnswer>(parts[1]->heard.answers.back().body);
  }

  std::array<Asked, kCores> backends;
};

TEST_F(BackendTest, is_asked_about_who_has_no_token) {
  EXPECT_EQ(outcome(1, "", ConnectAsk{.token = "garbage"}), "disconnect 3500");
  EXPECT_EQ(outcome(1, "", ConnectAsk{}), "disconnect 3501") << "of whom nothing is known";
  ask(1, 7, "", visit({.name = "js"}), "", "its id");
  EXPECT_EQ(backends[1].clients, (Lines{"its id js"}));
  cores.run_until_idle();
  EXPECT_EQ(heard(1), Lines{}) << "the answer waits for it";
  backends[1].say(grant("42"));
  cores.run_until_idle();
  EXPECT_EQ(heard(1), (Lines{"7 connected 42"}));
}

TEST_F(BackendTest, what_it_grants_is_all_there_is) {
  auth::Grant granted = grant("42");
  granted.claims.info = {.bytes = "1"};
  granted.claims.expire_at = base::wall_clock_ms() / 1000 + 100;
  granted.claims.subs.push_back({.channel = "news"});
  granted.data = {.bytes = "\x01", .is_json = false};
  EXPECT_EQ(outcome_of(granted), "connected 42");
  EXPECT_TRUE(answer().subs_are_all);
  EXPECT_EQ(answer().subs.size(), 1U);
  EXPECT_EQ(answer().data.view(), "\x01");
  EXPECT_FALSE(answer().data_is_json);
  EXPECT_EQ(answer().issued_at, kNoToken);
}

TEST_F(BackendTest, its_own_words_are_passed_on) {
  EXPECT_EQ(outcome_of(TurnedAway{.code = 1000, .text = "no"}), "turned away: no");
  EXPECT_EQ(outcome_of(model::errors::kInternal), "error 100");
}

TEST_F(BackendTest, whom_it_does_not_know_a_proxy_may_name) {
  EXPECT_EQ(outcome_of(Unknown{}), "disconnect 3501");
  EXPECT_EQ(outcome_of(Unknown{}, {.user = "7"}), "connected 7");
  EXPECT_EQ(outcome_of(grant("42"), {.user = "7"}), "connected 42");
  EXPECT_EQ(outcome_of(TurnedAway{.code = 1}, {.user = "7"}), "turned away: ");
}

TEST_F(BackendTest, or_come_in_anonymously) {
  Options open;
  open.allow_anonymous_connect_without_token = true;
  start(std::move(open));
  EXPECT_EQ(outcome_of(Unknown{}), "connected ");
}

TEST_F(BackendTest, what_has_ended_or_is_not_there_is_an_error) {
  auth::Grant ended = grant("42");
  ended.claims.expire_at = 1;
  EXPECT_EQ(outcome_of(ended), "error 110");
  auth::Grant subscription = grant("42");
  subscription.claims.subs.push_back({.channel = "news", .expire_at = 1});
  EXPECT_EQ(outcome_of(subscription), "error 110");
  auth::Grant nowhere = grant("42");
  nowhere.claims.subs.push_back({.channel = "nowhere:a"});
  EXPECT_EQ(outcome_of(nowhere), "error 102");
}

TEST_F(BackendTest, bans_of_users_count_and_those_of_tokens_do_not) {
  const auto ban = [&](Ban what) {
    parts[0]->hub->ban(std::move(what), [](bool) {});
    cores.run_until_idle();
    for (size_t core = 0; core < kCores; ++core) heard(core);
  };
  ban({.kind = Ban::Kind::kUserTokens,
       .subject = "42",
       .issued_before = base::wall_clock_ms() / 1000 + 1000});
  EXPECT_EQ(outcome_of(grant("42")), "connected 42");
  EXPECT_FALSE(parts[1]->hub->banned(answer()));
  ban({.kind = Ban::Kind::kUser, .subject = "42"});
  EXPECT_EQ(outcome_of(grant("42")), "disconnect 3507");
  EXPECT_EQ(outcome_of(Unknown{}, {.user = "42"}), "disconnect 3507");
}

TEST_F(BackendTest, connections_of_a_user_are_counted) {
  Options one;
  one.user_connection_limit = 1;
  start(std::move(one));
  EXPECT_EQ(outcome_of(grant("42")), "connected 42");
  EXPECT_EQ(outcome_of(grant("42")), "disconnect 3504");
  EXPECT_EQ(outcome_of(Unknown{}, {.user = "42"}), "disconnect 3504");
}

}  // namespace
}  // namespace millrace::hub
