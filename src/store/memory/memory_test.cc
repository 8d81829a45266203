#include "store/memory/memory.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/manual_executor.h"
#include "store/store_conformance.h"

namespace millrace::store {
namespace {

using namespace std::chrono_literals;
using memory::MemoryStore;

class MemoryHarness final : public ConformanceHarness {
 public:
  Store& store() override { return store_; }
  bool run_until(const std::function<bool()>& condition) override {
    cores_.run_until_idle();
    return condition();
  }
  void advance(std::chrono::milliseconds time) override { cores_.advance(time); }

 private:
  base::ManualCores cores_{1};
  base::Prng random_{7};
  metrics::Core metrics_;
  MemoryStore store_{cores_.at(0), random_, metrics_, {}};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryHarness);

class MemoryStoreTest : public testing::Test {
 protected:
  void make(const memory::Options& options = {}) {
    store = std::make_unique<MemoryStore>(cores.at(0), random, metrics, options);
  }
  base::Result<Appended> append(const std::string& channel, std::string_view data,
                                AppendOptions how = {}) {
    base::Result<Appended> answer = base::fail(base::ErrorCode::kClosed, "no answer");
    store->append(channel, {.data = base::SharedBytes::copy_of(data)}, log, std::move(how),
                  [&](base::Result<Appended> result) { answer = std::move(result); });
    return answer;
  }
  base::Result<Appended> append_key(const std::string& channel, const std::string& key,
                                    std::chrono::milliseconds window) {
    AppendOptions how;
    how.idempotency_key = key;
    how.idempotency_window = window;
    return append(channel, "x", std::move(how));
  }
  base::Result<Page> read(const std::string& channel) {
    base::Result<Page> answer = base::fail(base::ErrorCode::kClosed, "no answer");
    store->read(channel, log, {}, [&](base::Result<Page> result) { answer = std::move(result); });
    return answer;
  }
  void remove(const std::string& channel) {
    store->remove(channel, [](base::Result<> result) { EXPECT_TRUE(result); });
  }
  void expect_nothing_held() {
    EXPECT_EQ(store->size(), 0U);
    EXPECT_EQ(store->bytes(), 0U);
    EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 0);
  }

  base::ManualCores cores{1};
  base::Prng random{7};
  metrics::Core metrics;
  LogOptions log{.history_size = 100, .history_ttl = 10s, .meta_ttl = 60s};
  std::unique_ptr<MemoryStore> store;
};

TEST_F(MemoryStoreTest, answers_before_its_methods_return) {
  make();
  EXPECT_TRUE(append("a", "x"));
  EXPECT_TRUE(read("a"));
  bool removed = false;
  store->remove("a", [&](base::Result<>) { removed = true; });
  EXPECT_TRUE(removed);
}

TEST_F(MemoryStoreTest, epochs_are_eight_letters) {
  make();
  std::set<std::string> epochs;
  for (int i = 0; i < 1000; ++i) {
    const std::string epoch = read(std::to_string(i))->top.epoch;
    EXPECT_EQ(epoch.size(), 8U);
    for (const char letter : epoch) EXPECT_TRUE(std::isalpha(static_cast<unsigned char>(letter)));
    epochs.insert(epoch);
  }
  EXPECT_EQ(epochs.size(), 1000U);
}

TEST_F(MemoryStoreTest, times_are_exact_to_the_microsecond) {
  make();
  ASSERT_TRUE(append_key("a", "k", 3s));
  cores.advance(3s - 1us);
  EXPECT_TRUE(append_key("a", "k", 3s)->suppressed);
  cores.advance(1us);
  EXPECT_FALSE(append_key("a", "k", 3s)->suppressed);
  cores.advance(7s - 1us);
  EXPECT_EQ(read("a")->publications.size(), 2U);
  cores.advance(1us);
  EXPECT_EQ(read("a")->publications.size(), 1U);
  const std::string epoch = read("a")->top.epoch;
  cores.advance(60s - 1us);
  EXPECT_EQ(read("a")->top.epoch, epoch);
  cores.advance(60s);
  EXPECT_NE(read("a")->top.epoch, epoch);
}

TEST_F(MemoryStoreTest, the_longest_durations_are_for_ever_and_do_not_overflow) {
  make();
  constexpr auto kLongest = std::chrono::milliseconds::max();
  log = {.history_size = 100, .history_ttl = kLongest, .meta_ttl = kLongest};
  ASSERT_TRUE(append_key("a", "k", kLongest));
  cores.advance(24h);
  EXPECT_TRUE(append_key("a", "k", kLongest)->suppressed);
  EXPECT_EQ(read("a")->publications.size(), 1U);
}

TEST_F(MemoryStoreTest, logs_that_nobody_uses_give_back_their_memory_and_vanish) {
  make();
  read("empty");
  const size_t empty_bytes = store->bytes();
  remove("empty");
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(append_key("c" + std::to_string(i), "key", 15s));
  EXPECT_EQ(store->size(), 5001U);
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 5001);
  const size_t full = store->bytes();
  cores.advance(10s + MemoryStore::kSweepRound);
  EXPECT_LT(store->bytes(), full);
  EXPECT_LE(store->bytes(), 5001 * (empty_bytes + 5)) << "publications and keys are gone";
  cores.advance(60s + MemoryStore::kSweepRound);
  expect_nothing_held();
  EXPECT_TRUE(append("again", "x"));
  cores.advance(70s + MemoryStore::kSweepRound);
  expect_nothing_held();
}

