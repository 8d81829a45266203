// The store of a single node: logs in memory. They are gone when the process ends, and their epochs with them.
//
// One per core, on that core; `done` is called before each method returns. Expiry is exact when a log is used; logs that nobody
// uses are swept from time to time, a bounded number a turn, so that they give back their memory and at last vanish.
//
// Limits     Options::bytes_max over all logs of the core: an append over it fails with kLimit and is counted.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "base/string_hash.h"
#include "metrics/metrics.h"
#include "store/store.h"

namespace millrace::store::memory {

class Log;

struct Options {
  size_t bytes_max = 0;  // of payloads; 0: no limit
};

class MemoryStore final : public Store {
 public:
  // All of them outlive the store.
  MemoryStore(base::Executor& executor, base::Random& random, metrics::Core& metrics, const Options& options);
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  void append(std::string_view channel, model::Publication publication, const LogOptions& log, AppendOptions options,
              Done<Appended> done) override;
  void read(std::string_view channel, const LogOptions& log, const ReadOptions& options, Done<Page> done) override;
  void remove(std::string_view channel, Done<void> done) override;
  base::Result<> health() const override { return {}; }

  size_t size() const { return order_.size(); }  // logs
  size_t bytes() const { return bytes_; }
  size_t refused() const { return refused_; }  // appends over bytes_max

 private:
  Log& use(std::string_view channel, const LogOptions& log);
  std::string new_epoch();
  // Runs `change` on the log and keeps the sum of bytes right.
  template <class F>
  void changing(Log& log, F&& change);
  void sweep();
  void schedule_sweep();

  base::Executor& executor_;
  base::Random& random_;
  metrics::Core& metrics_;
  const Options options_;
  absl::flat_hash_map<std::string, std::unique_ptr<Log>, base::StringHash, base::StringEqual> logs_;
  std::vector<Log*> order_;  // for the sweep, which goes round it
  size_t next_to_sweep_ = 0;
  base::TimerId sweep_timer_;
  bool sweep_scheduled_ = false;
  size_t bytes_ = 0;
  size_t refused_ = 0;
};

}  // namespace millrace::store::memory
