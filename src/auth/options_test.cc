#include <gtest/gtest.h>

#include "auth/auth.h"
#include "auth/testing.h"

namespace millrace::auth {
namespace {

std::string options_error(const Options& options) {
  const base::Result<> result = check(options);
  return result ? "" : result.error().message;
}

TEST(Check, no_options_are_good_options) {
  EXPECT_EQ(options_error({}), "");
  EXPECT_FALSE(Options{}.any_key());
}

TEST(Check, keys_of_every_kind_are_good) {
  const Options options{.hmac_secret_key = "secret",
                        .hmac_previous_secret_key = "older",
                        .hmac_previous_secret_key_valid_until = 1'700'000'000,
                        .rsa_public_key = Signer::rsa().public_pem(),
                        .ecdsa_public_key = Signer::ecdsa("P-521").public_pem(),
                        .ed25519_public_key = Signer::ed25519().public_pem(),
                        .jwks_public_endpoint = "https://a.example/{{realm}}/keys",
                        .audience = "us",
                        .issuer_regex = "(?P<realm>[a-z]+)$",
                        .user_id_claim = "user_id"};
  EXPECT_EQ(options_error(options), "");
  EXPECT_TRUE(options.any_key());
}

TEST(Check, error_names_the_option) {
  const std::string ecdsa = Signer::ecdsa("P-256").public_pem();
  EXPECT_EQ(options_error({.rsa_public_key = ecdsa}), "rsa_public_key: is not of the type RSA");
  EXPECT_EQ(options_error({.ecdsa_public_key = "x"}),
            "ecdsa_public_key: is not a public key in PEM");
  EXPECT_EQ(options_error({.ed25519_public_key = ecdsa}),
            "ed25519_public_key: is not of the type ED25519");
  EXPECT_EQ(options_error({.hmac_previous_secret_key = "x"}),
            "hmac_previous_secret_key: needs hmac_secret_key");
  EXPECT_EQ(options_error({.hmac_previous_secret_key_valid_until = -1}),
            "hmac_previous_secret_key_valid_until: must not be negative");
  EXPECT_TRUE(options_error({.audience_regex = "["})
                  .starts_with("audience_regex: is not a regular expression: "));
  EXPECT_EQ(options_error({.jwks_public_endpoint = "ftp://a"}),
            "jwks_public_endpoint: is not an http:// or https:// URL");
  EXPECT_EQ(options_error({.user_id_claim = "a.b"}),
            "user_id_claim: may have letters, digits and _ only");
  EXPECT_EQ(options_error({.jwks_max_age = std::chrono::seconds(1)}),
            "jwks_max_age: is less than a pause");
}

TEST(Check, error_never_tells_a_secret) {
  const std::string secret(70'000, 's');
  EXPECT_EQ(options_error({.hmac_secret_key = secret}), "hmac_secret_key: is too long");
  const std::string pem = Signer::rsa().private_pem();
  EXPECT_EQ(options_error({.rsa_public_key = pem}),
            "rsa_public_key: is a private key; the public one belongs here");
}

}  // namespace
}  // namespace millrace::auth
