// Who comes in and who does not, by which version, certificate and ticket.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tls_fixture.h"

namespace millrace::net {
namespace {

using metrics::Counter;
using Status = IoResult::Status;

TEST_F(TlsTest, tls_1_2_is_spoken_unless_1_3_is_demanded) {
  establish({.version_max = TLS1_2_VERSION});
  client_->write("old");
  exchange_all();
  EXPECT_EQ(owner_.received, "old");
  EXPECT_EQ(count(Counter::kTlsVersion12), 1U);
  owner_.stream.reset();
  TlsContext::Options options = test_tls::options({test_tls::ecdsa()});
  options.version_min = TlsVersion::k13;
  serve(options);
  connect({.version_max = TLS1_2_VERSION});
  exchange_all();
  EXPECT_FALSE(client_->established());
  EXPECT_TRUE(owner_.failed);
  EXPECT_EQ(count(Counter::kTlsFailed), 1U);
}

TEST_F(TlsTest, tls_1_1_is_refused) {
  connect({.version_max = TLS1_1_VERSION});
  exchange_all();
  EXPECT_FALSE(client_->established());
  EXPECT_TRUE(owner_.failed);
  EXPECT_EQ(count(Counter::kTlsFailed), 1U);
}

TEST_F(TlsTest, each_client_gets_the_certificate_that_it_can_verify) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    establish({.version_max = version, .signatures = "ECDSA+SHA256"});
    EXPECT_EQ(client_->certificate_kind(), "EC");
    establish({.version_max = version, .signatures = "RSA-PSS+SHA256:RSA+SHA256"});
    EXPECT_EQ(client_->certificate_kind(), "RSA");
    establish({.version_max = version});
    EXPECT_EQ(client_->certificate_kind(), "EC");
  }
}

TEST_F(TlsTest, alpn_is_http_1_1_or_nothing) {
  establish({.protocols = std::string("\x02h2\x08http/1.1")});
  EXPECT_EQ(client_->protocol(), "http/1.1");
  establish();
  EXPECT_EQ(client_->protocol(), "");
  connect({.protocols = std::string("\x02h2")});
  exchange_all();
  EXPECT_FALSE(client_->established());
  EXPECT_EQ(count(Counter::kTlsFailed), 1U);
}

TEST_F(TlsTest, a_handshake_may_be_cut_into_bytes) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connect({.version_max = version});
    for (int rounds = 0; rounds < 8; ++rounds) {
      client_->go_on();
      for (const char byte : client_->output()) {
        wire_.inbound += byte;
        deliver();
      }
      for (const char byte : std::exchange(wire_.outbound, {})) {
        client_->input({&byte, 1});
        client_->go_on();
      }
    }
    EXPECT_TRUE(client_->established());
    client_->write("x");
    exchange_all();
    EXPECT_EQ(std::exchange(owner_.received, {}), "x");
  }
}

TEST_F(TlsTest, a_handshake_that_ends_anywhere_fails_and_is_counted) {
  connect();
  client_->go_on();
  const std::string hello = client_->output();
  for (size_t size = 0; size < hello.size(); ++size) {
    connect();
    wire_.inbound = hello.substr(0, size);
    wire_.ended = true;
    deliver();
    EXPECT_TRUE(std::exchange(owner_.failed, false)) << size;
    EXPECT_EQ(owner_.received, "");
  }
  owner_.stream.reset();
  // And the one that was only begun.
  EXPECT_EQ(count(Counter::kTlsAbandoned), hello.size() + 1);
  EXPECT_EQ(count(Counter::kTlsFailed), 0U);
}

TEST_F(TlsTest, a_stalled_handshake_that_is_closed_is_counted) {
  connect();
  owner_.stream.reset();
  EXPECT_EQ(count(Counter::kTlsAbandoned), 1U);
}

TEST_F(TlsTest, nothing_is_taken_before_the_handshake_and_then_the_owner_is_told) {
  connect();
  const std::string_view early = "early";
  EXPECT_EQ(owner_.stream->write({&early, 1}).status, Status::kWouldBlock);
  exchange_all();
  EXPECT_EQ(owner_.writable_calls, 1);
  EXPECT_EQ(owner_.stream->write({&early, 1}).bytes, 5U);
}

