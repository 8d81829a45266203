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
        wire_->inbound += byte;
        deliver();
      }
      for (const char byte : std::exchange(wire_->outbound, {})) {
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
    wire_->inbound = hello.substr(0, size);
    wire_->ended = true;
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
  wire_->inbound = client_->output();
  core_->turn = cores_.at(0).now();
  core_->spent = TlsServer::kHandshakesPerTurn;
  wire_->handler->on_readable();
  EXPECT_EQ(owner_.last, Status::kWouldBlock);
  EXPECT_EQ(wire_->reads, 0U);
  cores_.advance(TimerWheel::kTick);
  exchange_all();
  EXPECT_TRUE(client_->established());
}

TEST_F(TlsTest, plain_http_is_told_so) {
  connect();
  wire_->inbound = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
  deliver();
  EXPECT_TRUE(owner_.failed);
  EXPECT_TRUE(wire_->outbound.starts_with("HTTP/1.1 400 Bad Request\r\n")) << wire_->outbound;
  EXPECT_NE(wire_->outbound.find("https://"), std::string::npos);
  EXPECT_EQ(count(Counter::kTlsPlainHttp), 1U);
}

TEST_F(TlsTest, what_is_no_tls_at_all_fails) {
  connect();
  wire_->inbound = std::string(100, '\x7f');
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

// A process with these keys; a file's bytes are `fill`, its name begins with it.
TlsContext::Options with_keys(std::vector<std::string> keys) {
  TlsContext::Options options = test_tls::options({test_tls::ecdsa()});
  options.ticket_keys = std::move(keys);
  return options;
}

TEST_F(TlsTest, tickets_are_good_wherever_their_key_is_known) {
  for (const size_t bytes : {48UL, 80UL}) {
    const std::string one(bytes, '1');
    const std::string two(bytes, '2');
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      context_.reset();
      serve(with_keys({one}));
      establish({.version_max = version});
      const test_tls::SessionPtr session = client_->session();
      // The name is in clear text (RFC 5077, section 4), and nothing else of the key is.
      const unsigned char* ticket = nullptr;
      size_t size = 0;
      SSL_SESSION_get0_ticket(session.get(), &ticket, &size);
      const std::string_view text(reinterpret_cast<const char*>(ticket), size);
      EXPECT_TRUE(text.starts_with(one.substr(0, 16)));
      EXPECT_EQ(text.find(one.substr(0, 16), 16), std::string_view::npos);
      for (const auto& [keys, good] :
           {std::pair{std::vector{one}, true}, std::pair{std::vector{two, one}, true},
            std::pair{std::vector{two}, false}}) {
        context_.reset();  // another process
        serve(with_keys(keys));
        const test_tls::SessionPtr copy(SSL_SESSION_dup(session.get()));
        establish({.version_max = version, .session = copy.get()});
        EXPECT_EQ(client_->resumed(), good) << bytes << " bytes, " << keys.size() << " keys";
        owner_.stream.reset();
      }
    }
  }
}

TEST_F(TlsTest, a_ticket_of_an_old_key_is_exchanged_for_one_of_the_first) {
  const std::string one(80, '1');
  const std::string two(80, '2');
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    serve(with_keys({one}));
    establish({.version_max = version});
    test_tls::SessionPtr session = client_->session();
    serve(with_keys({two, one}));
    establish({.version_max = version, .session = session.get()});
    EXPECT_TRUE(client_->resumed());
    session = client_->session();
    serve(with_keys({two}));
    establish({.version_max = version, .session = session.get()});
    EXPECT_TRUE(client_->resumed());
  }
}

TEST_F(TlsTest, a_key_that_is_known_by_name_only_resumes_nothing) {
  std::string one(80, '1');
  serve(with_keys({one}));
  establish();
  const test_tls::SessionPtr session = client_->session();
  one.assign(16, '1').append(64, 'x');
  serve(with_keys({one}));
  establish({.session = session.get()});
  EXPECT_FALSE(client_->resumed());
}

TEST_F(TlsTest, keys_that_are_given_no_more_are_accepted_no_more) {
  serve(with_keys({std::string(80, '1')}));
  establish();
  const test_tls::SessionPtr session = client_->session();
  serve(with_keys({}));
  establish({.session = session.get()});
  EXPECT_FALSE(client_->resumed());
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

TEST(TlsContext, ticket_keys_have_a_size_a_name_and_a_number) {
  const auto error_of = [](std::vector<std::string> keys) {
    const auto made = TlsContext::create(with_keys(std::move(keys)), nullptr);
    return made ? "" : made.error().message;
  };
  for (const size_t bytes : {0UL, 47UL, 49UL, 64UL, 79UL, 81UL}) {
    EXPECT_FALSE(TlsContext::check_ticket_key(std::string(bytes, 'k'))) << bytes;
    EXPECT_NE(error_of({std::string(bytes, 'k')}), "") << bytes;
  }
  EXPECT_EQ(error_of({std::string(80, 'a'), std::string(48, 'b')}), "");
  EXPECT_EQ(error_of({std::string(80, 'a'), std::string(48, 'a')}),
            "two ticket keys have the same name");
  std::vector<std::string> many;
  for (size_t i = 0; i <= TlsContext::kTicketKeysMax; ++i)
    many.emplace_back(80, static_cast<char>('a' + i));
  EXPECT_EQ(error_of(many), "more than 16 ticket keys");
  many.pop_back();
  EXPECT_EQ(error_of(many), "");
}

TEST(TlsContext, certificates_are_described_for_the_log) {
  const auto made = TlsContext::create(test_tls::options({test_tls::ecdsa()}), nullptr);
  ASSERT_TRUE(made);
  ASSERT_EQ((*made)->certificates().size(), 1U);
  EXPECT_TRUE((*made)->certificates()[0].starts_with("CN=test, EC, expires "));
}

}  // namespace
}  // namespace millrace::net
