#include "auth/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace millrace::auth {
namespace {

template <auto Function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using Decoder = std::unique_ptr<OSSL_DECODER_CTX, FreeBy<OSSL_DECODER_CTX_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Source = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

// OpenSSL keeps what went wrong in a list of the thread, where TLS would find it later.
struct ForgetErrors {
  ~ForgetErrors() { ERR_clear_error(); }
};

const uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

Number number(std::string_view big_endian) {
  return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

const char* type_name(KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa:
      return "RSA";
    case KeyKind::kEcdsa:
      return "EC";
    case KeyKind::kEd25519:
      return "ED25519";
    case KeyKind::kHmac:
      break;
  }
  return "";
}

std::unexpected<base::Error> unusable(std::string why) {
  return base::fail(base::ErrorCode::kInvalid, std::move(why));
}

EVP_PKEY* from_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return key;
}

EVP_PKEY* read_pem(const std::string& pem) {
  if (pem.find("-----BEGIN CERTIFICATE-----") != std::string::npos) {
    const Source source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const Certificate certificate(
        source ? PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr) : nullptr);
    return certificate ? X509_get_pubkey(certificate.get()) : nullptr;
  }
  EVP_PKEY* key = nullptr;
  const Decoder decoder(OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", nullptr, nullptr,
                                                      EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  const uint8_t* data = bytes(pem);
  size_t size = pem.size();
  if (!decoder || OSSL_DECODER_from_data(decoder.get(), &data, &size) != 1) return nullptr;
  return key;
}

std::string curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  size_t length = 0;
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) == 1 ? name.data() : "";
}

bool known_curve(std::string_view curve) {
  return curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1";
}

// A JWS has the two numbers of an ECDSA signature one behind the other (RFC 7518, section 3.4),
// OpenSSL wants them in DER.
std::string der_of(std::string_view signature) {
  const EcSignature numbers(ECDSA_SIG_new());
  Number r = number(signature.substr(0, signature.size() / 2));
  Number s = number(signature.substr(signature.size() / 2));
  if (!numbers || !r || !s) return "";
  if (ECDSA_SIG_set0(numbers.get(), r.release(), s.release()) != 1) return "";
  uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers.get(), &der);
  if (size <= 0) return "";
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

base::Result<PublicKey> PublicKey::checked(KeyKind kind, Handle key) {
  if (!key) return unusable("is not a public key in PEM");
  if (EVP_PKEY_is_a(key.get(), type_name(kind)) != 1)
    return unusable(std::string("is not of the type ") + type_name(kind));
  const int bits = EVP_PKEY_get_bits(key.get());
  if (kind == KeyKind::kRsa && (bits < kRsaBitsMin || bits > kRsaBitsMax))
    return unusable("has " + std::to_string(bits) + " bits; RSA keys need " +
                    std::to_string(kRsaBitsMin) + " to " + std::to_string(kRsaBitsMax));
  PublicKey result(kind, std::move(key));
  if (kind == KeyKind::kEcdsa) {
    result.curve_ = curve_of(result.key_.get());
    if (!known_curve(result.curve_))
      return unusable("is on another curve than P-256, P-384 or P-521");
  }
  return result;
}

base::Result<PublicKey> PublicKey::from_pem(KeyKind kind, const std::string& pem) {
  const ForgetErrors forget;
  if (pem.find("PRIVATE KEY-----") != std::string::npos)
    return unusable("is a private key; the public one belongs here");
  return checked(kind, Handle(read_pem(pem)));
}

base::Result<PublicKey> PublicKey::rsa(std::string_view modulus, std::string_view exponent) {
  const ForgetErrors forget;
  if (modulus.size() > kRsaBitsMax / 8 || exponent.empty() || exponent.size() > sizeof(uint64_t))
    return unusable("has numbers of unusual size");
  const Builder builder(OSSL_PARAM_BLD_new());
  const Number n = number(modulus);
  const Number e = number(exponent);
  if (!builder || !n || !e ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return unusable("cannot be read");
  // An even exponent is none, and with 1 everything would be its own signature.
  if (BN_is_odd(e.get()) != 1 || BN_is_one(e.get()) == 1 || BN_is_odd(n.get()) != 1)
    return unusable("is not an RSA key");
  return checked(KeyKind::kRsa, Handle(from_parameters("RSA", builder.get())));
}

base::Result<PublicKey> PublicKey::ecdsa(const char* curve, std::string_view x,
                                         std::string_view y) {
  const ForgetErrors forget;
  std::string point("\x04");  // uncompressed
  point.append(x).append(y);
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return unusable("cannot be read");
  Handle key(from_parameters("EC", builder.get()));
  if (!key) return unusable("is not a point on its curve");
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1)
    return unusable("is not a point on its curve");
  return checked(KeyKind::kEcdsa, std::move(key));
}

base::Result<PublicKey> PublicKey::ed25519(std::string_view raw) {
  const ForgetErrors forget;
  return checked(KeyKind::kEd25519, Handle(EVP_PKEY_new_raw_public_key_ex(
                                        nullptr, "ED25519", nullptr, bytes(raw), raw.size())));
}

bool PublicKey::fits(const Algorithm& algorithm) const {
  if (algorithm.kind != kind_) return false;
  return kind_ != KeyKind::kEcdsa || curve_ == algorithm.curve;
}

bool PublicKey::verify(const Algorithm& algorithm, std::string_view message,
                       std::string_view signature) const {
  MILLRACE_ASSERT(fits(algorithm));
  const ForgetErrors forget;
  if (algorithm.signature_bytes != 0 && signature.size() != algorithm.signature_bytes) return false;
  std::string der;
  if (kind_ == KeyKind::kEcdsa) signature = der = der_of(signature);
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, algorithm.digest, nullptr, nullptr,
                                 key_.get(), nullptr) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

std::string hmac(const Algorithm& algorithm, std::string_view secret, std::string_view message) {
  MILLRACE_ASSERT(algorithm.kind == KeyKind::kHmac);
  const ForgetErrors forget;
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const void* done =
      HMAC(EVP_get_digestbyname(algorithm.digest), secret.data(), static_cast<int>(secret.size()),
           bytes(message), message.size(), digest.data(), &size);
  MILLRACE_ASSERT(done != nullptr && size == algorithm.signature_bytes);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool verify_hmac(const Algorithm& algorithm, std::string_view secret, std::string_view message,
                 std::string_view signature) {
  const std::string expected = hmac(algorithm, secret, message);
  return signature.size() == expected.size() &&
         CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
}

}  // namespace millrace::auth
