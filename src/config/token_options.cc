#include "config/config.h"

namespace millrace::config {

auth::Options token_options(const TokenKeys& keys) {
  auth::Options options;
  options.hmac_secret_key = keys.hmac_secret_key;
  options.hmac_previous_secret_key = keys.hmac_previous_secret_key;
  options.hmac_previous_secret_key_valid_until = keys.hmac_previous_secret_key_valid_until;
  options.rsa_public_key = keys.rsa_public_key;
  options.ecdsa_public_key = keys.ecdsa_public_key;
  options.ed25519_public_key = keys.ed25519_public_key;
  options.jwks_public_endpoint = keys.jwks_public_endpoint;
  options.audience = keys.audience;
  options.audience_regex = keys.audience_regex;
  options.issuer = keys.issuer;
  options.issuer_regex = keys.issuer_regex;
  options.user_id_claim = keys.user_id_claim;
  return options;
}

}  // namespace millrace::config
