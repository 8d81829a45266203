// Who is shut out: users, tokens, and tokens of a user that are too old. Every core has the same
// bans, so that a token is judged where it arrives.
//
// They live as long as the process: a backend that needs more must say it again after a restart.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/string_hash.h"
#include "hub/asks.h"

namespace millrace::hub {

class Bans {
 public:
  explicit Bans(size_t bans_max) : bans_max_(bans_max) {}

  // Whether one more can't be kept. Forgets what has expired before it says so.
  bool full(const Ban& ban);
  void add(const Ban& ban);
  void remove(Ban::Kind kind, std::string_view subject);

  bool user_banned(std::string_view user) const;
  // `issued_at` in Unix seconds; 0: the token does not say, which is before any time.
  bool token_banned(std::string_view token_id, std::string_view user, int64_t issued_at) const;

 private:
  struct Entry {
    int64_t issued_before = 0;
    int64_t expire_at = 0;
  };
  using Table = absl::flat_hash_map<std::string, Entry, base::StringHash, base::StringEqual>;
  static constexpr size_t kKinds = 3;

  Table& table(Ban::Kind kind) { return tables_[static_cast<size_t>(kind)]; }
  const Entry* find(Ban::Kind kind, std::string_view subject) const;
  size_t size() const;

  const size_t bans_max_;
  std::array<Table, kKinds> tables_;
};

}  // namespace millrace::hub
