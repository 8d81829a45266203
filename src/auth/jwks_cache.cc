#include "auth/jwks_cache.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace millrace::auth {

JwksCache::JwksCache(base::Executor& executor, base::Duration max_age, Fetch fetch)
    : executor_(executor),
      max_age_(max_age),
      fetch_(std::move(fetch)),
      self_(std::make_shared<JwksCache*>(this)) {}

JwksCache::~JwksCache() = default;

JwksCache::Answer JwksCache::find(const std::string& url, std::string_view key_id,
                                  const Algorithm& algorithm) {
  Entry* const entry = entry_of(url);
  if (entry == nullptr) return {State::kUnavailable};
  const auto known = [&] { return entry->keys ? entry->keys->find(key_id, algorithm) : nullptr; };
  const bool stale = !entry->keys || executor_.now() - entry->fetched_at >= max_age_;
  if (stale || known() == nullptr) {
    // Where fetching fails, the old keys must do meanwhile: nobody waits for the next attempt.
    const bool meanwhile = entry->failed && known() != nullptr;
    if (!entry->fetching && !paused(*entry)) start_fetch(url, *entry);
    if (entry->fetching && !meanwhile) return {State::kLater};
  }
  if (const PublicKey* const key = known(); key != nullptr) return {State::kKey, key};
  return {entry->failed ? State::kUnavailable : State::kUnknown};
}

bool JwksCache::wait(const std::string& url, size_t bytes, base::Task resume) {
  const auto found = entries_.find(url);
  MILLRACE_ASSERT(found != entries_.end() && found->second.fetching);
  if (waiting_ >= kWaitingMax || waiting_bytes_ + bytes > kWaitingBytesMax) return false;
  ++waiting_;
  waiting_bytes_ += bytes;
  found->second.waiting.push_back({bytes, std::move(resume)});
  return true;
}

JwksCache::Entry* JwksCache::entry_of(const std::string& url) {
  auto found = entries_.find(url);
  if (found == entries_.end()) {
    if (entries_.size() >= kUrlsMax && !make_room()) return nullptr;
    found = entries_.try_emplace(url).first;
    found->second.failed = true;
  }
  found->second.used_at = executor_.now();
  return &found->second;
}

// Drops the set that is missed least. One that was tried just now stays, found or not: its pause
// must not be forgotten.
bool JwksCache::make_room() {
  const auto rank = [](const auto& item) {
    return std::tuple(item.second.keys.has_value(), item.second.used_at);
  };
  auto least = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& entry = at->second;
    const bool in_use = entry.keys && executor_.now() - entry.used_at < kInUse;
    if (entry.fetching || paused(entry) || in_use) continue;
    if (least == entries_.end() || rank(*at) < rank(*least)) least = at;
  }
  if (least == entries_.end()) return false;
  entries_.erase(least);
  return true;
}

bool JwksCache::paused(const Entry& entry) const {
  return entry.tried_at && executor_.now() - *entry.tried_at < kJwksPause;
}

void JwksCache::start_fetch(const std::string& url, Entry& entry) {
  if (fetching_ >= kFetchesMax) return;
  entry.fetching = true;
  ++fetching_;
  fetch_(url, [weak = std::weak_ptr(self_), url](base::Result<std::string> body) {
    if (const auto self = weak.lock()) (*self)->fetched(url, std::move(body));
  });
}

void JwksCache::fetched(const std::string& url, base::Result<std::string> body) {
  const auto found = entries_.find(url);
  MILLRACE_ASSERT(found != entries_.end() && found->second.fetching);
  Entry& entry = found->second;
  entry.fetching = false;
  --fetching_;
  entry.tried_at = executor_.now();
  base::Result<KeySet> keys = body ? KeySet::parse(*body, json_) : base::fail(body);
  entry.failed = !keys;
  if (keys) {
    base::log::info("key set fetched", {{"url", url}, {"keys", keys->size()}});
    entry.keys = std::move(*keys);
    entry.fetched_at = executor_.now();
  } else {
    base::log::warn("cannot fetch a key set", {{"url", url}, {"error", keys.error().message}});
  }
  const bool resuming = !ready_.empty();
  std::ranges::move(entry.waiting, std::back_inserter(ready_));
  entry.waiting.clear();
  if (resuming || ready_.empty()) return;
  executor_.post([weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->resume_some();
  });
}

// A few a turn: each of them means a signature to verify.
void JwksCache::resume_some() {
  for (size_t i = 0; i < kResumedPerTurn && !ready_.empty(); ++i) {
    Waiting next = std::move(ready_.front());
    ready_.pop_front();
    --waiting_;
    waiting_bytes_ -= next.bytes;
    next.resume();
  }
  if (ready_.empty()) return;
  executor_.post([weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->resume_some();
  });
}

}  // namespace millrace::auth
