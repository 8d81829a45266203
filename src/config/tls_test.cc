// Certificates that a configuration names: what is taken, and how mistakes are told.
#include "config/tls.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/base64.h"
#include "config/test_support.h"
#include "net/testing_tls.h"

namespace millrace::config {
namespace {

class TlsConfig : public testing::Test {
 protected:
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

  const net::TlsContext::Certificate& rsa_ = net::test_tls::rsa();
  const net::TlsContext::Certificate& ecdsa_ = net::test_tls::ecdsa();
  TemporaryDirectory directory_;
};

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

TEST_F(TlsConfig, ticket_keys_are_read_in_their_order) {
  Tls tls = good();
  tls.session_ticket_key_files = {file("new.key", std::string(80, '2')),
                                  file("old.key", std::string(48, '1'))};
  const auto loaded = load_tls(tls);
  ASSERT_TRUE(loaded) << problem(tls);
  EXPECT_EQ(loaded->ticket_keys, (std::vector{std::string(80, '2'), std::string(48, '1')}));
}

TEST_F(TlsConfig, what_is_wrong_with_a_ticket_key_is_told_with_its_file) {
  const std::string key = "http_server.tls.session_ticket_key_files: ";
  Tls tls = good();
  tls.session_ticket_key_files = {file("1.key", std::string(80, '1')), "./nowhere.key"};
  EXPECT_EQ(problem(tls), key + "\"./nowhere.key\" cannot be opened: No such file or directory");
  for (const size_t bytes : {0UL, 47UL, 81UL, 4'000UL}) {
    tls.session_ticket_key_files.back() = file("2.key", std::string(bytes, '2'));
    EXPECT_EQ(problem(tls),
              key + "\"2.key\": a ticket key has 80 or 48 bytes: openssl rand 80 makes one");
  }
  tls.session_ticket_key_files.back() = file("2.key", std::string(48, '1'));
  EXPECT_EQ(problem(tls), key + "two ticket keys have the same name");
  const std::string text = "[http_server.tls]\nenabled = true\ncert_pem = \"" + tls.cert_pem +
                           "\"\nkey_pem = \"" + tls.key_pem +
                           "\"\nsession_ticket_key_files = [\"./nowhere.key\"]\n";
  EXPECT_EQ(load_text(text).all_errors(),
            "m.toml:5:28: error: " + key +
                "\"./nowhere.key\" cannot be opened: No such file or directory\n");
}

TEST_F(TlsConfig, a_ticket_key_that_others_can_read_or_change_is_a_warning) {
  Tls tls = good();
  tls.session_ticket_key_files = {file("1.key", std::string(80, '1'))};
  const auto doubts = [&](mode_t mode) {
    EXPECT_EQ(::chmod(tls.session_ticket_key_files[0].c_str(), mode), 0);
    return doubts_of(tls).size();
  };
  for (const mode_t mode : {0600U, 0400U, 0640U}) EXPECT_EQ(doubts(mode), 0U) << mode;
  for (const mode_t mode : {0644U, 0604U, 0620U, 0602U}) EXPECT_EQ(doubts(mode), 1U) << mode;
  const std::string text = "[http_server.tls]\nenabled = true\ncert_pem = \"" + tls.cert_pem +
                           "\"\nkey_pem = \"" + tls.key_pem + "\"\nsession_ticket_key_files = [\"" +
                           tls.session_ticket_key_files[0] + "\"]\n";
  const auto loaded = load_text(text);
  EXPECT_TRUE(loaded.ok) << loaded.all_errors();
  EXPECT_NE(loaded.all_warnings().find("m.toml:5:28: warning: http_server.tls.session_ticket_key_"
                                       "files: "),
            std::string::npos)
      << loaded.all_warnings();
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
