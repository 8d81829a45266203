#include "auth/jwks_cache.h"

#include <gtest/gtest.h>

#include <map>

#include "auth/testing.h"
#include "base/manual_executor.h"

namespace millrace::auth {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using State = JwksCache::State;

const std::string kUrl = "https://a.example/keys";

// An identity provider whose answers come when the test says so.
class JwksCacheTest : public testing::Test {
 protected:
  JwksCacheTest() { make(); }

  void make() {
    cache_.emplace(cores_.at(0), hours(1), [this](std::string url, auto done) {
      ++fetches_;
      pending_.emplace(std::move(url), std::move(done));
    });
  }

  State find(std::string_view id, const std::string& url = kUrl) {
    return cache_->find(url, id, *find_algorithm("EdDSA")).state;
  }

  // Asks, and waits if it has to: the state then found is added to `results_`.
  void ask(const std::string& id, const std::string& url = kUrl) {
    const State state = find(id, url);
    if (state != State::kLater) return results_.push_back(state);
    EXPECT_TRUE(cache_->wait(url, 1, [this, id, url] { ask(id, url); }));
  }

  void answer(base::Result<std::string> body, const std::string& url = kUrl) {
    auto node = pending_.extract(url);
    ASSERT_FALSE(node.empty());
    node.mapped()(std::move(body));
    cores_.run_until_idle();
  }
  void fail() { answer(base::fail(base::ErrorCode::kUnavailable, "down")); }

  // The results since the last call.
  std::vector<State> results() { return std::exchange(results_, {}); }

  base::ManualCores cores_{1};
  const Signer signer_ = Signer::ed25519();
  size_t fetches_ = 0;
  std::multimap<std::string, std::move_only_function<void(base::Result<std::string>)>> pending_;
  std::vector<State> results_;
  std::optional<JwksCache> cache_;
};

TEST_F(JwksCacheTest, many_wait_for_one_fetch) {
  for (int i = 0; i < 200; ++i) ask("a");
  EXPECT_EQ(fetches_, 1U);
  EXPECT_TRUE(results().empty());
  answer(key_set(signer_.jwk("a")));
  EXPECT_EQ(results(), std::vector(200, State::kKey));
  ask("a");
  EXPECT_EQ(results(), std::vector{State::kKey});
  EXPECT_EQ(fetches_, 1U);
}

TEST_F(JwksCacheTest, those_who_waited_go_on_a_few_a_turn) {
  for (size_t i = 0; i < JwksCache::kResumedPerTurn + 1; ++i) ask("a");
  auto node = pending_.extract(kUrl);
  node.mapped()(key_set(signer_.jwk("a")));
  EXPECT_TRUE(results_.empty());
  cores_.run_turn(0);
  EXPECT_EQ(results_.size(), JwksCache::kResumedPerTurn);
  cores_.run_turn(0);
  EXPECT_EQ(results_.size(), JwksCache::kResumedPerTurn + 1);
}

TEST_F(JwksCacheTest, unknown_key_fetches_anew_but_not_within_the_pause) {
  ask("a");
  answer(key_set(signer_.jwk("a")));
  ask("b");
  EXPECT_EQ(fetches_, 1U);
  cores_.advance(kJwksPause - seconds(1));
  ask("b");
  EXPECT_EQ(fetches_, 1U);
  cores_.advance(seconds(1));
  ask("b");
  EXPECT_EQ(fetches_, 2U);
  answer(key_set(signer_.jwk("a"), signer_.jwk("b")));
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kUnknown, State::kUnknown, State::kKey}));
}

TEST_F(JwksCacheTest, pause_begins_when_a_slow_fetch_ends) {
  ask("a");
  cores_.advance(minutes(1));
  answer(key_set(signer_.jwk("b")));
  EXPECT_EQ(results(), std::vector{State::kUnknown});
  EXPECT_EQ(fetches_, 1U);
}

TEST_F(JwksCacheTest, known_keys_answer_while_an_unknown_one_is_looked_for) {
  ask("a");
  answer(key_set(signer_.jwk("a")));
  cores_.advance(kJwksPause);
  ask("b");
  ask("a");
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kKey}));
  fail();
  EXPECT_EQ(results(), std::vector{State::kUnavailable});
}

TEST_F(JwksCacheTest, old_set_is_fetched_before_it_is_used_again) {
  ask("a");
  answer(key_set(signer_.jwk("a")));
  cores_.advance(hours(1) - seconds(1));
  ask("a");
  EXPECT_EQ(fetches_, 1U);
  cores_.advance(seconds(1));
  ask("a");
  EXPECT_EQ(fetches_, 2U);
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kKey}));
  answer(key_set(signer_.jwk("b")));  // "a" was withdrawn
  EXPECT_EQ(results(), std::vector{State::kUnknown});
}

TEST_F(JwksCacheTest, old_keys_are_kept_when_the_set_cannot_be_fetched) {
  ask("a");
  answer(key_set(signer_.jwk("a")));
  cores_.advance(hours(1));
  ask("a");
  fail();
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kKey}));
  // From now on nobody waits for an attempt, and there is one after each pause.
  ask("a");
  EXPECT_EQ(fetches_, 2U);
  cores_.advance(kJwksPause);
  ask("a");
  EXPECT_EQ(fetches_, 3U);
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kKey}));
  answer("<html>not a key set</html>");
  ask("a");
  EXPECT_EQ(results(), std::vector{State::kKey});
  cores_.advance(kJwksPause);
  ask("a");
  answer(key_set(signer_.jwk("b")));
  ask("a");
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kUnknown}));
}

