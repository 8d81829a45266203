// Certificates that a configuration names: what is taken, and how mistakes are told.
#include "config/tls.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/base64.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

template <auto Function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

net::TlsContext::Certificate make(std::string_view kind) {
  const std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>> key(
      kind == "RSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                    : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const std::unique_ptr<X509, FreeBy<X509_free>> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const Bio chain(BIO_new(BIO_s_mem()));
  const Bio own(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(chain.get(), certificate.get());
  PEM_write_bio_PrivateKey(own.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {text_of(chain), text_of(own)};
}

class TlsConfig : public testing::Test {
 protected:
  static void SetUpTestSuite() { rsa_ = make("RSA"), ecdsa_ = make("EC"); }

  std::string file(const std::string& name, std::string_view text) const {
    return directory_.write(name, text);
  }
  Tls good() const {
    Tls tls;
    tls.enabled = true;
    tls.cert_pem = file("cert.pem", ecdsa_.chain_pem);
    tls.key_pem = file("key.pem", ecdsa_.key_pem);
    return tls;
  }
  // "key: message", the folder's name left out; "" if there is none.
  std::string problem(const Tls& tls) const {
    const auto loaded = load_tls(tls);
    if (loaded) return "";
    std::string text = loaded.error().key + ": " + loaded.error().message;
    const std::string folder = directory_.path() + "/";
    for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.erase(at, folder.size());
    return text;
  }

  static net::TlsContext::Certificate rsa_;
  static net::TlsContext::Certificate ecdsa_;
  TemporaryDirectory directory_;
};
net::TlsContext::Certificate TlsConfig::rsa_;
net::TlsContext::Certificate TlsConfig::ecdsa_;

TEST_F(TlsConfig, files_texts_and_base64_are_taken) {
  Tls tls = good();
  EXPECT_EQ(problem(tls), "");
  tls.cert_pem = ecdsa_.chain_pem;
  tls.key_pem.clear();
  base::append_base64(tls.key_pem, ecdsa_.key_pem);
  EXPECT_EQ(problem(tls), "");
  tls.second_cert_pem = file("rsa.pem", rsa_.chain_pem);
  tls.second_key_pem = file("rsa_key.pem", rsa_.key_pem);
  const auto loaded = load_tls(tls);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->certificates.size(), 2U);
  EXPECT_EQ(loaded->certificates[0].chain_pem, ecdsa_.chain_pem);
  EXPECT_EQ(loaded->certificates[1].key_pem, rsa_.key_pem);
}

TEST_F(TlsConfig, what_is_missing_is_named) {
  Tls tls = good();
  tls.key_pem = "";
  EXPECT_TRUE(problem(tls).starts_with("http_server.tls.key_pem: is missing")) << problem(tls);
  tls = good();
  tls.cert_pem = "";
  EXPECT_TRUE(problem(tls).starts_with("http_server.tls.cert_pem: is missing")) << problem(tls);
  tls = good();
  tls.second_cert_pem = file("rsa.pem", rsa_.chain_pem);
  EXPECT_TRUE(problem(tls).starts_with("http_server.tls.second_key_pem: is missing"));
  tls = good();
  tls.cert_pem = "./nowhere.pem";
  EXPECT_EQ(problem(tls),
            "http_server.tls.cert_pem: is neither PEM nor base64 of it, and as a file "
            "\"./nowhere.pem\" cannot be opened: No such file or directory");
}

TEST_F(TlsConfig, a_value_that_may_be_a_key_is_not_shown) {
  Tls tls = good();
  tls.key_pem = "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY";
  EXPECT_EQ(problem(tls).find("MHcC"), std::string::npos);
}

TEST_F(TlsConfig, what_is_in_the_wrong_file_is_named_with_the_file) {
  Tls tls = good();
  tls.cert_pem = tls.key_pem;
  EXPECT_TRUE(
      problem(tls).starts_with("http_server.tls.cert_pem: \"key.pem\" holds no certificate in PEM"))
      << problem(tls);
  tls = good();
  tls.key_pem = tls.cert_pem;
  EXPECT_TRUE(
      problem(tls).starts_with("http_server.tls.key_pem: \"cert.pem\" holds no private key in PEM"))
      << problem(tls);
  tls = good();
  tls.key_pem = file("rsa_key.pem", rsa_.key_pem);
  EXPECT_EQ(problem(tls),
            "http_server.tls.key_pem: \"rsa_key.pem\" with the certificate \"cert.pem\" of "
            "http_server.tls.cert_pem: the key does not fit the certificate");
  tls = good();
  tls.second_cert_pem = tls.cert_pem;
  tls.second_key_pem = tls.key_pem;
  EXPECT_EQ(problem(tls),
            "http_server.tls.second_key_pem: with key_pem: both keys are of the same kind");
}

TEST_F(TlsConfig, checking_a_configuration_reads_the_files) {
  const std::string text = "[http_server.tls]\nenabled = true\ncert_pem = \"" +
                           file("cert.pem", ecdsa_.chain_pem) + "\"\nkey_pem = \"" +
                           file("other.pem", rsa_.key_pem) + "\"\n";
  const std::string error = load_text(text).all_errors();
  EXPECT_TRUE(error.starts_with("m.toml:4:11: error: http_server.tls.key_pem: ")) << error;
  EXPECT_EQ(load_text("[http_server.tls]\nenabled = true\n").all_errors(),
            "m.toml:2:11: error: http_server.tls.cert_pem: is missing: TLS needs a certificate\n");
  EXPECT_TRUE(load_text("[http_server.tls]\ncert_pem = \"./nowhere.pem\"\n").ok);
}

TEST_F(TlsConfig, demanding_certificates_of_clients_is_refused) {
  EXPECT_EQ(load_text("[http_server.tls]\nclient_ca_pem = \"ca.pem\"\n").all_errors(),
            "m.toml:2:17: error: http_server.tls.client_ca_pem: is not supported by Millrace, and "
            "ignoring it would not be safe\n");
}

}  // namespace
}  // namespace millrace::config
