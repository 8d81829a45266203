#include "store/memory/memory.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/memory/log.h"

namespace millrace::store::memory {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kSweepIntervalMin = 10ms;
constexpr base::Duration kSweepIntervalMax = 1s;

Log::Epoch new_epoch(base::Random& random) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  Log::Epoch epoch;
  for (char& letter : epoch) letter = kLetters[random.below(kLetters.size())];
  return epoch;
}

void check(const LogOptions& options) {
  MILLRACE_ASSERT(options.history_size > 0);
  MILLRACE_ASSERT(options.history_ttl.count() > 0);
  MILLRACE_ASSERT(options.meta_ttl.count() > 0);
}

std::unexpected<base::Error> full() {
  return base::fail(base::ErrorCode::kLimit, "the logs of this core hold all the bytes they may");
}

}  // namespace

MemoryStore::MemoryStore(base::Executor& executor, base::Random& random, metrics::Core& metrics,
                         const Options& options)
    : executor_(executor), random_(random), metrics_(metrics), options_(options) {}

MemoryStore::~MemoryStore() {
  if (sweep_scheduled_) executor_.cancel(sweep_timer_);
  metrics_.add(metrics::Gauge::kLogs, -static_cast<int64_t>(order_.size()));
}

void MemoryStore::append(std::string_view channel, model::Publication publication,
                         const LogOptions& options, AppendOptions how, Done<Appended> done) {
  check(options);
  const base::MonotonicTime now = executor_.now();
  Log* log = find(channel);
  if (log != nullptr) {
    changing(*log, [&] { log->use(options, now); });
    if (const auto first = log->remembered(how.idempotency_key))
      return done(Appended{*first, true});
  }
  const bool outdated = log != nullptr && log->outdated(how);
  size_t more = Log::bytes_of(how);
  size_t freed = 0;
  if (!outdated) more += Log::bytes_of(publication);
  if (!outdated && log != nullptr) freed = log->bytes_in_the_way(options);
  if (log == nullptr) more += Log::bytes_of_new(channel);
  if (!has_room(more, freed)) return done(full());

  if (log == nullptr) {
    log = &make(channel);
    log->use(options, now);
  }
  Appended answer{log->top(), outdated};
  const bool key_dropped = changing(*log, [&] {
    if (!outdated) answer.position = log->append(std::move(publication), options, now);
    return log->remember(how, answer, now, options_.idempotency_keys_max);
  });
  if (key_dropped) ++keys_dropped_;
  done(std::move(answer));
}

void MemoryStore::read(std::string_view channel, const LogOptions& options, const ReadOptions& how,
                       Done<Page> done) {
  check(options);
  Log* log = find(channel);
  if (log == nullptr) {
    if (!has_room(Log::bytes_of_new(channel), 0)) return done(full());
    log = &make(channel);
  }
  changing(*log, [&] { log->use(options, executor_.now()); });
  done(log->read(how));
}

void MemoryStore::remove(std::string_view channel, Done<void> done) {
  if (Log* log = find(channel)) {
    changing(*log, [&] { log->remove(); });
    log->use(executor_.now());
  }
  done({});
}

// The log as it is now, without what is too old; null if there is none, or none any more.
Log* MemoryStore::find(std::string_view channel) {
  const auto found = logs_.find(channel);
  if (found == logs_.end()) return nullptr;
  Log& log = *found->second;
  const base::MonotonicTime now = executor_.now();
  changing(log, [&] { log.expire(now, Log::kAll); });
  if (!log.forgotten(now)) return &log;
  erase(log);
  return nullptr;
}

Log& MemoryStore::make(std::string_view channel) {
  auto made = std::make_unique<Log>(channel, new_epoch(random_));
  Log& log = *made;
  log.place = order_.size();
  order_.push_back(&log);
  logs_.emplace(log.name(), std::move(made));
  bytes_ += log.bytes();
  metrics_.add(metrics::Gauge::kLogs, 1);
  if (!sweep_scheduled_) schedule_sweep(kSweepIntervalMax);
  return log;
}

void MemoryStore::erase(Log& log) {
  order_[log.place] = order_.back();
  order_[log.place]->place = log.place;
  order_.pop_back();
  bytes_ -= log.bytes();
  logs_.erase(logs_.find(log.name()));
  metrics_.add(metrics::Gauge::kLogs, -1);
}

bool MemoryStore::has_room(size_t more, size_t freed) {
  if (options_.bytes_max == 0 || bytes_ + more <= options_.bytes_max + freed) return true;
  ++refused_;
  return false;
}

template <class F>
std::invoke_result_t<F&> MemoryStore::changing(Log& log, F&& change) {
  struct Settle {
    ~Settle() { sum += log.bytes(); }
    size_t& sum;
    const Log& log;
  } const settle{bytes_, log};
  bytes_ -= log.bytes();
  return change();
}

// The pace is set once for a round: set anew in each turn it would slow down as the logs vanish.
void MemoryStore::begin_round() {
  left_in_round_ = order_.size();
  const size_t turns = left_in_round_ / (kSweepWork / 2) + 1;
  sweep_interval_ = std::clamp(base::Duration(kSweepRound) / static_cast<int64_t>(turns),
                               kSweepIntervalMin, kSweepIntervalMax);
}

void MemoryStore::schedule_sweep(base::Duration delay) {
  sweep_scheduled_ = true;
  sweep_timer_ = executor_.after(delay, [this] {
    sweep_scheduled_ = false;
    sweep();
  });
}

void MemoryStore::sweep() {
  const base::MonotonicTime now = executor_.now();
  size_t left = kSweepWork / 2;
  for (size_t logs = std::min(order_.size(), kSweepWork / 2); logs > 0; --logs) {
    if (next_to_sweep_ >= order_.size()) next_to_sweep_ = 0;
    Log& log = *order_[next_to_sweep_];
    left -= changing(log, [&] { return log.expire(now, left); });
    // More of this log may be due: it is the first one of the next turn.
    if (left == 0) return schedule_sweep(kSweepIntervalMin);
    if (log.forgotten(now)) {
      erase(log);  // the last one takes its place, and is looked at next
    } else {
      ++next_to_sweep_;
    }
    if (left_in_round_ > 0) --left_in_round_;
  }
  if (left_in_round_ == 0) begin_round();
  if (!order_.empty()) return schedule_sweep(sweep_interval_);
  logs_ = Logs();
  order_ = std::vector<Log*>();
}

}  // namespace millrace::store::memory
