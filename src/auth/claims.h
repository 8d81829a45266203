// What the payload of a token says, read but not judged: signature, demands and dates are the
// verifier's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.h"
#include "auth/json.h"

namespace millrace::auth {

enum class TokenKind : uint8_t {
  kConnection,
  kSubscription,
  kGrant,  // no token, but what a backend says in its place
};

struct Claims {
  std::string user{};
  std::string token_id{};
  std::string issuer{};
  std::vector<std::string> audiences{};
  int64_t issued_at = 0;
  std::optional<int64_t> expires{};     // exp: until when the token may be used
  std::optional<int64_t> not_before{};  // nbf
  std::optional<int64_t> expire_at{};   // of what the token is for; 0: never
  Payload info{};
  std::string meta{};  // of a connection token, as are those below
  std::vector<Subscription> subs{};
  std::string channel{};  // of a subscription token, as are those below
  std::string client{};
  Payload data{};
  Override override{};
};

// Reads the claims that a token of this kind has; others may say what they like. A claim that is
// null is not there. `user_id_claim` is the name of the user's claim.
base::Result<Claims> read_claims(simdjson::padded_string payload, TokenKind kind,
                                 std::string_view user_id_claim, JsonReader& json);

// Whether `now` (Unix seconds) is within the token's dates.
bool valid_at(const Claims& claims, int64_t now);

ConnectionClaims connection_claims(Claims claims);
SubscriptionClaims subscription_claims(Claims claims);

}  // namespace millrace::auth
