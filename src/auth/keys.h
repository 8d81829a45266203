// Keys, and whether a signature was made with one. All of the cryptography is OpenSSL's.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "auth/token.h"
#include "base/result.h"

namespace millrace::auth {

inline constexpr int kRsaBitsMin = 2048;  // RFC 7518, section 3.3
inline constexpr int kRsaBitsMax = 8192;  // a longer one would take a core milliseconds a token

// A public key: RSA, ECDSA on P-256, P-384 or P-521, or Ed25519.
class PublicKey {
 public:
  // `pem` holds a public key or a certificate. The error says what is wrong with it, as the end of
  // a sentence.
  static base::Result<PublicKey> from_pem(KeyKind kind, const std::string& pem);
  // Numbers are big-endian bytes, as a JSON Web Key has them.
  static base::Result<PublicKey> rsa(std::string_view modulus, std::string_view exponent);
  // `curve` as Algorithm has it.
  static base::Result<PublicKey> ecdsa(const char* curve, std::string_view x, std::string_view y);
  static base::Result<PublicKey> ed25519(std::string_view bytes);

  // Whether it is a key for this algorithm: of its kind, and on its curve.
  bool fits(const Algorithm& algorithm) const;
  // Requires fits().
  bool verify(const Algorithm& algorithm, std::string_view message,
              std::string_view signature) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using Handle = std::unique_ptr<EVP_PKEY, Free>;

  static base::Result<PublicKey> checked(KeyKind kind, Handle key);
  PublicKey(KeyKind kind, Handle key) : kind_(kind), key_(std::move(key)) {}

  KeyKind kind_;
  std::string curve_{};  // of an ECDSA key
  Handle key_;
};

// Requires an algorithm of KeyKind::kHmac.
std::string hmac(const Algorithm& algorithm, std::string_view secret, std::string_view message);
// Takes the same time wherever the signatures differ.
bool verify_hmac(const Algorithm& algorithm, std::string_view secret, std::string_view message,
                 std::string_view signature);

}  // namespace millrace::auth
