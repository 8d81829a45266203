#include "store/memory/memory.h"

#include "base/manual_executor.h"
#include "store/store_conformance.h"

namespace millrace::store {
namespace {

using namespace std::chrono_literals;

class MemoryHarness final : public ConformanceHarness {
 public:
  Store& store() override { return store_; }
  bool run_until(const std::function<bool()>& condition) override { return condition(); }
  void advance(std::chrono::milliseconds time) override { cores_.advance(time); }

 private:
  base::ManualCores cores_{1};
  base::Prng random_{7};
  metrics::Core metrics_;
  memory::MemoryStore store_{cores_.at(0), random_, metrics_, {}};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryHarness);

class MemoryStoreTest : public testing::Test {
 protected:
  bool append(memory::MemoryStore& store, const std::string& channel, std::string_view data) {
    bool kept = false;
    store.append(channel, {.data = base::SharedBytes::copy_of(data)}, log, {}, [&](base::Result<Appended> result) { kept = result.has_value(); });
    return kept;
  }
  base::ManualCores cores{1};
  base::Prng random{7};
  metrics::Core metrics;
  const LogOptions log{.history_size = 100, .history_ttl = 10s, .meta_ttl = 60s};
};

TEST_F(MemoryStoreTest, logs_that_nobody_uses_give_back_their_memory_and_vanish) {
  memory::MemoryStore store(cores.at(0), random, metrics, {});
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(append(store, "channel" + std::to_string(i), "12345"));
  EXPECT_EQ(store.size(), 5000U);
  EXPECT_EQ(store.bytes(), 25'000U);
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 5000);
  cores.advance(20s);
  EXPECT_EQ(store.bytes(), 0U);
  EXPECT_EQ(store.size(), 5000U) << "positions outlive publications";
  cores.advance(120s);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 0);
}

TEST_F(MemoryStoreTest, appends_over_the_bytes_it_may_hold_fail_and_are_counted) {
  memory::MemoryStore store(cores.at(0), random, metrics, {.bytes_max = 10});
  EXPECT_TRUE(append(store, "a", "123456"));
  EXPECT_FALSE(append(store, "b", "123456"));
  EXPECT_EQ(store.refused(), 1U);
  EXPECT_TRUE(append(store, "b", "1234"));
  store.remove("a", [](base::Result<>) {});
  EXPECT_TRUE(append(store, "b", "123456"));
  EXPECT_EQ(store.bytes(), 10U);
}

TEST_F(MemoryStoreTest, a_store_that_ends_takes_its_gauge_along) {
  {
    memory::MemoryStore store(cores.at(0), random, metrics, {});
    append(store, "a", "1");
  }
  EXPECT_EQ(metrics.value(metrics::Gauge::kLogs), 0);
  cores.advance(10s);
}

}  // namespace
}  // namespace millrace::store
