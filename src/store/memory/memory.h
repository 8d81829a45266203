// The store of a single node: logs in memory, which end with the process, and their epochs too.
//
// Cores      One per core, on that core. `done` is called before each method returns, as the last
//            thing that it does, so it may call the store again.
// Expiry     Exact for whoever uses a log. What nobody uses is swept, at most kSweepWork logs,
//            publications and keys in a turn: idle logs give back their memory, and those over
//            their meta_ttl vanish, within two rounds of about kSweepRound (up to three million
//            logs). A log that still remembers idempotency keys does not vanish before they do.
// Limits     Options. Over bytes_max an append fails with kLimit, and so does a read that would
//            have to make a log; either is counted by refused() and changes nothing. What expired
//            counts until it is used or swept. Over idempotency_keys_max the key whose window ends
//            first is dropped and counted by keys_dropped(): used again, it is taken for new.
// Failure    None but kLimit.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "base/string_hash.h"
#include "metrics/metrics.h"
#include "store/store.h"

namespace millrace::store::memory {

class Log;

struct Options {
  size_t bytes_max = 0;                   // of all logs of this core, as bytes(); 0: no limit
  size_t idempotency_keys_max = 100'000;  // of each log
};

class MemoryStore final : public Store {
 public:
  static constexpr size_t kSweepWork = 1024;  // half for logs, half for what is in them
  static constexpr std::chrono::seconds kSweepRound{60};

  // All of them outlive the store.
  MemoryStore(base::Executor& executor, base::Random& random, metrics::Core& metrics,
              const Options& options);
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  void append(std::string_view channel, model::Publication publication, const LogOptions& log,
              AppendOptions options, Done<Appended> done) override;
  void read(std::string_view channel, const LogOptions& log, const ReadOptions& options,
            Done<Page> done) override;
  void remove(std::string_view channel, Done<void> done) override;
  base::Result<> health() const override { return {}; }

  // Logs, empty ones too. The gauge metrics::Gauge::kLogs says the same.
  size_t size() const { return order_.size(); }
  // Memory that the logs hold: what is in them, and an estimate of what keeping it costs.
  size_t bytes() const { return bytes_; }
  size_t refused() const { return refused_; }
  size_t keys_dropped() const { return keys_dropped_; }

 private:
  // The keys are the logs' own names.
  using Logs = absl::flat_hash_map<std::string_view, std::unique_ptr<Log>, base::StringHash,
                                   base::StringEqual>;

  Log* find(std::string_view channel);
  Log& make(std::string_view channel);
  void erase(Log& log);
  // Whether so many bytes more may be held when `freed` ones go; counts it if not.
  bool has_room(size_t more, size_t freed);
  // Runs `change` on the log and keeps the sum of bytes right.
  template <class F>
  std::invoke_result_t<F&> changing(Log& log, F&& change);
  void sweep();
  void begin_round();
  void schedule_sweep(base::Duration delay);

  base::Executor& executor_;
  base::Random& random_;
  metrics::Core& metrics_;
  const Options options_;
  Logs logs_;
  std::vector<Log*> order_;  // for the sweep, which goes round it
  size_t next_to_sweep_ = 0;
  size_t left_in_round_ = 0;
  base::Duration sweep_interval_{};
  base::TimerId sweep_timer_;
  bool sweep_scheduled_ = false;
  size_t bytes_ = 0;
  size_t refused_ = 0;
  size_t keys_dropped_ = 0;
};

}  // namespace millrace::store::memory
