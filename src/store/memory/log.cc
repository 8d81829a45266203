#include "store/memory/log.h"

#include <algorithm>
#include <utility>

namespace millrace::store::memory {

const model::Position* Log::repeated(const AppendOptions& options, base::MonotonicTime now) {
  if (options.idempotency_key.empty() || idempotency_ == nullptr) return nullptr;
  const auto found = idempotency_->results.find(options.idempotency_key);
  return found == idempotency_->results.end() || now >= found->second.expires ? nullptr : &found->second.position;
}

bool Log::outdated(const AppendOptions& options) const {
  return options.version != 0 && options.version_epoch == version_epoch_ && options.version <= version_;
}

const model::Position& Log::append(model::Publication publication, const LogOptions& log, const AppendOptions& options,
                                   base::MonotonicTime now) {
  top_.offset = model::Offset{top_.offset.value() + 1};
  publication.offset = top_.offset;
  bytes_ += publication.data.size();
  entries_.push_back({std::move(publication), now + log.history_ttl});
  while (entries_.size() > log.history_size) pop_front();
  if (options.version != 0) {
    version_ = options.version;
    version_epoch_ = options.version_epoch;
  }
  if (!options.idempotency_key.empty()) remember(options, now);
  return top_;
}

void Log::remember(const AppendOptions& options, base::MonotonicTime now) {
  if (idempotency_ == nullptr) idempotency_ = std::make_unique<Idempotency>();
  Idempotency& keys = *idempotency_;
  const bool is_new = keys.results.insert_or_assign(options.idempotency_key, Remembered{top_, now + options.idempotency_window}).second;
  if (!is_new) std::erase(keys.order, options.idempotency_key);
  keys.order.push_back(options.idempotency_key);
  if (keys.order.size() <= kIdempotencyKeysMax) return;
  keys.results.erase(keys.results.find(keys.order.front()));
  keys.order.pop_front();
  ++keys.dropped;
}

Page Log::read(const ReadOptions& options) const {
  Page page;
  page.top = top_;
  const size_t limit = options.limit.value_or(entries_.size());
  const auto offset_of = [](const Entry& entry) { return entry.publication.offset; };
  if (options.reverse) {
    auto end = options.since ? std::ranges::lower_bound(entries_, *options.since, {}, offset_of) : entries_.end();
    while (end != entries_.begin() && page.publications.size() < limit) page.publications.push_back((--end)->publication);
    return page;
  }
  auto begin = options.since ? std::ranges::upper_bound(entries_, *options.since, {}, offset_of) : entries_.begin();
  while (begin != entries_.end() && page.publications.size() < limit) page.publications.push_back((begin++)->publication);
  return page;
}

void Log::clear() {
  entries_.clear();
  entries_.shrink_to_fit();
  bytes_ = 0;
}

void Log::pop_front() {
  bytes_ -= entries_.front().publication.data.size();
  entries_.pop_front();
}

void Log::expire(base::MonotonicTime now) {
  while (!entries_.empty() && now >= entries_.front().expires) pop_front();
  if (entries_.empty()) entries_.shrink_to_fit();
  if (idempotency_ == nullptr) return;
  while (!idempotency_->order.empty()) {
    const auto oldest = idempotency_->results.find(idempotency_->order.front());
    if (now < oldest->second.expires) return;
    idempotency_->results.erase(oldest);
    idempotency_->order.pop_front();
  }
  idempotency_.reset();
}

void Log::touch(const LogOptions& log, base::MonotonicTime now) { forget_at_ = now + log.meta_ttl; }

}  // namespace millrace::store::memory
