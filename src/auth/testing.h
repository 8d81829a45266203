// For tests: people who sign tokens, with keys made for the occasion.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/keys.h"
#include "auth/token.h"
#include "base/base64.h"

namespace millrace::auth {

inline std::string base64url(std::string_view bytes) {
  std::string out;
  base::append_base64url(out, bytes);
  return out;
}

inline std::string from_base64url(std::string_view text) {
  return base::decode_base64url(text).value_or("not base64url");
}

// A header and a payload, to be signed.
inline std::string unsigned_token(std::string_view header, std::string_view payload) {
  return base64url(header) + "." + base64url(payload);
}

inline std::string header_of(std::string_view algorithm, std::string_view key_id = {}) {
  std::string header = "{\"alg\":\"" + std::string(algorithm) + "\"";
  if (!key_id.empty()) header += ",\"kid\":\"" + std::string(key_id) + "\"";
  return header + "}";
}

inline std::string hmac_token(std::string_view secret, std::string_view payload,
                              std::string_view algorithm = "HS256") {
  const std::string text = unsigned_token(header_of(algorithm), payload);
  return text + "." + base64url(hmac(*find_algorithm(algorithm), secret, text));
}

// A private key.
class Signer {
 public:
  static Signer rsa(unsigned bits = 2048) {
    return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits)));
  }
  static Signer ecdsa(const char* curve) {
    return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  }
  static Signer ed25519() { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

  std::string token(std::string_view algorithm, std::string_view payload,
                    std::string_view key_id = {}) const {
    const std::string text = unsigned_token(header_of(algorithm, key_id), payload);
    return text + "." + base64url(sign(*find_algorithm(algorithm), text));
  }

  std::string sign(const Algorithm& algorithm, std::string_view message) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const auto* bytes = reinterpret_cast<const uint8_t*>(message.data());
    size_t size = 0;
    EVP_DigestSignInit_ex(context, nullptr, algorithm.digest, nullptr, nullptr, key_.get(),
                          nullptr);
    EVP_DigestSign(context, nullptr, &size, bytes, message.size());
    std::string signature(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &size, bytes,
                   message.size());
    EVP_MD_CTX_free(context);
    signature.resize(size);
    if (algorithm.kind != KeyKind::kEcdsa) return signature;
    return raw(signature, static_cast<int>(algorithm.signature_bytes / 2));
  }

  std::string public_pem() const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(memory, key_.get());
    return taken(memory);
  }
  std::string private_pem() const {
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(memory, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return taken(memory);
  }

  // A member of a key set. `more` is further members, as ,"alg":"RS256".
  std::string jwk(std::string_view key_id, std::string_view more = {}) const {
    std::string out = "{\"kid\":\"" + std::string(key_id) + "\"" + std::string(more);
    if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
      return out + R"(,"kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N, 0) + R"(","e":")" +
             number(OSSL_PKEY_PARAM_RSA_E, 0) + "\"}";
    }
    if (EVP_PKEY_is_a(key_.get(), "ED25519") == 1) {
      std::string x(32, '\0');
      size_t size = x.size();
      EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<uint8_t*>(x.data()), &size);
      return out + R"(,"kty":"OKP","crv":"Ed25519","x":")" + base64url(x) + "\"}";
    }
    const int bits = EVP_PKEY_get_bits(key_.get());
    const int size = (bits + 7) / 8;
    return out + R"(,"kty":"EC","crv":"P-)" + std::to_string(bits) + R"(","x":")" +
           number(OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
           number(OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"}";
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  explicit Signer(EVP_PKEY* key) : key_(key) {}

  static std::string padded(const BIGNUM* value, int size) {
    std::string bytes(static_cast<size_t>(size == 0 ? BN_num_bytes(value) : size), '\0');
    BN_bn2binpad(value, reinterpret_cast<uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    return bytes;
  }

  // DER to r and s one behind the other.
  static std::string raw(const std::string& der, int size) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
    ECDSA_SIG* const parsed = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
    const std::string out =
        padded(ECDSA_SIG_get0_r(parsed), size) + padded(ECDSA_SIG_get0_s(parsed), size);
    ECDSA_SIG_free(parsed);
    return out;
  }

  static std::string taken(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(memory);
    return text;
  }

  std::string number(const char* parameter, int size) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), parameter, &value);
    const std::string bytes = padded(value, size);
    BN_free(value);
    return base64url(bytes);
  }

  std::unique_ptr<EVP_PKEY, Free> key_;
};

// {"keys": [those]}
template <class... Keys>
std::string key_set(const Keys&... keys) {
  std::string list;
  ((list += (list.empty() ? "" : ",") + std::string(keys)), ...);
  return R"({"keys":[)" + list + "]}";
}

}  // namespace millrace::auth
