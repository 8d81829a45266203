// What was read from logs in this turn: many clients that ask the same of one channel, as they do
// when all of them come back at once, cost one read, which may still be on its way.
//
// Good only until the log changes, or the turn ends: whoever asks after that is to see what has
// come since.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_hash.h"
#include "store/store.h"

namespace millrace::hub {

using SharedPage = std::shared_ptr<const store::Page>;  // shared by all who asked for it

class TurnReads {
 public:
  using Done = std::move_only_function<void(const base::Result<SharedPage>&)>;
  struct Reading {
    std::optional<base::Result<SharedPage>> result;  // nullopt: on its way
    std::vector<Done> waiting;
  };

  // Null if nobody has asked for this.
  std::shared_ptr<Reading> find(std::string_view channel, const store::ReadOptions& how) const {
    const auto found = readings_.find(channel);
    if (found == readings_.end()) return nullptr;
    for (const auto& [asked, reading] : found->second) {
      if (asked == how) return reading;
    }
    return nullptr;
  }

  // Shared with the read's callback, which outlives the turn.
  std::shared_ptr<Reading> add(std::string_view channel, const store::ReadOptions& how) {
    auto reading = std::make_shared<Reading>();
    std::vector<Entry>& entries = readings_.try_emplace(channel).first->second;
    if (entries.size() < kPerChannelMax) entries.emplace_back(how, reading);
    return reading;
  }

  // The channel's log has changed.
  void forget(std::string_view channel) {
    if (readings_.empty()) return;
    const auto found = readings_.find(channel);
    if (found != readings_.end()) readings_.erase(found);
  }

  void forget_all() { readings_.clear(); }

 private:
  static constexpr size_t kPerChannelMax = 64;
  using Entry = std::pair<store::ReadOptions, std::shared_ptr<Reading>>;
  absl::flat_hash_map<std::string, std::vector<Entry>, base::StringHash, base::StringEqual>
      readings_;
};

}  // namespace millrace::hub
