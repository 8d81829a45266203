// Tokens from strangers: taken apart, their claims read, their signature verified.
//
// The input is a token; what is accepted must be spelled in the one way that there is. It is also
// the payload of a token that is signed well, so that the claims of it are reached.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/keys.h"
#include "auth/token.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/manual_executor.h"

namespace {

using namespace millrace;

constexpr std::string_view kSecret = "secret";
constexpr int64_t kNow = 1'700'000'000;

auth::Verifier& verifier() {
  static base::ManualCores cores(1);
  static const auth::Options options{.hmac_secret_key = std::string(kSecret),
                                     .user_id_claim = "uid"};
  static auth::Verifier one(
      cores.at(0), options, [](const std::string&, auto) { MILLRACE_ASSERT(false); },
      [] { return kNow; });
  return one;
}

void check_parts(std::string_view text) {
  static auth::JsonReader json;
  const auto token = auth::parse_token(text, json);
  if (!token) return;
  MILLRACE_ASSERT(token->algorithm != nullptr);
  std::string again(token->signed_part.substr(0, token->signed_part.find('.')));
  again += '.';
  base::append_base64url(again, std::string_view(token->payload));
  again += '.';
  base::append_base64url(again, token->signature);
  MILLRACE_ASSERT(again == text);
}

// JSON claims are handed on as they came, so they must be JSON by themselves.
void check_payload(const auth::Payload& payload) {
  static simdjson::dom::parser parser;
  if (!payload.is_json || payload.bytes.empty()) return;
  MILLRACE_ASSERT(payload.bytes.find_first_of("\r\n") == std::string::npos);
  MILLRACE_ASSERT(parser.parse(simdjson::padded_string(payload.bytes)).error() ==
                  simdjson::SUCCESS);
}

void check_signed(std::string_view payload) {
  std::string token;
  base::append_base64url(token, R"({"alg":"HS256"})");
  token += '.';
  base::append_base64url(token, payload);
  const std::string signature = auth::hmac(*auth::find_algorithm("HS256"), kSecret, token);
  token += '.';
  base::append_base64url(token, signature);
  int calls = 0;
  bool connects = false;
  bool subscribes = false;
  verifier().verify_connection(token, [&](auto claims) {
    ++calls;
    connects = claims.has_value();
    if (!connects) return;
    check_payload(claims->info);
    MILLRACE_ASSERT(claims->meta.empty() || claims->meta.starts_with('{'));
    for (const auth::Subscription& sub : claims->subs) {
      check_payload(sub.info);
      check_payload(sub.data);
    }
  });
  verifier().verify_subscription(token, [&](auto claims) {
    ++calls;
    subscribes = claims.has_value();
    if (subscribes) MILLRACE_ASSERT(!claims->channel.empty());
  });
  MILLRACE_ASSERT(calls == 2);
  MILLRACE_ASSERT(!connects || !subscribes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_parts(text);
  check_signed(text);
  return 0;
}