TEST_F(JwksCacheTest, set_that_never_came_is_unavailable_and_tried_after_each_pause) {
  ask("a");
  fail();
  ask("a");
  EXPECT_EQ(results(), (std::vector{State::kUnavailable, State::kUnavailable}));
  EXPECT_EQ(fetches_, 1U);
  cores_.advance(kJwksPause);
  ask("a");
  answer(key_set(signer_.jwk("a")));
  EXPECT_EQ(results(), std::vector{State::kKey});
}

TEST_F(JwksCacheTest, fetch_may_answer_at_once) {
  cache_.emplace(cores_.at(0), hours(1),
                 [this](const std::string&, auto done) { done(key_set(signer_.jwk("a"))); });
  EXPECT_EQ(find("a"), State::kKey);
  EXPECT_EQ(find("b"), State::kUnknown);
}

TEST_F(JwksCacheTest, those_who_wait_are_bounded_in_number_and_bytes) {
  EXPECT_EQ(find("a"), State::kLater);
  EXPECT_FALSE(cache_->wait(kUrl, JwksCache::kWaitingBytesMax + 1, [] {}));
  size_t resumed = 0;
  for (size_t i = 0; i < kWaitingMax; ++i)
    ASSERT_TRUE(cache_->wait(kUrl, 1, [&resumed] { ++resumed; }));
  EXPECT_FALSE(cache_->wait(kUrl, 1, [] {}));
  answer(key_set());
  EXPECT_EQ(resumed, kWaitingMax);
  cores_.advance(kJwksPause);
  EXPECT_EQ(find("a"), State::kLater);
  EXPECT_TRUE(cache_->wait(kUrl, JwksCache::kWaitingBytesMax, [] {}));
}

TEST_F(JwksCacheTest, sets_of_different_urls_are_apart) {
  ask("a", "https://one");
  ask("a", "https://two");
  EXPECT_EQ(fetches_, 2U);
  answer(key_set(signer_.jwk("a")), "https://one");
  answer(key_set(signer_.jwk("b")), "https://two");
  EXPECT_EQ(results(), (std::vector{State::kKey, State::kUnknown}));
}

TEST_F(JwksCacheTest, requests_at_once_are_bounded) {
  for (size_t i = 0; i < JwksCache::kFetchesMax; ++i)
    EXPECT_EQ(find("a", "https://" + std::to_string(i)), State::kLater);
  EXPECT_EQ(find("a", "https://more"), State::kUnavailable);
  EXPECT_EQ(fetches_, JwksCache::kFetchesMax);
  answer(key_set(), "https://0");
  EXPECT_EQ(find("a", "https://more"), State::kLater);
}

TEST_F(JwksCacheTest, made_up_urls_do_not_push_out_sets_in_use) {
  ask("a");
  answer(key_set(signer_.jwk("a")));
  cores_.advance(kJwksPause);
  const auto made_up = [](size_t i) { return "https://" + std::to_string(i); };
  for (size_t i = 1; i < JwksCache::kUrlsMax; ++i) {
    EXPECT_EQ(find("a", made_up(i)), State::kLater);
    answer(base::fail(base::ErrorCode::kNotFound, "no"), made_up(i));
  }
  const size_t before = fetches_;
  EXPECT_EQ(find("a", "https://one-more"), State::kUnavailable);
  EXPECT_EQ(fetches_, before);
  // Room comes with the pauses' ends, and at the cost of those that have no keys.
  cores_.advance(kJwksPause);
  EXPECT_EQ(find("a", "https://one-more"), State::kLater);
  EXPECT_EQ(find("a"), State::kKey);
}

TEST_F(JwksCacheTest, unused_set_makes_room) {
  for (size_t i = 0; i < JwksCache::kUrlsMax; ++i) {
    const std::string url = "https://" + std::to_string(i);
    ask("a", url);
    answer(key_set(signer_.jwk("a")), url);
    cores_.advance(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(find("a", "https://more"), State::kUnavailable);
  cores_.advance(JwksCache::kInUse);
  EXPECT_EQ(find("a", "https://0"), State::kKey);
  EXPECT_EQ(find("a", "https://more"), State::kLater);  // instead of 1, the longest unused
  EXPECT_EQ(find("a", "https://0"), State::kKey);
  EXPECT_EQ(find("a", "https://2"), State::kKey);
}

TEST_F(JwksCacheTest, answer_that_comes_after_the_end_is_dropped) {
  ask("a");
  cache_.reset();
  answer(key_set(signer_.jwk("a")));
  make();
  pending_.clear();
  ask("a");
  pending_.extract(kUrl).mapped()(key_set(signer_.jwk("a")));
  cache_.reset();  // before those who wait were told
  cores_.run_until_idle();
  EXPECT_TRUE(results().empty());
}

}  // namespace
}  // namespace millrace::auth
