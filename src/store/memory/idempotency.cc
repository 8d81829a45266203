#include "store/memory/idempotency.h"

#include <algorithm>

#include "base/assert.h"

namespace millrace::store::memory {

std::optional<model::Offset> IdempotencyKeys::find(std::string_view key) const {
  const auto found = answers_.find(key);
  if (found == answers_.end()) return std::nullopt;
  return found->second;
}

bool IdempotencyKeys::add(std::string_view key, model::Offset answer, base::MonotonicTime end,
                          size_t most) {
  const auto [at, is_new] = answers_.emplace(key, answer);
  MILLRACE_ASSERT(is_new);
  ends_.push_back({end, &at->first});
  std::ranges::push_heap(ends_, later);
  bytes_ += bytes_of(key);
  if (ends_.size() <= most) return false;
  drop_first();
  return true;
}

size_t IdempotencyKeys::expire(base::MonotonicTime now, size_t most) {
  size_t count = 0;
  for (; count < most && !ends_.empty() && ends_.front().at <= now; ++count) drop_first();
  return count;
}

void IdempotencyKeys::drop_first() {
  std::ranges::pop_heap(ends_, later);
  const std::string* key = ends_.back().key;
  ends_.pop_back();
  bytes_ -= bytes_of(*key);
  answers_.erase(answers_.find(*key));
}

}  // namespace millrace::store::memory
