#include "auth/jwks.h"

#include <gtest/gtest.h>

#include "auth/auth.h"
#include "auth/testing.h"

namespace millrace::auth {
namespace {

KeySet parsed(std::string_view text) {
  JsonReader json;
  auto set = KeySet::parse(text, json);
  EXPECT_TRUE(set) << text << ": " << (set ? "" : set.error().message);
  return set ? std::move(*set) : KeySet{};
}

std::string jwks_error(std::string_view text) {
  JsonReader json;
  const auto set = KeySet::parse(text, json);
  return set ? "accepted" : set.error().message;
}

bool finds(const KeySet& set, std::string_view id, std::string_view algorithm) {
  return set.find(id, *find_algorithm(algorithm)) != nullptr;
}

TEST(KeySet, verifies_with_keys_of_every_type) {
  const Signer rsa = Signer::rsa();
  const Signer p256 = Signer::ecdsa("P-256");
  const Signer p384 = Signer::ecdsa("P-384");
  const Signer p521 = Signer::ecdsa("P-521");
  const Signer ed25519 = Signer::ed25519();
  const KeySet set = parsed(key_set(rsa.jwk("r"), p256.jwk("a"), p384.jwk("b"), p521.jwk("c"),
                                    ed25519.jwk("d", R"(,"use":"sig","key_ops":["verify"])")));
  EXPECT_EQ(set.size(), 5U);
  for (const auto& [id, name, signer] :
       {std::tuple{"r", "RS256", &rsa}, std::tuple{"r", "RS512", &rsa},
        std::tuple{"a", "ES256", &p256}, std::tuple{"b", "ES384", &p384},
        std::tuple{"c", "ES512", &p521}, std::tuple{"d", "EdDSA", &ed25519}}) {
    const Algorithm& algorithm = *find_algorithm(name);
    const PublicKey* const key = set.find(id, algorithm);
    ASSERT_NE(key, nullptr) << name;
    EXPECT_TRUE(key->verify(algorithm, "m", signer->sign(algorithm, "m"))) << name;
    EXPECT_FALSE(key->verify(algorithm, "n", signer->sign(algorithm, "m"))) << name;
  }
}

TEST(KeySet, example_of_rfc_7517_a1) {
  const KeySet set =
      parsed(R"({"keys":
       [{"kty":"EC",
         "crv":"P-256",
         "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
         "use":"enc",
         "kid":"1"},
        {"kty":"RSA",
         "n": ")"
             "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhD"
             "R1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6C"
             "f0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1"
             "n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1"
             "jF44-csFCur-kEgU8awapJzKnqDKgw"
             R"(",
         "e":"AQAB",
         "alg":"RS256",
         "kid":"2011-04-29"}]})");
  EXPECT_EQ(set.size(), 1U);
  EXPECT_TRUE(finds(set, "2011-04-29", "RS256"));
  EXPECT_FALSE(finds(set, "2011-04-29", "RS512"));
  EXPECT_FALSE(finds(set, "1", "ES256"));
}

TEST(KeySet, key_is_found_by_its_name_for_its_algorithms) {
  const Signer p256 = Signer::ecdsa("P-256");
  const Signer ed25519 = Signer::ed25519();
  const KeySet set = parsed(key_set(p256.jwk("same"), ed25519.jwk("same")));
  EXPECT_TRUE(finds(set, "same", "ES256"));
  EXPECT_TRUE(finds(set, "same", "EdDSA"));
  EXPECT_FALSE(finds(set, "same", "ES384"));
  EXPECT_FALSE(finds(set, "same", "HS256"));
  EXPECT_FALSE(finds(set, "Same", "ES256"));
  EXPECT_FALSE(finds(set, "", "ES256"));
}

TEST(KeySet, keys_that_cannot_verify_are_left_out) {
  const Signer good = Signer::ecdsa("P-256");
  for (const std::string& other : std::initializer_list<std::string>{
           "{}",
           R"({"kty":"oct","kid":"a","k":"c2VjcmV0"})",
           R"({"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"})",
           R"({"kty":"EC","crv":"secp256k1","kid":"a","x":"AA","y":"AA"})",
           R"({"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"})",
           R"({"kty":"RSA","kid":"a","n":"!","e":"AQAB"})",
           R"({"kty":"RSA","kid":"a"})",
           R"({"kty":"OKP","crv":"X25519","kid":"a",)"
           R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
           R"({"kty":"OKP","crv":"Ed25519","kid":"a","x":"AAAA"})",
           R"({"kty":5,"kid":"a"})",
           good.jwk(""),
           good.jwk("a", R"(,"use":"enc")"),
           good.jwk("a", R"(,"use":"other")"),
           Signer::rsa(1024).jwk("a"),
       }) {
    const KeySet set = parsed(key_set(other, good.jwk("good")));
    EXPECT_EQ(set.size(), 1U) << other;
    EXPECT_TRUE(finds(set, "good", "ES256")) << other;
  }
}

TEST(KeySet, what_is_no_key_set_is_an_error) {
  EXPECT_TRUE(jwks_error("").starts_with("it is not a JSON object"));
  EXPECT_TRUE(jwks_error("<html>").starts_with("it is not a JSON object"));
  EXPECT_TRUE(jwks_error("[]").starts_with("it is not a JSON object"));
  EXPECT_EQ(jwks_error("{}"), "it has no array of keys");
  EXPECT_EQ(jwks_error(R"({"keys":{}})"), "it has no array of keys");
  EXPECT_EQ(jwks_error(R"({"keys":[1]})"), "a key is no object");
  EXPECT_EQ(jwks_error(R"({"keys":[]})"), "accepted");
}

TEST(KeySet, size_is_bounded) {
  std::string keys = "{}";
  for (size_t i = 1; i < kJwksKeysMax; ++i) keys += ",{}";
  EXPECT_EQ(jwks_error(key_set(keys)), "accepted");
  EXPECT_EQ(jwks_error(key_set(keys + ",{}")), "it has too many keys");
  EXPECT_EQ(jwks_error(key_set(std::string(kJwksBytesMax, ' '))), "it is too large");
}

}  // namespace
}  // namespace millrace::auth
