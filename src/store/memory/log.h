// One channel's log in memory: a queue of publications with their expiry, the top position, and what idempotency remembers.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/string_hash.h"
#include "store/store.h"

namespace millrace::store::memory {

class Log {
 public:
  Log(std::string name, std::string epoch) : name_(std::move(name)) { top_.epoch = std::move(epoch); }

  const std::string& name() const { return name_; }
  const model::Position& top() const { return top_; }
  bool empty() const { return entries_.empty(); }
  size_t bytes() const { return bytes_; }  // of payloads

  // The remembered result of an append with this key, or null.
  const model::Position* repeated(const AppendOptions& options, base::MonotonicTime now);
  bool outdated(const AppendOptions& options) const;

  // Numbers and keeps the publication.
  const model::Position& append(model::Publication publication, const LogOptions& log, const AppendOptions& options,
                                base::MonotonicTime now);
  Page read(const ReadOptions& options) const;
  void clear();

  // Drops publications that have expired, or are more than `history_size`, and idempotency keys whose window is over.
  void expire(base::MonotonicTime now);
  void touch(const LogOptions& log, base::MonotonicTime now);
  // Nothing is kept and nobody has used it for its meta_ttl.
  bool forgotten(base::MonotonicTime now) const { return entries_.empty() && now >= forget_at_; }

  // Of one log. Over it the oldest key is forgotten before its window is over.
  static constexpr size_t kIdempotencyKeysMax = 100'000;
  size_t keys_dropped() const { return idempotency_ == nullptr ? 0 : idempotency_->dropped; }

  size_t place = 0;  // in the store's list of logs

 private:
  struct Entry {
    model::Publication publication;
    base::MonotonicTime expires;
  };
  struct Remembered {
    model::Position position;
    base::MonotonicTime expires;
  };
  struct Idempotency {
    absl::flat_hash_map<std::string, Remembered, base::StringHash, base::StringEqual> results;
    std::deque<std::string> order;  // oldest first
    size_t dropped = 0;
  };
  void remember(const AppendOptions& options, base::MonotonicTime now);
  void pop_front();

  const std::string name_;
  model::Position top_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  base::MonotonicTime forget_at_;
  uint64_t version_ = 0;
  std::string version_epoch_;
  std::unique_ptr<Idempotency> idempotency_;  // null for the many logs that never saw a key
};

}  // namespace millrace::store::memory
