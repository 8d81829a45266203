#include "hub/bans.h"

#include "base/clock.h"

namespace millrace::hub {
namespace {

int64_t unix_now() {
  return base::wall_clock_ms() / 1000;
}

bool expired(int64_t expire_at, int64_t now) {
  return expire_at != 0 && expire_at <= now;
}

}  // namespace

bool Bans::full(const Ban& ban) {
  if (size() < bans_max_ || table(ban.kind).contains(ban.subject)) return false;
  const int64_t now = unix_now();
  for (Table& each : tables_) {
    absl::erase_if(each, [now](const auto& entry) { return expired(entry.second.expire_at, now); });
  }
  return size() >= bans_max_;
}

void Bans::add(const Ban& ban) {
  table(ban.kind)[ban.subject] = {.issued_before = ban.issued_before, .expire_at = ban.expire_at};
}

void Bans::remove(Ban::Kind kind, std::string_view subject) {
  const auto found = table(kind).find(subject);
  if (found != table(kind).end()) table(kind).erase(found);
}

bool Bans::user_banned(std::string_view user) const {
  return find(Ban::Kind::kUser, user) != nullptr;
}

bool Bans::token_banned(std::string_view token_id, std::string_view user, int64_t issued_at) const {
  if (!token_id.empty() && find(Ban::Kind::kToken, token_id) != nullptr) return true;
  const Entry* const old = find(Ban::Kind::kUserTokens, user);
  return old != nullptr && issued_at < old->issued_before;
}

const Bans::Entry* Bans::find(Ban::Kind kind, std::string_view subject) const {
  const Table& in = tables_[static_cast<size_t>(kind)];
  if (in.empty()) return nullptr;
  const auto found = in.find(subject);
  if (found == in.end() || expired(found->second.expire_at, unix_now())) return nullptr;
  return &found->second;
}

size_t Bans::size() const {
  size_t sum = 0;
  for (const Table& each : tables_) sum += each.size();
  return sum;
}

}  // namespace millrace::hub
