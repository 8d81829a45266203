// Whether the options can be used: what a configuration is checked with, and what the verifier then
// relies on.
#include <algorithm>
#include <string>
#include <utility>

#include "auth/auth.h"
#include "auth/demands.h"
#include "auth/keys.h"

namespace millrace::auth {
namespace {

constexpr size_t kSecretBytesMax = 64UL * 1024;

std::unexpected<base::Error> wrong(const char* option, const std::string& why) {
  return base::fail(base::ErrorCode::kInvalid, std::string(option) + ": " + why);
}

base::Result<> check_pem(const char* option, KeyKind kind, const std::string& pem) {
  if (pem.empty()) return {};
  const base::Result<PublicKey> key = PublicKey::from_pem(kind, pem);
  if (!key) return wrong(option, key.error().message);
  return {};
}

base::Result<> check_secrets(const Options& options) {
  if (options.hmac_secret_key.size() > kSecretBytesMax)
    return wrong("hmac_secret_key", "is too long");
  if (options.hmac_previous_secret_key.size() > kSecretBytesMax)
    return wrong("hmac_previous_secret_key", "is too long");
  if (!options.hmac_previous_secret_key.empty() && options.hmac_secret_key.empty())
    return wrong("hmac_previous_secret_key", "needs hmac_secret_key");
  if (options.hmac_previous_secret_key_valid_until < 0)
    return wrong("hmac_previous_secret_key_valid_until", "must not be negative");
  return {};
}

bool claim_name(const std::string& name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

base::Result<> check(const Options& options) {
  base::Result<> good = check_secrets(options);
  if (good) good = check_pem("rsa_public_key", KeyKind::kRsa, options.rsa_public_key);
  if (good) good = check_pem("ecdsa_public_key", KeyKind::kEcdsa, options.ecdsa_public_key);
  if (good) good = check_pem("ed25519_public_key", KeyKind::kEd25519, options.ed25519_public_key);
  if (!good) return good;
  base::Result<Demands> demands = Demands::of(options);
  if (!demands) return base::fail(demands);
  if (!options.jwks_public_endpoint.empty()) {
    const auto url = UrlTemplate::parse(options.jwks_public_endpoint, *demands);
    if (!url) return wrong("jwks_public_endpoint", url.error().message);
  }
  if (!claim_name(options.user_id_claim))
    return wrong("user_id_claim", "may have letters, digits and _ only");
  if (options.jwks_max_age < kJwksPause) return wrong("jwks_max_age", "is less than a pause");
  return {};
}

}  // namespace millrace::auth
