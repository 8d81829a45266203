// The parameters of what shuts users and tokens out.
#include "api/read.h"
#include "base/clock.h"

namespace millrace::api {
namespace {

// `subject_name` is what the method calls it.
Read<Call> read_ban(hub::Ban::Kind kind, std::string_view subject_name, std::string_view params) {
  hub::Ban ban{.kind = kind};
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    field.text(subject_name, ban.subject, kSubjectBytesMax);
    field.integer("expire_at", ban.expire_at);
    if (kind == hub::Ban::Kind::kUserTokens) field.integer("issued_before", ban.issued_before);
  });
  if (!wrong && ban.subject.empty()) wrong = bad_request(std::string(subject_name) + " is needed");
  if (!wrong && (ban.expire_at < 0 || ban.issued_before < 0)) {
    wrong = bad_request("expire_at and issued_before must not be negative");
  }
  if (wrong) return std::unexpected(*std::move(wrong));
  return ban;
}

}  // namespace

Read<Call> read_block_user(std::string_view params) {
  return read_ban(hub::Ban::Kind::kUser, "user", params);
}

Read<Call> read_revoke_token(std::string_view params) {
  return read_ban(hub::Ban::Kind::kToken, "uid", params);
}

Read<Call> read_invalidate_user_tokens(std::string_view params) {
  Read<Call> call = read_ban(hub::Ban::Kind::kUserTokens, "user", params);
  if (!call) return call;
  // Tokens say in whole seconds when they were issued: those of this very second are meant, too.
  auto& ban = std::get<hub::Ban>(*call);
  if (ban.issued_before == 0) ban.issued_before = base::wall_clock_ms() / 1000 + 1;
  return call;
}

Read<Call> read_unblock_user(std::string_view params) {
  Lift lift;
  std::optional<Failure> wrong = read_object(
      params, [&](Field& field) { field.text("user", lift.subject, kSubjectBytesMax); });
  if (!wrong && lift.subject.empty()) wrong = bad_request("user is needed");
  if (wrong) return std::unexpected(*std::move(wrong));
  return lift;
}

}  // namespace millrace::api
