// A Store numbers and remembers publications: one log per channel, the truth about what was
// published there and in which order.
//
// Cores      One Store object per core serves the channels whose home is that core. Every method is
//            called there and returns without blocking; `done` runs there, exactly once, in a later
//            turn or before the method returns.
// Order      Appends to one channel get consecutive offsets, starting at 1 in each epoch, in the
//            order of the calls.
// Epochs     A log that is made anew gets a new random epoch. A log lives on, empty, for `meta_ttl`
//            after its last use (append, read or remove), so that its epoch outlives its
//            publications. Reading a log that does not exist makes it; removing does not.
// Limits     `history_size` entries and `history_ttl` per channel; over either, the oldest entry
//            goes. The options of the latest call hold for the whole log; what has gone does not
//            come back.
// Failure    kUnavailable may be retried with the same idempotency key, and so may kLimit, which
//            says that the store is full; any other error will not change. A failed append is not
//            remembered.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace millrace::store {

struct LogOptions {
  size_t history_size = 0;                                      // publications kept; > 0
  std::chrono::milliseconds history_ttl{};                      // of each publication; > 0
  std::chrono::milliseconds meta_ttl{std::chrono::hours{720}};  // > 0
};

struct AppendOptions {
  // Not empty: a second append with this key within the window returns the first one's result and
  // stores nothing.
  std::string idempotency_key;
  std::chrono::milliseconds idempotency_window{std::chrono::minutes{5}};
  // Not 0: an append whose version is not above the one that the log kept last, if that was of the
  // same version_epoch, stores nothing. Appends without a version change nothing about that; the
  // key comes first.
  uint64_t version = 0;
  std::string version_epoch;
};

struct Appended {
  model::Position position;  // of the publication; of the log's top if `suppressed` by its version
  bool suppressed = false;   // repeated or outdated: there is nothing to deliver
};

struct ReadOptions {
  // Entries after this one (reverse: before it). Without it from the log's beginning (reverse: from
  // its end).
  std::optional<model::Offset> since;
  // At most so many; 0: none, only the top; nullopt: all.
  std::optional<size_t> limit;
  bool reverse = false;
  friend bool operator==(const ReadOptions&, const ReadOptions&) = default;
};

struct Page {
  std::vector<model::Publication> publications;
  model::Position top;  // offset 0: nothing was ever published in this epoch
};

template <class T>
using Done = std::move_only_function<void(base::Result<T>)>;

class Store {
 public:
  virtual ~Store() = default;

  // `publication.offset` is ignored; the offset it got is in the answer.
  virtual void append(std::string_view channel, model::Publication publication,
                      const LogOptions& log, AppendOptions options, Done<Appended> done) = 0;

  virtual void read(std::string_view channel, const LogOptions& log, const ReadOptions& options,
                    Done<Page> done) = 0;

  // Forgets the publications; epoch and top stay.
  virtual void remove(std::string_view channel, Done<void> done) = 0;

  // For health checks: whether the engine answers, in words if not.
  virtual base::Result<> health() const = 0;
};

}  // namespace millrace::store
