// What an application's backend answers, taken apart. The input is the answer; and it is the result
// in one, so that what it says of a client is reached at once.
//
// What is accepted must be fit to be told: codes within their ranges, a reason that a close frame
// can hold, and JSON on one line where frames have it as it is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "auth/auth.h"
#include "base/assert.h"
#include "protocol/protocol.h"
#include "webhook/answer.h"

namespace {

using namespace millrace;

void check_payload(const auth::Payload& payload, bool must_be_json) {
  if (payload.bytes.empty()) return;
  MILLRACE_ASSERT(payload.is_json || !must_be_json);
  if (!payload.is_json) return;
  MILLRACE_ASSERT(protocol::valid_json(payload.bytes));
  MILLRACE_ASSERT(payload.bytes.find_first_of("\r\n") == std::string::npos);
}

void check_grant(const auth::Grant& grant) {
  MILLRACE_ASSERT(grant.claims.expire_at >= 0);
  check_payload(grant.claims.info, true);
  check_payload(grant.data, false);
  for (const auth::Subscription& sub : grant.claims.subs) {
    MILLRACE_ASSERT(sub.expire_at >= 0);
    check_payload(sub.info, true);
    check_payload(sub.data, false);
  }
}

void check_away(const hub::TurnedAway& away) {
  MILLRACE_ASSERT(away.code != 0);
  if (away.how == hub::TurnedAway::How::kError) return;
  MILLRACE_ASSERT(away.code >= 3000);
  MILLRACE_ASSERT(away.code <= 4999);
  MILLRACE_ASSERT(away.text.size() <= 123);
}

void check(std::string_view json) {
  const auto verdict = webhook::read_connect_answer(json);
  if (!verdict) {
    MILLRACE_ASSERT(!verdict.error().message.empty());
    return;
  }
  MILLRACE_ASSERT(protocol::valid_json(json));
  if (const auto* grant = std::get_if<auth::Grant>(&*verdict)) check_grant(*grant);
  if (const auto* away = std::get_if<hub::TurnedAway>(&*verdict)) check_away(*away);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(input);
  check(R"({"result":)" + std::string(input) + "}");
  return 0;
}
