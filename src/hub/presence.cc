#include "hub/presence.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace millrace::hub {

bool Presence::join(Member member, bool announced) {
  const std::string_view client = member->client;
  User& user = users_[member->user];
  // Anonymous clients have nothing by which one could know them again.
  const bool took_over = !member->user.empty() && !user.lingering.empty();
  if (took_over) {
    const std::string_view lingered = user.lingering.back();
    user.lingering.pop_back();
    --user.clients;
    members_.erase(lingered);
  }
  ++user.clients;
  const bool added = members_.try_emplace(client, Entry{std::move(member), announced, false}).second;
  MILLRACE_ASSERT(added);
  return announced && !took_over;
}

Presence::Left Presence::leave(std::string_view client) {
  const auto found = members_.find(client);
  if (found == members_.end() || found->second.lingering) return {};
  return erase(client);
}

bool Presence::linger(std::string_view client) {
  const auto found = members_.find(client);
  if (found == members_.end() || found->second.lingering) return false;
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
