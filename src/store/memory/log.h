// One channel's log in memory: its publications, its top, and what idempotency and versions need.
//
// Offsets in the ring are consecutive, since publications only ever go from its oldest end: an
// offset is found by subtraction. Times are compared as ages, so that options that change hold at
// once for everything in the log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "store/memory/idempotency.h"
#include "store/memory/ring.h"
#include "store/store.h"

namespace millrace::store::memory {

class Log {
 public:
  static constexpr size_t kEpochLetters = 8;
  using Epoch = std::array<char, kEpochLetters>;
  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

  Log(std::string_view name, const Epoch& epoch) : name_(name), epoch_(epoch) {}

  std::string_view name() const { return name_; }
  model::Position top() const { return at(top_); }

  // Drops what is too old, at most `most` publications and keys; returns how many. Before anything
  // else in a turn.
  size_t expire(base::MonotonicTime now, size_t most);
  // Nothing is kept, and nobody has used it for its meta_ttl.
  bool forgotten(base::MonotonicTime now) const;

  // Somebody uses the log, with these options from now on. Drops what is over `history_size`.
  void use(const LogOptions& options, base::MonotonicTime now);
  void use(base::MonotonicTime now) { last_use_ = now; }

  // What an append with this key was answered within its window.
  std::optional<model::Position> remembered(std::string_view key) const;
  // Another append of that version epoch was newer, or the same.
  bool outdated(const AppendOptions& options) const;

  // Numbers and keeps the publication. After use().
  model::Position append(model::Publication publication, const LogOptions& options,
                         base::MonotonicTime now);
  // Keeps in mind what was answered to an append that was not a repeated one. True: over
  // `keys_max`, a key was dropped.
  bool remember(const AppendOptions& options, const Appended& answer, base::MonotonicTime now,
                size_t keys_max);

  Page read(const ReadOptions& options) const;
  void remove();

  // Held memory, but for the allocator's share (measured: an eighth). What several publications
  // have in common is counted for each.
  size_t bytes() const;
  static size_t bytes_of_new(std::string_view name);
  static size_t bytes_of(const model::Publication& publication);
  static size_t bytes_of(const AppendOptions& options);
  // What appending one more would free. After use().
  size_t bytes_in_the_way(const LogOptions& options) const;

  size_t place = 0;  // in the store's list of logs

 private:
  struct Entry {
    model::Publication publication;
    base::MonotonicTime appended;
  };
  struct Version {
    uint64_t number = 0;
    std::string epoch;
  };

  model::Position at(model::Offset offset) const {
    return {std::string(epoch_.begin(), epoch_.end()), offset};
  }
  void pop_front();

  const std::string name_;
  const Epoch epoch_;
  model::Offset top_;
  Ring<Entry> entries_;
  size_t entry_bytes_ = 0;
  base::MonotonicTime last_use_;
  base::Duration history_ttl_{};
  base::Duration meta_ttl_{};
  // Null for the many logs that never saw one.
  std::unique_ptr<IdempotencyKeys> keys_;
  std::unique_ptr<Version> version_;
};

static_assert(sizeof(Log) <= 144, "an empty log is what every channel with history costs");

}  // namespace millrace::store::memory