TEST_F(MemoryStoreTest, a_turn_sweeps_no_more_than_its_share_and_a_round_takes_its_time) {
  make();
  constexpr size_t kLogs = 50'000;
  for (size_t i = 0; i < kLogs; ++i) EXPECT_TRUE(read("c" + std::to_string(i)));
  cores.advance(60s - 1us);
  EXPECT_EQ(store->size(), kLogs);
  const base::MonotonicTime began = cores.at(0).now();
  size_t most = 0;
  for (size_t before = kLogs; before > 0; before = store->size()) {
    cores.advance(1ms);
    most = std::max(most, before - store->size());
  }
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, MemoryStore::kSweepWork);
  EXPECT_LE(cores.at(0).now() - began, 2 * MemoryStore::kSweepRound);
  expect_nothing_held();
}

TEST_F(MemoryStoreTest, a_long_log_is_swept_in_parts_and_without_delay) {
  make();
  log.history_size = 50'000;
  EXPECT_TRUE(append("a", "x"));
  const size_t one = store->bytes();
  EXPECT_TRUE(append("a", "x"));
  const size_t each = store->bytes() - one;
  for (size_t i = 0; i < 20'000; ++i) EXPECT_TRUE(append_key("a", std::to_string(i), 10s));
  cores.advance(10s - 1us);
  const size_t full = store->bytes();
  EXPECT_GT(full, 20'000 * each);
  const base::MonotonicTime began = cores.at(0).now();
  size_t most = 0;
  for (size_t before = full; before > one; before = store->bytes()) {
    cores.advance(1ms);
    most = std::max(most, before - store->bytes());
  }
  EXPECT_LE(most, MemoryStore::kSweepWork * (each + 100)) << "a key is counted as 96 and itself";
  EXPECT_LT(cores.at(0).now() - began, 5s);
}

TEST_F(MemoryStoreTest, over_its_bytes_it_refuses_counts_and_changes_nothing) {
  make();
  append("a", "x");
  const size_t one = store->bytes();
  make({.bytes_max = one + 1000});
  const std::string large(1000, 'x');
  ASSERT_TRUE(append("a", "x"));
  const base::Result<Appended> refused = append("a", large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kLimit);
  EXPECT_FALSE(append("b", large)) << "nor does it make the log";
  EXPECT_FALSE(read(large));
  EXPECT_EQ(store->refused(), 3U);
  EXPECT_EQ(store->size(), 1U);
  EXPECT_EQ(store->bytes(), one);
  EXPECT_EQ(append("a", "y")->position.offset.value(), 2U);
  EXPECT_EQ(read("a")->publications.size(), 2U);
}

TEST_F(MemoryStoreTest, what_goes_makes_room) {
  make();
  append("a", "x");
  make({.bytes_max = store->bytes()});
  log.history_size = 1;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(append("a", "x")) << "the oldest goes in the same step";
  EXPECT_FALSE(append("a", "xx"));
  EXPECT_FALSE(read("b"));
  log.history_size = 2;
  EXPECT_FALSE(append("a", "x"));
  remove("a");
  EXPECT_TRUE(append("a", "x"));
  EXPECT_FALSE(append("a", "x"));
  cores.advance(10s);
  EXPECT_TRUE(append("a", "x"));
}

TEST_F(MemoryStoreTest, a_refused_append_may_be_retried_with_its_key) {
  make();
  append_key("a", "k", 60s);
  make({.bytes_max = store->bytes()});
  ASSERT_TRUE(append("a", "x"));
  ASSERT_FALSE(append_key("a", "k", 60s));
  remove("a");
  EXPECT_FALSE(append_key("a", "k", 60s)->suppressed);
}

TEST_F(MemoryStoreTest, over_the_count_the_key_whose_window_ends_first_is_dropped_and_counted) {
  make({.idempotency_keys_max = 2});
  ASSERT_TRUE(append_key("a", "longest", 30s));
  ASSERT_TRUE(append_key("a", "shortest", 10s));
  ASSERT_TRUE(append_key("a", "middle", 20s));
  ASSERT_TRUE(append_key("another", "k", 10s));
  EXPECT_EQ(store->keys_dropped(), 1U);
  EXPECT_TRUE(append_key("a", "longest", 30s)->suppressed);
  EXPECT_TRUE(append_key("a", "middle", 20s)->suppressed);
  EXPECT_FALSE(append_key("a", "shortest", 40s)->suppressed);
  EXPECT_EQ(store->keys_dropped(), 2U);
}

TEST_F(MemoryStoreTest, everything_that_is_kept_is_counted) {
  make();
  const auto cost_of = [this](model::Publication publication, AppendOptions how) {
    const size_t before = store->bytes();
    store->append("a", std::move(publication), log, std::move(how), [](base::Result<Appended>) {});
    return store->bytes() - before;
  };
  cost_of({}, {});
  const size_t plain = cost_of({}, {});
  const std::string thousand(1000, 'x');
  model::ClientInfo info;
  info.conn_info = base::SharedBytes::copy_of(thousand);
  AppendOptions keyed;
  keyed.idempotency_key = thousand;
  AppendOptions versioned;
  versioned.version = 1;
  versioned.version_epoch = thousand;
  EXPECT_EQ(cost_of({.data = base::SharedBytes::copy_of(thousand)}, {}), plain + 1000);
  EXPECT_GT(cost_of({.tags = {{"k", thousand}}}, {}), plain + 1000);
  EXPECT_GT(cost_of({.info = std::make_shared<model::ClientInfo>(info)}, {}), plain + 1000);
  EXPECT_GT(cost_of({}, keyed), plain + 1000);
  EXPECT_GT(cost_of({}, versioned), plain + 1000);
  remove("a");
  cores.advance(600s);
  expect_nothing_held();
}

TEST_F(MemoryStoreTest, a_store_that_ends_takes_its_gauge_and_its_timer_along) {
  make();
  append("a", "1");
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 1);
  store.reset();
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 0);
  cores.advance(10s);
}

}  // namespace
}  // namespace millrace::store
