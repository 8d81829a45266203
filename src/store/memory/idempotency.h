// The idempotency keys that one log remembers, each until its window is over.
//
// Windows differ from append to append, so the keys stand in a heap by the end of their window.
#pragma once

#include <absl/container/node_hash_map.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/string_hash.h"
#include "model/model.h"

namespace millrace::store::memory {

class IdempotencyKeys {
 public:
  // What the append with this key was answered.
  std::optional<model::Offset> find(std::string_view key) const;

  // Requires that the key is not there. Over `most` keys, the one whose window ends first is
  // dropped: then true.
  bool add(std::string_view key, model::Offset answer, base::MonotonicTime end, size_t most);

  // Forgets keys whose window is over, at most `most` of them; returns how many.
  size_t expire(base::MonotonicTime now, size_t most);

  bool empty() const { return answers_.empty(); }
  // Held memory, estimated.
  size_t bytes() const { return bytes_; }
  static size_t bytes_of(std::string_view key) { return kKeyBytes + key.size(); }

 private:
  static constexpr size_t kKeyBytes = 96;  // its node, its place in the table and in the heap
  using Answers =
      absl::node_hash_map<std::string, model::Offset, base::StringHash, base::StringEqual>;
  struct End {
    base::MonotonicTime at;
    const std::string* key;  // in answers_
  };
  static bool later(const End& a, const End& b) { return a.at > b.at; }
  void drop_first();

  Answers answers_;
  std::vector<End> ends_;
  size_t bytes_ = 0;
};

}  // namespace millrace::store::memory
