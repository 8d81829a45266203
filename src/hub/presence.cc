#include "hub/presence.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace millrace::hub {

bool Presence::join(Member member, bool announced) {
  const std::string_view client = member->client;
  if (const auto found = members_.find(client); found != members_.end()) {
    MILLRACE_ASSERT(!found->second.lingering);
    // What is known of it now is what it said last; the key is a part of that.
    Entry entry = std::move(found->second);
    members_.erase(found);
    const bool heard_of = entry.announced;
    entry = {.member = std::move(member),
             .announced = announced || heard_of,
             .lingering = false,
             .times = entry.times + 1};
    members_.emplace(client, std::move(entry));
    return announced && !heard_of;
  }
  User& user = users_[member->user];
  // Anonymous clients have nothing by which one could know them again.
  const bool took_over = !member->user.empty() && take_over(user, announced);
  ++user.clients;
  members_.try_emplace(client, Entry{.member = std::move(member), .announced = announced});
  return announced && !took_over;
}

// Takes the place of a client of this user that lingers, and that others have heard of or not, too.
bool Presence::take_over(User& user, bool announced) {
  const auto lingered = std::ranges::find_if(user.lingering, [&](std::string_view client) {
    return members_.find(client)->second.announced == announced;
  });
  if (lingered == user.lingering.end()) return false;
  members_.erase(members_.find(*lingered));
  user.lingering.erase(lingered);
  --user.clients;
  return true;
}

Presence::Left Presence::leave(std::string_view client) {
  const auto found = members_.find(client);
  if (found == members_.end() || found->second.lingering) return {};
  if (--found->second.times > 0) return {};
  return erase(client);
}

bool Presence::linger(std::string_view client) {
  const auto found = members_.find(client);
  if (found == members_.end() || found->second.lingering) return false;
  if (--found->second.times > 0) return false;
  found->second.lingering = true;
  users_[found->second.member->user].lingering.push_back(found->first);
  return true;
}

Presence::Left Presence::expire(std::string_view client) {
  const auto found = members_.find(client);
  if (found == members_.end() || !found->second.lingering) return {};
  auto& lingering = users_[found->second.member->user].lingering;
  lingering.erase(std::ranges::find(lingering, found->first));
  return erase(client);
}

Presence::Left Presence::erase(std::string_view client) {
  const auto found = members_.find(client);
  Left left{std::move(found->second.member), found->second.announced};
  members_.erase(found);
  const auto user = users_.find(left.member->user);
  if (--user->second.clients == 0) users_.erase(user);
  return left;
}

std::vector<Presence::Member> Presence::members() const {
  std::vector<Member> all;
  all.reserve(members_.size());
  for (const auto& [client, entry] : members_) all.push_back(entry.member);
  return all;
}

}  // namespace millrace::hub
