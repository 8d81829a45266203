// The store against a model of it that is too simple to be wrong: random calls, and the same
// answers.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_executor.h"
#include "store/memory/memory.h"

namespace millrace::store::memory {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A channel's log with everything that was ever published. Nothing is dropped but marked as gone.
struct Model {
  struct Entry {
    std::string data;
    base::MonotonicTime appended;
    bool gone = false;
  };
  struct Key {
    uint64_t offset;
    base::MonotonicTime end;
  };

  void age(base::MonotonicTime now) {
    for (Entry& entry : entries) entry.gone = entry.gone || now - entry.appended >= log.history_ttl;
    std::erase_if(keys, [&](const auto& key) { return key.second.end <= now; });
    if (kept() == 0 && keys.empty() && now - last_use >= log.meta_ttl) *this = Model{.log = log};
  }
  void use(const LogOptions& options, base::MonotonicTime now) {
    age(now);
    log = options;
    last_use = now;
    age(now);
    trim();
  }
  void trim() {
    for (size_t i = 0; kept() > log.history_size; ++i) entries[i].gone = true;
  }
  size_t kept() const {
    size_t count = 0;
    for (const Entry& entry : entries) count += entry.gone ? 0 : 1;
    return count;
  }

  std::pair<uint64_t, bool> append(const std::string& data, const AppendOptions& how,
                                   base::MonotonicTime now) {
    const auto key = keys.find(how.idempotency_key);
    if (key != keys.end()) return {key->second.offset, true};
    const bool outdated =
        how.version != 0 && how.version_epoch == version_epoch && how.version <= version;
    if (!outdated) entries.push_back({data, now});
    trim();
    if (!outdated && how.version != 0) {
      version = how.version;
      version_epoch = how.version_epoch;
    }
    if (!how.idempotency_key.empty()) {
      keys[how.idempotency_key] = {entries.size(), now + how.idempotency_window};
    }
    return {entries.size(), outdated};
  }

  std::string read(const ReadOptions& how) const {
    std::string shown = "top " + std::to_string(entries.size());
    size_t left = how.limit.value_or(entries.size());
    for (size_t step = 0; step < entries.size() && left > 0; ++step) {
      const size_t i = how.reverse ? entries.size() - 1 - step : step;
      const uint64_t offset = i + 1;
      if (entries[i].gone) continue;
      if (how.since &&
          (how.reverse ? offset >= how.since->value() : offset <= how.since->value())) {
        continue;
      }
      shown += " " + std::to_string(offset) + "=" + entries[i].data;
      --left;
    }
    return shown;
  }

  LogOptions log{.history_size = 1, .history_ttl = 1ms, .meta_ttl = 1ms};
  base::MonotonicTime last_use{};
  std::vector<Entry> entries{};
  std::map<std::string, Key> keys{};
  uint64_t version = 0;
  std::string version_epoch{};
};

std::string shown(const Page& page) {
  std::string line = "top " + std::to_string(page.top.offset.value());
  for (const model::Publication& publication : page.publications) {
    line += " " + std::to_string(publication.offset.value()) + "=";
    line += publication.data.view();
  }
  return line;
}

class ModelTest : public testing::TestWithParam<uint64_t> {
 protected:
  uint64_t below(uint64_t bound) { return random.below(bound); }
  bool once_in(uint64_t n) { return below(n) == 0; }
  milliseconds up_to(uint64_t most) { return milliseconds(1 + below(most)); }

  LogOptions any_log() {
    // Mostly the same, so that logs grow; now and then other options.
    if (!once_in(10)) return {.history_size = 8, .history_ttl = 5s, .meta_ttl = 20s};
    return {.history_size = 1 + below(20), .history_ttl = up_to(10'000), .meta_ttl = up_to(30'000)};
  }
  AppendOptions any_append() {
    AppendOptions how;
    if (once_in(2)) how.idempotency_key = "k" + std::to_string(below(6));
    how.idempotency_window = up_to(8'000);
    if (once_in(3)) how.version = 1 + below(10);
    if (how.version != 0) how.version_epoch = once_in(4) ? "f" : "e";
    return how;
  }
  ReadOptions any_read(uint64_t top) {
    ReadOptions how;
    if (!once_in(3)) how.since = model::Offset{below(top + 3)};
    if (!once_in(3)) how.limit = below(6);
    how.reverse = once_in(2);
    return how;
  }

  void append(const std::string& channel, Model& model) {
    const LogOptions log = any_log();
    const AppendOptions how = any_append();
    const std::string data = std::to_string(below(1000));
    model.use(log, cores.at(0).now());
    const auto [offset, suppressed] = model.append(data, how, cores.at(0).now());
    store.append(channel, {.data = base::SharedBytes::copy_of(data)}, log, how,
                 [&](const base::Result<Appended>& result) {
                   ASSERT_TRUE(result);
                   EXPECT_EQ(result->position.offset.value(), offset);
                   EXPECT_EQ(result->suppressed, suppressed);
                 });
  }
  void read(const std::string& channel, Model& model) {
    const LogOptions log = any_log();
    const ReadOptions how = any_read(model.entries.size());
    model.use(log, cores.at(0).now());
    store.read(channel, log, how, [&](const base::Result<Page>& result) {
      ASSERT_TRUE(result);
      EXPECT_EQ(shown(*result), model.read(how));
    });
  }
  void remove(const std::string& channel, Model& model) {
    model.age(cores.at(0).now());
    if (model.last_use != base::MonotonicTime{}) model.last_use = cores.at(0).now();
    for (Model::Entry& entry : model.entries) entry.gone = true;
    store.remove(channel, [](const base::Result<>& result) { EXPECT_TRUE(result); });
  }

  base::Prng random{GetParam()};
  base::ManualCores cores{1};
  metrics::Core metrics;
  MemoryStore store{cores.at(0), random, metrics, {}};
};

TEST_P(ModelTest, random_calls_are_answered_as_the_model_answers) {
  std::map<std::string, Model> models;
  for (int step = 0; step < 5'000 && !HasFailure(); ++step) {
    SCOPED_TRACE(step);
    const std::string channel(1, static_cast<char>('a' + below(3)));
    Model& model = models[channel];
    const uint64_t what = below(20);
    if (what < 11) append(channel, model);
    if (what >= 11 && what < 18) read(channel, model);
    if (what == 18) remove(channel, model);
    if (once_in(3)) cores.advance(up_to(1'000));
    if (once_in(100)) cores.advance(up_to(60'000));
  }
  cores.advance(24h);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(store.bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace millrace::store::memory
