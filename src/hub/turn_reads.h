// What was read from logs in this turn: many clients that ask the same of one channel, as they do
// when all of them come back at once, cost one read.
//
// Good only until the log changes, or the turn ends.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
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
  // Null if this was not read.
  SharedPage find(std::string_view channel, const store::ReadOptions& how) const {
    const auto found = pages_.find(channel);
    if (found == pages_.end()) return nullptr;
    for (const auto& [asked, page] : found->second) {
      if (asked == how) return page;
    }
    return nullptr;
  }

  void add(std::string_view channel, const store::ReadOptions& how, SharedPage page) {
    std::vector<Entry>& entries = pages_.try_emplace(channel).first->second;
    if (entries.size() < kPerChannelMax) entries.emplace_back(how, std::move(page));
  }

  // The channel's log has changed.
  void forget(std::string_view channel) {
    if (pages_.empty()) return;
    const auto found = pages_.find(channel);
    if (found != pages_.end()) pages_.erase(found);
  }

  void forget_all() { pages_.clear(); }

 private:
  static constexpr size_t kPerChannelMax = 64;
  using Entry = std::pair<store::ReadOptions, SharedPage>;
  absl::flat_hash_map<std::string, std::vector<Entry>, base::StringHash, base::StringEqual> pages_;
};

}  // namespace millrace::hub
