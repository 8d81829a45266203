#include "store/memory/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace millrace::store::memory {
namespace {

// Longer ones are as good as for ever, and would overflow.
base::Duration bounded(std::chrono::milliseconds duration) {
  constexpr std::chrono::milliseconds kForEver = std::chrono::years{100};
  return std::min(duration, kForEver);
}

constexpr size_t kTableBytes = 48;   // a log's place in the store's tables
constexpr size_t kSharedBytes = 16;  // the head of base::SharedBytes' block

}  // namespace

size_t Log::expire(base::MonotonicTime now, size_t most) {
  size_t count = 0;
  while (count < most && !entries_.empty() && now - entries_.front().appended >= history_ttl_) {
    pop_front();
    ++count;
  }
  if (keys_ == nullptr) return count;
  count += keys_->expire(now, most - count);
  if (keys_->empty()) keys_.reset();
  return count;
}

bool Log::forgotten(base::MonotonicTime now) const {
  return entries_.empty() && keys_ == nullptr && now - last_use_ >= meta_ttl_;
}

void Log::use(const LogOptions& options, base::MonotonicTime now) {
  history_ttl_ = bounded(options.history_ttl);
  meta_ttl_ = bounded(options.meta_ttl);
  use(now);
  while (entries_.size() > options.history_size) pop_front();
  expire(now, kAll);
}

std::optional<model::Position> Log::remembered(std::string_view key) const {
  if (key.empty() || keys_ == nullptr) return std::nullopt;
  const std::optional<model::Offset> offset = keys_->find(key);
  if (!offset) return std::nullopt;
  return at(*offset);
}

bool Log::outdated(const AppendOptions& options) const {
  return options.version != 0 && version_ != nullptr && version_->epoch == options.version_epoch &&
         options.version <= version_->number;
}

model::Position Log::append(model::Publication publication, const LogOptions& options,
                            base::MonotonicTime now) {
  if (entries_.size() == options.history_size) pop_front();
  top_ = model::Offset{top_.value() + 1};
  publication.offset = top_;
  entry_bytes_ += bytes_of(publication);
  entries_.push_back({std::move(publication), now}, options.history_size);
  return top();
}

bool Log::remember(const AppendOptions& options, const Appended& answer, base::MonotonicTime now,
                   size_t keys_max) {
  if (options.version != 0 && !answer.suppressed) {
    if (version_ == nullptr) version_ = std::make_unique<Version>();
    version_->number = options.version;
    version_->epoch = options.version_epoch;
  }
  if (options.idempotency_key.empty()) return false;
  if (keys_ == nullptr) keys_ = std::make_unique<IdempotencyKeys>();
  return keys_->add(options.idempotency_key, answer.position.offset,
                    now + bounded(options.idempotency_window), keys_max);
}

Page Log::read(const ReadOptions& options) const {
  Page page;
  page.top = top();
  const size_t size = entries_.size();
  size_t begin = 0;
  size_t end = size;
  if (options.since) {
    const uint64_t first = top_.value() - size + 1;
    const uint64_t since = std::clamp(options.since->value(), first - 1, top_.value() + 1);
    if (options.reverse) {
      end = since < first ? 0 : static_cast<size_t>(since - first);
    } else {
      begin = std::min(static_cast<size_t>(since + 1 - first), size);
    }
  }
  const size_t count = std::min(end - begin, options.limit.value_or(kAll));
  page.publications.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    page.publications.push_back(entries_[options.reverse ? end - 1 - i : begin + i].publication);
  }
  return page;
}

void Log::remove() {
  entries_.clear();
  entry_bytes_ = 0;
}

void Log::pop_front() {
  entry_bytes_ -= bytes_of(entries_.front().publication);
  entries_.pop_front();
}

size_t Log::bytes() const {
  size_t bytes = bytes_of_new(name_) + entry_bytes_;
  if (keys_ != nullptr) bytes += sizeof(IdempotencyKeys) + keys_->bytes();
  if (version_ != nullptr) bytes += sizeof(Version) + version_->epoch.size();
  return bytes;
}

size_t Log::bytes_of_new(std::string_view name) {
  return sizeof(Log) + kTableBytes + name.size();
}

size_t Log::bytes_of(const model::Publication& publication) {
  size_t bytes = sizeof(Entry) + kSharedBytes + publication.data.size();
  for (const auto& [key, value] : publication.tags) {
    bytes += sizeof(model::Tags::value_type) + key.size() + value.size();
  }
  if (const model::ClientInfo* info = publication.info.get()) {
    bytes += sizeof(*info) + info->user.size() + info->client.size() + info->conn_info.size() +
             info->chan_info.size();
  }
  return bytes;
}

size_t Log::bytes_of(const AppendOptions& options) {
  size_t bytes = 0;
  if (!options.idempotency_key.empty()) {
    bytes += sizeof(IdempotencyKeys) + IdempotencyKeys::bytes_of(options.idempotency_key);
  }
  if (options.version != 0) bytes += sizeof(Version) + options.version_epoch.size();
  return bytes;
}

size_t Log::bytes_in_the_way(const LogOptions& options) const {
  return entries_.size() == options.history_size ? bytes_of(entries_.front().publication) : 0;
}

}  // namespace millrace::store::memory