TEST_F(TlsTest, handshakes_of_one_turn_are_bounded_in_time) {
  connect();
  client_->go_on();
  wire_.inbound = client_->output();
  core_->turn = cores_.at(0).now();
  core_->spent = TlsServer::kHandshakesPerTurn;
  wire_.handler->on_readable();
  EXPECT_EQ(owner_.last, Status::kWouldBlock);
  EXPECT_EQ(wire_.reads, 0U);
  cores_.advance(TimerWheel::kTick);
  exchange_all();
  EXPECT_TRUE(client_->established());
}

TEST_F(TlsTest, plain_http_is_told_so) {
  connect();
  wire_.inbound = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
  deliver();
  EXPECT_TRUE(owner_.failed);
  EXPECT_TRUE(wire_.outbound.starts_with("HTTP/1.1 400 Bad Request\r\n")) << wire_.outbound;
  EXPECT_NE(wire_.outbound.find("https://"), std::string::npos);
  EXPECT_EQ(count(Counter::kTlsPlainHttp), 1U);
}

TEST_F(TlsTest, what_is_no_tls_at_all_fails) {
  connect();
  wire_.inbound = std::string(100, '\x7f');
  deliver();
  EXPECT_TRUE(owner_.failed);
  EXPECT_EQ(count(Counter::kTlsFailed), 1U);
}

TEST_F(TlsTest, sessions_are_resumed_by_ticket) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    establish({.version_max = version});
    exchange_all();
    const test_tls::SessionPtr session = client_->session();
    owner_.stream.reset();
    const uint64_t before = count(Counter::kTlsResumed);
    establish({.version_max = version, .session = session.get()});
    EXPECT_TRUE(client_->resumed());
    EXPECT_EQ(count(Counter::kTlsResumed), before + 1);
  }
}

TEST_F(TlsTest, tickets_are_good_for_two_reloads) {
  establish();
  const test_tls::SessionPtr session = client_->session();
  for (const bool good : {true, true, false}) {
    serve(test_tls::options({test_tls::ecdsa()}));
    const test_tls::SessionPtr copy(SSL_SESSION_dup(session.get()));
    establish({.session = copy.get()});
    EXPECT_EQ(client_->resumed(), good);
    owner_.stream.reset();
  }
}

TEST_F(TlsTest, a_stream_keeps_the_certificates_that_it_began_with) {
  connect({.signatures = "RSA-PSS+SHA256"});
  core_->context = *TlsContext::create(test_tls::options({test_tls::ecdsa()}), nullptr);
  context_.reset();
  exchange_all();
  EXPECT_EQ(client_->certificate_kind(), "RSA");
}

TEST(TlsContext, a_key_of_another_certificate_is_refused) {
  TlsContext::Certificate mixed = test_tls::ecdsa();
  mixed.key_pem = test_tls::make("EC").key_pem;
  const auto made = TlsContext::create(test_tls::options({mixed}), nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "the key does not fit the certificate");
}

TEST(TlsContext, two_certificates_of_one_kind_are_refused) {
  const auto made =
      TlsContext::create(test_tls::options({test_tls::ecdsa(), test_tls::make("EC")}), nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "both keys are of the same kind");
}

TEST(TlsContext, texts_that_are_no_pem_are_told_apart) {
  EXPECT_TRUE(TlsContext::check_chain(test_tls::rsa().chain_pem));
  EXPECT_TRUE(TlsContext::check_key(test_tls::rsa().key_pem));
  EXPECT_TRUE(TlsContext::check_chain(test_tls::rsa().chain_pem + test_tls::ecdsa().chain_pem));
  const std::string cut = test_tls::rsa().chain_pem.substr(0, 300);
  EXPECT_FALSE(TlsContext::check_chain(""));
  EXPECT_FALSE(TlsContext::check_chain(cut));
  EXPECT_FALSE(TlsContext::check_chain(test_tls::ecdsa().chain_pem + cut));
  EXPECT_FALSE(TlsContext::check_key(test_tls::rsa().chain_pem));
}

TEST(TlsContext, certificates_are_described_for_the_log) {
  const auto made = TlsContext::create(test_tls::options({test_tls::ecdsa()}), nullptr);
  ASSERT_TRUE(made);
  ASSERT_EQ((*made)->certificates().size(), 1U);
  EXPECT_TRUE((*made)->certificates()[0].starts_with("CN=test, EC, expires "));
}

}  // namespace
}  // namespace millrace::net
