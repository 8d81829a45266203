#include "store/memory/memory.h"

#include <algorithm>
#include <utility>

#include "store/memory/log.h"

namespace millrace::store::memory {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kSweepInterval = 1s;
constexpr size_t kSweepLogsMin = 1024;
constexpr size_t kSweepRound = 60;  // every log is looked at once in so many sweeps

}  // namespace

MemoryStore::MemoryStore(base::Executor& executor, base::Random& random, metrics::Core& metrics, const Options& options)
    : executor_(executor), random_(random), metrics_(metrics), options_(options) {}

MemoryStore::~MemoryStore() {
  if (sweep_scheduled_) executor_.cancel(sweep_timer_);
  metrics_.add(metrics::Gauge::kLogs, -static_cast<int64_t>(order_.size()));
}

std::string MemoryStore::new_epoch() {
  std::string epoch;
  for (int i = 0; i < 8; ++i) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    epoch.push_back(kLetters[random_.below(kLetters.size())]);
  }
  return epoch;
}

Log& MemoryStore::use(std::string_view channel, const LogOptions& options) {
  const base::MonotonicTime now = executor_.now();
  auto found = logs_.find(channel);
  if (found == logs_.end()) {
    found = logs_.emplace(std::string(channel), std::make_unique<Log>(std::string(channel), new_epoch())).first;
    found->second->place = order_.size();
    order_.push_back(found->second.get());
    metrics_.add(metrics::Gauge::kLogs, 1);
    schedule_sweep();
  }
  Log& log = *found->second;
  changing(log, [&] { log.expire(now); });
  log.touch(options, now);
  return log;
}

template <class F>
void MemoryStore::changing(Log& log, F&& change) {
  const size_t before = log.bytes();
  change();
  bytes_ = bytes_ - before + log.bytes();
}

void MemoryStore::append(std::string_view channel, model::Publication publication, const LogOptions& options,
                         AppendOptions append_options, Done<Appended> done) {
  MILLRACE_ASSERT(options.history_size > 0 && options.history_ttl.count() > 0);
  Log& log = use(channel, options);
  const base::MonotonicTime now = executor_.now();
  if (const model::Position* first = log.repeated(append_options, now)) return done(Appended{*first, true});
  if (log.outdated(append_options)) return done(Appended{log.top(), true});
  if (options_.bytes_max > 0 && bytes_ + publication.data.size() > options_.bytes_max) {
    ++refused_;
    return done(base::fail(base::ErrorCode::kLimit, "the logs of this core hold all the bytes they may"));
  }
  changing(log, [&] { log.append(std::move(publication), options, append_options, now); });
  done(Appended{log.top(), false});
}

void MemoryStore::read(std::string_view channel, const LogOptions& options, const ReadOptions& read_options, Done<Page> done) {
  done(use(channel, options).read(read_options));
}

void MemoryStore::remove(std::string_view channel, Done<void> done) {
  const auto found = logs_.find(channel);
  if (found != logs_.end()) changing(*found->second, [&] { found->second->clear(); });
  done({});
}

void MemoryStore::schedule_sweep() {
  if (sweep_scheduled_) return;
  sweep_scheduled_ = true;
  sweep_timer_ = executor_.after(kSweepInterval, [this] {
    sweep_scheduled_ = false;
    sweep();
  });
}

void MemoryStore::sweep() {
  const base::MonotonicTime now = executor_.now();
  size_t left = std::min(order_.size(), std::max(kSweepLogsMin, order_.size() / kSweepRound));
  for (; left > 0 && !order_.empty(); --left) {
    if (next_to_sweep_ >= order_.size()) next_to_sweep_ = 0;
    Log& log = *order_[next_to_sweep_];
    changing(log, [&] { log.expire(now); });
    if (!log.forgotten(now)) {
      ++next_to_sweep_;
      continue;
    }
    // The last one takes its place, and is looked at next.
    order_[log.place] = order_.back();
    order_[log.place]->place = log.place;
    order_.pop_back();
    logs_.erase(logs_.find(log.name()));
    metrics_.add(metrics::Gauge::kLogs, -1);
  }
  if (!order_.empty()) schedule_sweep();
}

}  // namespace millrace::store::memory
