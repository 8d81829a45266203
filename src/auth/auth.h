// Tokens: who a client is, and what it may subscribe to, as its backend has signed it (JWT).
//
// A Verifier per core checks signatures (HS256/384/512, RS256/384/512, ES256/384/512, EdDSA with
// Ed25519; `none` never) and claims. Keys are configured, or come as a JWK set from a URL. Claims
// and their meaning are those of Centrifugo's tokens (docs/configuration.md, client.token).
//
// Cores      Everything on the verifier's own core; `done` runs there, exactly once, mostly before
//            the method returns: only a key that has to be fetched first makes it later. It must
//            not destroy the verifier. Destroying that drops who waits, without a call.
// Limits     kTokenBytesMax. A JWK set holds kJwksKeysMax keys and kJwksBytesMax bytes, is fetched
//            by one request at a time, and not again within kJwksPause, whatever key ids tokens
//            name. At most kWaitingMax tokens wait for it; more are refused. A set that cannot be
//            fetched anew goes on being used. URLs with {{name}} are bounded in number, and what
//            fills them is letters, digits and -_.~ only.
// Failure    A Refusal. What is wrong with a token is not told to the client, but logged at level
//            debug.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/result.h"

namespace millrace::auth {

inline constexpr size_t kTokenBytesMax = 64UL * 1024;
inline constexpr size_t kJwksKeysMax = 256;
inline constexpr size_t kJwksBytesMax = 1024UL * 1024;
inline constexpr std::chrono::seconds kJwksPause{10};
inline constexpr size_t kWaitingMax = 10'000;

// ---- What a token says ----

// What a subscription does differently from its namespace.
struct Override {
  std::optional<bool> presence{};
  std::optional<bool> join_leave{};
  std::optional<bool> force_push_join_leave{};
  std::optional<bool> force_recovery{};
  std::optional<bool> force_positioning{};
};

// A payload of a claim: JSON text on one line, or bytes if it came in base64 (`b64info`,
// `b64data`).
struct Payload {
  std::string bytes{};
  bool is_json = true;
};

// A server-side subscription that a connection token, or a grant, asks for.
struct Subscription {
  std::string channel{};
  Payload info{};
  Payload data{};
  Override override{};
  int64_t expire_at = 0;  // Unix seconds; 0: never. Of a Grant only.
};

struct ConnectionClaims {
  std::string user{};      // "": anonymous
  std::string token_id{};  // jti
  int64_t issued_at = 0;   // iat, Unix seconds; 0: not said
  int64_t expire_at = 0;   // when the connection ends, Unix seconds; 0: never
  Payload info{};
  std::string meta{};                // a JSON object on one line; "" if there was none
  std::vector<Subscription> subs{};  // of `subs`, or else of `channels`
};

struct SubscriptionClaims {
  std::string user{};
  std::string channel{};
  std::string client{};  // "": any
  std::string token_id{};
  int64_t issued_at = 0;
  int64_t expire_at = 0;  // when the subscription ends, Unix seconds; 0: never
  Payload info{};
  Payload data{};
  Override override{};
};

enum class Refusal : uint8_t {
  kInvalid,      // malformed, signed by somebody else, or for something else
  kExpired,      // `exp` has passed, or `nbf` has not come
  kUnavailable,  // its key could not be fetched now
};

template <class Claims>
using Done = std::move_only_function<void(std::expected<Claims, Refusal>)>;

// ---- Verifying ----

// Keys and demands; empty ones are not there. Everything of it was checked by check().
struct Options {
  std::string hmac_secret_key{};
  std::string hmac_previous_secret_key{};
  int64_t hmac_previous_secret_key_valid_until = 0;  // Unix seconds; 0: always
  std::string rsa_public_key{};                      // PEM
  std::string ecdsa_public_key{};                    // PEM
  std::string ed25519_public_key{};                  // PEM
  // URL; may hold {{name}} of the patterns' groups
  std::string jwks_public_endpoint{};
  std::string audience{};
  std::string audience_regex{};  // RE2, as is the other
  std::string issuer{};
  std::string issuer_regex{};
  std::string user_id_claim{};  // "": sub; another one may be an integer
  std::chrono::milliseconds jwks_max_age{std::chrono::hours{1}};  // then it is fetched anew

  bool any_key() const {
    return !hmac_secret_key.empty() || !rsa_public_key.empty() || !ecdsa_public_key.empty() ||
           !ed25519_public_key.empty() || !jwks_public_endpoint.empty();
  }
};

// Whether the keys and patterns can be used. The error's message begins with the option's name and
// ": ", and holds no secret.
base::Result<> check(const Options& options);

// GETs a URL: `done` gets the body of a 200 answer, on the core that asked.
using Fetch = std::move_only_function<void(
    std::string url, std::move_only_function<void(base::Result<std::string>)> done)>;

class Verifier {
 public:
  // `options` passed check(). `fetch` is used for jwks_public_endpoint only. `unix_seconds` is the
  // wall clock. All of them outlive the verifier's last callback.
  Verifier(base::Executor& executor, const Options& options, Fetch fetch,
           std::move_only_function<int64_t()> unix_seconds);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // False: no key is configured, so that every token is kInvalid.
  bool any_key() const;

  void verify_connection(std::string_view token, Done<ConnectionClaims> done);
  void verify_subscription(std::string_view token, Done<SubscriptionClaims> done);

  // What was wrong with the token that was refused last, in words for people: ask within `done`.
  // For those who make tokens, never for clients.
  const std::string& why_refused() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- What a backend says itself ----

// Who a client without a token is, in the answer of the backend that was asked: what a connection
// token says, and something for the client.
struct Grant {
  ConnectionClaims claims{};  // without a token's id and time; `meta` is any JSON
  Payload data{};
};

// Reads a grant, a JSON object with `user`, `expire_at`, `info`, `b64info`, `data`, `b64data`,
// `channels`, `subs` and `meta`. Errors name what cannot be used, never its value. Anybody's info
// must be JSON.
base::Result<Grant> read_grant(std::string_view json);

// ---- Making tokens, for people who try things out ----

struct TokenRequest {
  std::string user{};
  std::string channel{};  // "": a connection token
  int64_t expire_at = 0;  // `exp`, Unix seconds; 0: never
  int64_t issued_at = 0;  // `iat`
};

// An HS256 token.
std::string make_token(std::string_view hmac_secret_key, const TokenRequest& request);

}  // namespace millrace::auth
