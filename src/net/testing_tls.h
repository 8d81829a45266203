// For tests of TLS: certificates, and a client that is given and asked for its bytes.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tls_context.h"

namespace millrace::net::test_tls {

using SessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

// A certificate for "CN=test", signed by itself, with a key of this kind: "EC" or "RSA".
inline TlsContext::Certificate make(std::string_view kind) {
  const std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>> key(
      kind == "RSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                    : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const std::unique_ptr<X509, OpensslFree<X509_free>> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const std::array<unsigned char, 5> name = {'t', 'e', 's', 't', '\0'};
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name.data(), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, OpensslFree<BIO_free>> chain(BIO_new(BIO_s_mem()));
  const std::unique_ptr<BIO, OpensslFree<BIO_free>> own(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(chain.get(), certificate.get());
  PEM_write_bio_PrivateKey(own.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(chain.get()), text_of(own.get())};
}

inline const TlsContext::Certificate& ecdsa() {
  static const TlsContext::Certificate made = make("EC");
  return made;
}
inline const TlsContext::Certificate& rsa() {
  static const TlsContext::Certificate made = make("RSA");
  return made;
}

inline TlsContext::Options options(std::vector<TlsContext::Certificate> certificates) {
  TlsContext::Options result;
  result.certificates = std::move(certificates);
  return result;
}

struct ClientOptions {
  int version_max = TLS1_3_VERSION;
  const char* signatures = nullptr;  // null: all
  std::string protocols{};           // of ALPN, each behind its length
  SSL_SESSION* session = nullptr;    // to resume
};

// OpenSSL's client, on buffers.
class Client {
 public:
  explicit Client(const ClientOptions& wanted) : context_(SSL_CTX_new(TLS_client_method())) {
    // Old versions are offered, so that they can be refused.
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), wanted.version_max);
    if (wanted.signatures != nullptr) SSL_CTX_set1_sigalgs_list(context_.get(), wanted.signatures);
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    if (wanted.session != nullptr) SSL_set_session(ssl_.get(), wanted.session);
    if (!wanted.protocols.empty()) {
      SSL_set_alpn_protos(ssl_.get(),
                          reinterpret_cast<const unsigned char*>(wanted.protocols.data()),
                          static_cast<unsigned int>(wanted.protocols.size()));
    }
    go_on();
  }

  void input(std::string_view bytes) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  bool has_output() const { return BIO_ctrl_pending(out_) > 0; }
  std::string output() {
    std::string bytes = text_of(out_);
    BIO_reset(out_);
    return bytes;
  }
  // Handshake and reading, as far as the input goes.
  void go_on() {
    std::array<char, 4096> buffer{};
    for (;;) {
      ERR_clear_error();
      const int count = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (count > 0) {
        received.append(buffer.data(), static_cast<size_t>(count));
        continue;
      }
      const int why = SSL_get_error(ssl_.get(), count);
      if (why == SSL_ERROR_ZERO_RETURN) ended = true;
      if (why == SSL_ERROR_SSL) error_ = take_openssl_error();
      return;
    }
  }
  void write(std::string_view bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  void shut_down() { SSL_shutdown(ssl_.get()); }
  void ask_for_new_keys() {
    SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_.get());
  }

  bool established() const { return error_.empty() && SSL_is_init_finished(ssl_.get()) == 1; }
  const std::string& error() const { return error_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // A copy, since OpenSSL gives up sessions whose connection ends without a goodbye.
  SessionPtr session() const { return SessionPtr(SSL_SESSION_dup(SSL_get0_session(ssl_.get()))); }
  std::string certificate_kind() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    return certificate == nullptr ? "" : EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate));
  }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }

  std::string received;
  bool ended = false;  // the server said goodbye

 private:
  const std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, OpensslFree<SSL_free>> ssl_;
  BIO* in_ = nullptr;  // ssl_ owns both
  BIO* out_ = nullptr;
  std::string error_;
};

}  // namespace millrace::net::test_tls
