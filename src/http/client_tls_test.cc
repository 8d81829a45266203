// Outgoing requests over TLS, against a server with a certificate made for the occasion.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "http/client.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::http {
namespace {

template <auto Function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, FreeBy<SSL_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;

// Signed by itself, for `name` ("IP:127.0.0.1").
Certificate make_certificate(EVP_PKEY* key, const char* name) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const std::array<unsigned char, 5> text = {'t', 'e', 's', 't', '\0'};
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text.data(), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  const Extension names(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name));
  X509_add_ext(certificate.get(), names.get(), -1);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() : loop_(std::move(net::Loop::create({}, metrics_).value())) {
    std::signal(SIGPIPE, SIG_IGN);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    socklen_t size = sizeof(to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&to), size), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&to), &size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    port_ = ntohs(to.sin_port);
  }
  ~ClientTlsTest() override {
    ::close(listener_);
    if (!file_.empty()) ::unlink(file_.c_str());
  }

  // Makes the server's certificate, and puts it into file_.
  void certify(const char* name) {
    key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    certificate_ = make_certificate(key_.get(), name);
    file_ = testing::TempDir() + "millrace_tls_XXXXXX";
    std::FILE* const file = ::fdopen(::mkstemp(file_.data()), "w");
    ASSERT_NE(file, nullptr);
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
  }

  // What a request comes to while the server serves one connection.
  std::string request(const std::string& certificate_file) {
    std::thread server([this] { serve(); });
    std::string result;
    Client client(*loop_, {.certificate_file = certificate_file});
    client.send({.url = "https://127.0.0.1:" + std::to_string(port_) + "/"},
                [&](base::Result<ClientResponse> response) {
                  result = response ? response->body : response.error().message;
                  loop_->stop();
                });
    loop_->run();
    server.join();
    return result;
  }

  std::string file_;

 private:
  void serve() {
    const Context context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context.get(), key_.get());
    const int fd = ::accept(listener_, nullptr, nullptr);
    const Session session(SSL_new(context.get()));
    SSL_set_fd(session.get(), fd);
    std::array<char, 4096> request{};
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
    if (SSL_accept(session.get()) == 1 &&
        SSL_read(session.get(), request.data(), static_cast<int>(request.size())) > 0)
      SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
    SSL_shutdown(session.get());
    ::close(fd);
  }

  metrics::Core metrics_;
  std::unique_ptr<net::Loop> loop_;
  int listener_ = -1;
  uint16_t port_ = 0;
  Key key_;
  Certificate certificate_;
};

TEST_F(ClientTlsTest, certificate_of_a_trusted_authority_is_accepted) {
  certify("IP:127.0.0.1");
  EXPECT_EQ(request(file_), "secret");
}

TEST_F(ClientTlsTest, certificate_of_nobody_known_is_refused) {
  certify("IP:127.0.0.1");
  EXPECT_TRUE(request("").starts_with("SSL certificate problem"));
}

TEST_F(ClientTlsTest, certificate_for_another_name_is_refused) {
  certify("DNS:other.example");
  EXPECT_TRUE(request(file_).starts_with("SSL: no alternative certificate subject name"));
}

}  // namespace
}  // namespace millrace::http
