// Who is in one channel: its members by client id, and how many users they are.
//
// Lives on the channel's home core, in the channel's record. Everything is O(1) but members().
//
//   a member   event                                -> becomes    others hear of
//   (none)     join()                               -> present    a join
//   present    join() again                         -> present    nothing
//   present    the last leave()                     -> (none)     a leave
//   present    the last linger()                    -> lingering
//   lingering  the same user joins as a new client  -> (none)     nothing, nor of the join
//   lingering  expire()                             -> (none)     a leave
//
// A client may join again before it has left: it unsubscribes and subscribes faster than it is
// answered. It is there until it has left as often as it joined.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_hash.h"
#include "model/model.h"

namespace millrace::hub {

class Presence {
 public:
  using Member = std::shared_ptr<const model::ClientInfo>;

  // `announced`: others hear when it comes and goes. True if they should now: it is neither there
  // already, nor the comeback of one who lingered.
  bool join(Member member, bool announced);

  struct Left {
    Member member;           // null: there was no such member
    bool announced = false;  // others should hear of it
  };
  Left leave(std::string_view client);
  // It stays until expire(); false if there is no such member.
  bool linger(std::string_view client);
  // Nothing if it came back, or has gone, in the meantime.
  Left expire(std::string_view client);

  size_t clients() const { return members_.size(); }
  size_t users() const { return users_.size(); }
  bool empty() const { return members_.empty(); }
  std::vector<Member> members() const;

 private:
  struct Entry {
    Member member;
    bool announced = false;
    bool lingering = false;
    uint32_t times = 1;  // that it joined, less those that it left
  };
  struct User {
    size_t clients = 0;
    absl::InlinedVector<std::string_view, 1> lingering;  // client ids, owned by the members
  };

  bool take_over(User& user, bool announced);
  Left erase(std::string_view client);

  // The keys are the members' own strings.
  absl::flat_hash_map<std::string_view, Entry, base::StringHash, base::StringEqual> members_;
  absl::flat_hash_map<std::string, User, base::StringHash, base::StringEqual> users_;
};

}  // namespace millrace::hub
