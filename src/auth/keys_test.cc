#include "auth/keys.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "auth/testing.h"

namespace millrace::auth {
namespace {

const Algorithm& algorithm(std::string_view name) {
  return *find_algorithm(name);
}

bool verify(const PublicKey& key, std::string_view name, std::string_view message,
            std::string_view signature) {
  return key.fits(algorithm(name)) && key.verify(algorithm(name), message, signature);
}

// A token of an RFC, as message and signature.
bool verify_token(const PublicKey& key, std::string_view name, std::string_view token) {
  const size_t dot = token.rfind('.');
  return verify(key, name, token.substr(0, dot), from_base64url(token.substr(dot + 1)));
}

constexpr std::string_view kRfcPayload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

TEST(Hmac, example_of_rfc_7515_a1) {
  const std::string secret = from_base64url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string message =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(kRfcPayload);
  const std::string signature = from_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  EXPECT_TRUE(verify_hmac(algorithm("HS256"), secret, message, signature));
  EXPECT_FALSE(verify_hmac(algorithm("HS384"), secret, message, signature));
  EXPECT_FALSE(verify_hmac(algorithm("HS256"), secret + "x", message, signature));
  EXPECT_FALSE(verify_hmac(algorithm("HS256"), secret, message + "x", signature));
  EXPECT_FALSE(verify_hmac(algorithm("HS256"), secret, message, signature.substr(0, 31)));
  EXPECT_FALSE(verify_hmac(algorithm("HS256"), secret, message, signature + "x"));
  EXPECT_FALSE(verify_hmac(algorithm("HS256"), secret, message, ""));
}

// RFC 4231, test case 2.
TEST(Hmac, digests_of_rfc_4231) {
  const std::string_view message = "what do ya want for nothing?";
  EXPECT_EQ(base64url(hmac(algorithm("HS256"), "Jefe", message)),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
  EXPECT_EQ(hmac(algorithm("HS384"), "Jefe", message).substr(0, 4), "\xAF\x45\xD2\xE3");
  EXPECT_EQ(hmac(algorithm("HS512"), "Jefe", message).substr(0, 4), "\x16\x4B\x7A\x7B");
}

TEST(Rsa, example_of_rfc_7515_a2) {
  const auto key = PublicKey::rsa(
      from_base64url(
          "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
          "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
          "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
          "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
      from_base64url("AQAB"));
  ASSERT_TRUE(key) << key.error().message;
  const std::string token =
      "eyJhbGciOiJSUzI1NiJ9." + std::string(kRfcPayload) +
      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
      "O8W2Fp5"
      "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
      "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
      "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
  EXPECT_TRUE(verify_token(*key, "RS256", token));
  EXPECT_FALSE(verify_token(*key, "RS384", token));
  EXPECT_FALSE(verify_token(*key, "RS256", "x" + token));
  EXPECT_FALSE(key->fits(algorithm("HS256")));
  EXPECT_FALSE(key->fits(algorithm("ES256")));
}

TEST(Ecdsa, example_of_rfc_7515_a3) {
  const auto key =
      PublicKey::ecdsa("prime256v1", from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                       from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  ASSERT_TRUE(key) << key.error().message;
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9." + std::string(kRfcPayload) +
      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_TRUE(verify_token(*key, "ES256", token));
  EXPECT_FALSE(verify_token(*key, "ES256", "x" + token));
  EXPECT_FALSE(key->fits(algorithm("ES384")));
  EXPECT_FALSE(key->fits(algorithm("RS256")));
}

TEST(Ed25519, example_of_rfc_8037_a4) {
  const auto key =
      PublicKey::ed25519(from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
  ASSERT_TRUE(key) << key.error().message;
  const std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_TRUE(verify_token(*key, "EdDSA", token));
  EXPECT_FALSE(verify_token(*key, "EdDSA", "x" + token));
  EXPECT_FALSE(key->fits(algorithm("ES256")));
}

TEST(PublicKeys, what_a_private_key_signs_its_public_key_verifies) {
  struct Case {
    const char* algorithm;
    KeyKind kind;
    Signer signer;
  };
  const Case cases[] = {{"RS256", KeyKind::kRsa, Signer::rsa()},
                        {"RS384", KeyKind::kRsa, Signer::rsa()},
                        {"RS512", KeyKind::kRsa, Signer::rsa(3072)},
                        {"ES256", KeyKind::kEcdsa, Signer::ecdsa("P-256")},
                        {"ES384", KeyKind::kEcdsa, Signer::ecdsa("P-384")},
                        {"ES512", KeyKind::kEcdsa, Signer::ecdsa("P-521")},
                        {"EdDSA", KeyKind::kEd25519, Signer::ed25519()}};
  for (const Case& one : cases) {
    const auto key = PublicKey::from_pem(one.kind, one.signer.public_pem());
    ASSERT_TRUE(key) << one.algorithm << ": " << key.error().message;
    std::string signature = one.signer.sign(algorithm(one.algorithm), "message");
    EXPECT_TRUE(verify(*key, one.algorithm, "message", signature)) << one.algorithm;
    EXPECT_FALSE(verify(*key, one.algorithm, "massage", signature)) << one.algorithm;
    EXPECT_FALSE(verify(*key, one.algorithm, "message", "")) << one.algorithm;
    EXPECT_FALSE(verify(*key, one.algorithm, "message", signature + '\0')) << one.algorithm;
    EXPECT_FALSE(verify(*key, one.algorithm, "message", std::string(signature.size(), '\0')))
        << one.algorithm;
    signature[signature.size() / 2] = static_cast<char>(signature[signature.size() / 2] ^ 1);
    EXPECT_FALSE(verify(*key, one.algorithm, "message", signature)) << one.algorithm;
  }
}

TEST(PublicKeys, ecdsa_signatures_are_raw_and_of_fixed_size) {
  const Signer signer = Signer::ecdsa("P-256");
  const auto key = PublicKey::from_pem(KeyKind::kEcdsa, signer.public_pem());
  ASSERT_TRUE(key);
  const std::string raw = signer.sign(algorithm("ES256"), "message");
  ASSERT_EQ(raw.size(), 64U);
  EXPECT_TRUE(verify(*key, "ES256", "message", raw));
  // The same numbers with a zero before each: equal, but another spelling.
  const std::string padded = '\0' + raw.substr(0, 32) + '\0' + raw.substr(32);
  EXPECT_FALSE(verify(*key, "ES256", "message", padded));
  // In DER, as OpenSSL writes it.
  Algorithm as_der = algorithm("ES256");
  as_der.kind = KeyKind::kRsa;
  EXPECT_FALSE(verify(*key, "ES256", "message", signer.sign(as_der, "message")));
}

std::string pem_error(KeyKind kind, const std::string& pem) {
  const auto key = PublicKey::from_pem(kind, pem);
  return key ? "accepted" : key.error().message;
}

TEST(PublicKeys, pem_holds_a_public_key_of_the_right_kind) {
  const Signer ecdsa = Signer::ecdsa("P-256");
  EXPECT_EQ(pem_error(KeyKind::kRsa, "hello"), "is not a public key in PEM");
  EXPECT_EQ(pem_error(KeyKind::kRsa, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
            "is not a public key in PEM");
  EXPECT_EQ(pem_error(KeyKind::kRsa, ecdsa.public_pem()), "is not of the type RSA");
  EXPECT_EQ(pem_error(KeyKind::kEd25519, ecdsa.public_pem()), "is not of the type ED25519");
  EXPECT_EQ(pem_error(KeyKind::kEcdsa, ecdsa.private_pem()),
            "is a private key; the public one belongs here");
  EXPECT_EQ(pem_error(KeyKind::kEcdsa, Signer::ecdsa("secp256k1").public_pem()),
            "is on another curve than P-256, P-384 or P-521");
  EXPECT_EQ(pem_error(KeyKind::kRsa, Signer::rsa(1024).public_pem()),
            "has 1024 bits; RSA keys need 2048 to 8192");
  EXPECT_EQ(pem_error(KeyKind::kEcdsa, ecdsa.public_pem()), "accepted");
}

TEST(PublicKeys, numbers_that_are_no_key_are_refused) {
  const std::string modulus(256, '\xFF');
  EXPECT_FALSE(PublicKey::rsa(modulus, "\x01"));
  EXPECT_FALSE(PublicKey::rsa(modulus, "\x02"));
  EXPECT_FALSE(PublicKey::rsa(modulus, ""));
  EXPECT_FALSE(PublicKey::rsa("", "\x03"));
  EXPECT_FALSE(PublicKey::rsa(std::string(2048, '\xFF'), "\x03"));
  EXPECT_FALSE(PublicKey::ecdsa("prime256v1", std::string(32, '\x01'), std::string(32, '\x01')));
  EXPECT_FALSE(PublicKey::ecdsa("prime256v1", "", ""));
  EXPECT_FALSE(PublicKey::ed25519("short"));
}

TEST(PublicKeys, failures_leave_no_errors_for_others_to_find) {
  const Signer signer = Signer::rsa();
  const auto key = PublicKey::from_pem(KeyKind::kRsa, signer.public_pem());
  ASSERT_TRUE(key);
  EXPECT_FALSE(verify(*key, "RS256", "message", std::string(256, 'x')));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(PublicKey::from_pem(KeyKind::kRsa, "nonsense"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace millrace::auth
