// TLS streams against OpenSSL's own client. The wire between them is in memory, so that it can be
// cut and narrowed anywhere; nothing here waits for time.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/manual_executor.h"
#include "net/net.h"
#include "net/tls_stream.h"
#include "net/tls_testing.h"

namespace millrace::net {
namespace {

using metrics::Counter;
using metrics::Gauge;
using Status = IoResult::Status;

// The socket below, and what the kernel would do with it.
struct Wire {
  StreamHandler* handler = nullptr;
  std::string inbound;
  std::string outbound;
  size_t room = SIZE_MAX;
  size_t reads = 0;
  bool ended = false;
  bool end_read = false;
  bool broken = false;
  bool paused = false;
  bool wants_write = false;
  bool fin_sent = false;
  bool reset = false;
  bool closed = false;
};

class WireStream final : public Stream {
 public:
  explicit WireStream(Wire& wire) : wire_(wire) {}
  ~WireStream() override {
    wire_.closed = true;
    wire_.handler = nullptr;
  }
  WireStream(const WireStream&) = delete;
  WireStream& operator=(const WireStream&) = delete;

  void set_handler(StreamHandler* handler) override { wire_.handler = handler; }
  IoResult read(std::span<char> into) override {
    ++wire_.reads;
    if (wire_.broken) return {Status::kError, 0};
    if (wire_.inbound.empty()) {
      if (!wire_.ended) return {Status::kWouldBlock, 0};
      wire_.end_read = true;
      return {Status::kEnd, 0};
    }
    const size_t count = std::min(into.size(), wire_.inbound.size());
    std::memcpy(into.data(), wire_.inbound.data(), count);
    wire_.inbound.erase(0, count);
    return {Status::kDone, count};
  }
  IoResult write(std::span<const std::string_view> parts) override {
    if (wire_.broken) return {Status::kError, 0};
    size_t offered = 0;
    size_t taken = 0;
    for (const std::string_view part : parts) {
      const size_t count = std::min(part.size(), wire_.room);
      wire_.outbound += part.substr(0, count);
      wire_.room -= count;
      offered += part.size();
      taken += count;
    }
    wire_.wants_write = taken < offered;
    return {taken == 0 && offered > 0 ? Status::kWouldBlock : Status::kDone, taken};
  }
  void pause_reading(bool paused) override { wire_.paused = paused; }
  void shutdown_write() override { wire_.fin_sent = true; }
  void reset() override { wire_.reset = true; }
  std::string peer() const override { return "192.0.2.1:4711"; }

 private:
  Wire& wire_;
};

// The owner of a stream: reads what it is told of, in pieces of `bytes_per_read`.
struct Owner final : StreamHandler {
  void on_readable() override {
    ++readable_calls;
    std::string buffer(bytes_per_read, '\0');
    const IoResult result = stream->read(buffer);
    last = result.status;
    received.append(buffer, 0, result.bytes);
    if (result.status == Status::kEnd) ended = true;
    if (result.status == Status::kError) failed = true;
    if (destroy_when_read && result.bytes > 0) stream.reset();
  }
  void on_writable() override { ++writable_calls; }

  // As an outbox does, and each time from another address. Returns whether all has been taken.
  bool push(std::string& output, size_t part_bytes) {
    while (!output.empty()) {
      const std::string copy = output;
      std::vector<std::string_view> parts;
      for (size_t at = 0; at < copy.size() && parts.size() < Stream::kPartsMax; at += part_bytes)
        parts.push_back(std::string_view(copy).substr(at, part_bytes));
      const IoResult result = stream->write(parts);
      EXPECT_NE(result.status, Status::kError);
      output.erase(0, result.bytes);
      if (result.bytes == 0) return false;
    }
    return true;
  }

  std::unique_ptr<Stream> stream;
  std::string received;
  size_t bytes_per_read = 64UL * 1024;
  Status last = Status::kWouldBlock;
  int readable_calls = 0;
  int writable_calls = 0;
  bool ended = false;
  bool failed = false;
  bool destroy_when_read = false;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override { serve(test_tls::options({test_tls::ecdsa(), test_tls::rsa()})); }

  void serve(const TlsContext::Options& options) {
    base::Result<std::shared_ptr<const TlsContext>> made =
        TlsContext::create(options, context_.get());
    ASSERT_TRUE(made) << made.error().message;
    context_ = std::move(*made);
    core_ = std::make_unique<TlsCore>(cores_.at(0), wheel_, metrics_, context_);
  }
  void connect(const test_tls::ClientOptions& options = {}) {
    owner_.stream.reset();
    wire_ = {};
    client_ = std::make_unique<test_tls::Client>(options);
    owner_.stream = std::make_unique<TlsStream>(*core_, std::make_unique<WireStream>(wire_));
    owner_.stream->set_handler(&owner_);
  }
  // What the loop would report, until there is nothing new.
  void deliver() {
    for (int calls = 0; calls < 1'000; ++calls) {
      if (wire_.room > 0 && wire_.handler != nullptr && std::exchange(wire_.wants_write, false)) {
        wire_.handler->on_writable();
        continue;
      }
      const bool readable = !wire_.inbound.empty() || (wire_.ended && !wire_.end_read);
      if (wire_.handler == nullptr || wire_.paused || !readable) break;
      wire_.handler->on_readable();
    }
    cores_.advance(std::chrono::milliseconds(1));
  }
  // Moves bytes both ways until nobody has any.
  void exchange_all() {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      wire_.inbound += client_->output();
      deliver();
      const std::string bytes = std::exchange(wire_.outbound, {});
      if (!bytes.empty()) client_->input(bytes);
      client_->go_on();
      if (bytes.empty() && !client_->has_output() && wire_.inbound.empty()) return;
      if (owner_.stream == nullptr) return;
    }
  }
  void establish(const test_tls::ClientOptions& options = {}) {
    connect(options);
    exchange_all();
    ASSERT_TRUE(client_->established()) << client_->error();
  }
  uint64_t count(Counter counter) const { return metrics_.value(counter); }

  base::ManualCores cores_{1};
  TimerWheel wheel_{{}};
  metrics::Core metrics_;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<TlsCore> core_;
  Wire wire_;
  std::unique_ptr<test_tls::Client> client_;
  Owner owner_;
};

TEST_F(TlsTest, bytes_go_both_ways) {
  establish();
  client_->write("hello");
  exchange_all();
  EXPECT_EQ(owner_.received, "hello");
  const std::array<std::string_view, 3> parts{"to", " ", "you"};
  EXPECT_EQ(owner_.stream->write(parts).bytes, 6U);
  exchange_all();
  EXPECT_EQ(client_->received, "to you");
  EXPECT_EQ(owner_.stream->peer(), "192.0.2.1:4711");
  EXPECT_EQ(count(Counter::kTlsAccepted), 1U);
  EXPECT_EQ(count(Counter::kTlsVersion13), 1U);
  EXPECT_EQ(metrics_.value(Gauge::kTlsConnections), 1);
  owner_.stream.reset();
  EXPECT_EQ(metrics_.value(Gauge::kTlsConnections), 0);
}

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

TEST_F(TlsTest, a_narrow_socket_carries_everything_in_order) {
  for (const size_t part_bytes : {1UL, 100UL, 5'000UL, 1'000'000UL}) {
    establish();
    client_->received.clear();
    std::string all;
    for (size_t i = 0; all.size() < 150'000; ++i) all += std::to_string(i) + ' ';
    std::string output = all;
    size_t steps = 0;
    wire_.room = 0;
    while (client_->received.size() < all.size()) {
      ASSERT_LT(++steps, 10'000U);
      const int before = owner_.writable_calls;
      if (!owner_.push(output, part_bytes)) {
        wire_.room = 1 + steps % 7'000;
        while (owner_.writable_calls == before && wire_.room > 0 && wire_.wants_write) deliver();
      } else {
        wire_.room = 10'000;
      }
      exchange_all();
    }
    EXPECT_EQ(client_->received, all);
    owner_.stream.reset();
  }
}

TEST_F(TlsTest, what_was_taken_leaves_even_if_something_else_is_offered_next) {
  establish();
  wire_.room = 10;
  const std::string_view first = "first ";
  EXPECT_EQ(owner_.stream->write({&first, 1}).bytes, first.size());
  const std::string_view dropped = "never sent";
  EXPECT_EQ(owner_.stream->write({&dropped, 1}).status, Status::kWouldBlock);
  wire_.room = SIZE_MAX;
  deliver();
  EXPECT_EQ(owner_.writable_calls, 1);
  const std::string_view second = "second";
  EXPECT_EQ(owner_.stream->write({&second, 1}).bytes, second.size());
  exchange_all();
  EXPECT_EQ(client_->received, "first second");
}

TEST_F(TlsTest, more_parts_than_fit_are_asked_for_again) {
  establish();
  const std::vector<std::string_view> parts(Stream::kPartsMax + 1, "x");
  EXPECT_EQ(owner_.stream->write(parts).bytes, Stream::kPartsMax);
  exchange_all();
  EXPECT_EQ(owner_.writable_calls, 1);
}

TEST_F(TlsTest, a_small_buffer_gets_all_of_a_large_message) {
  owner_.bytes_per_read = 1'000;
  establish();
  const std::string message(50'000, 'm');
  client_->write(message);
  exchange_all();
  for (int turns = 0; turns < 100 && owner_.received.size() < message.size(); ++turns) deliver();
  EXPECT_EQ(owner_.received, message);
}

TEST_F(TlsTest, bytes_that_were_read_ahead_wait_while_reading_is_paused) {
  owner_.bytes_per_read = 10;
  establish();
  client_->write("0123456789abcdefghij");
  wire_.inbound += client_->output();
  wire_.handler->on_readable();
  EXPECT_EQ(owner_.received, "0123456789");
  owner_.stream->pause_reading(true);
  EXPECT_TRUE(wire_.paused);
  deliver();
  EXPECT_EQ(owner_.received, "0123456789");
  owner_.stream->pause_reading(false);
  EXPECT_FALSE(wire_.paused);
  deliver();
  EXPECT_EQ(owner_.received, "0123456789abcdefghij");
}

TEST_F(TlsTest, a_message_costs_one_read_of_the_socket) {
  establish();
  const size_t before = wire_.reads;
  client_->write("hello");
  wire_.inbound += client_->output();
  deliver();
  EXPECT_EQ(owner_.received, "hello");
  EXPECT_EQ(wire_.reads - before, 1U);
}

TEST_F(TlsTest, a_stream_may_be_destroyed_by_what_it_tells) {
  owner_.destroy_when_read = true;
  owner_.bytes_per_read = 3;
  establish();
  client_->write("hello");
  wire_.inbound += client_->output();
  deliver();
  EXPECT_EQ(owner_.stream, nullptr);
  EXPECT_EQ(owner_.received, "hel");
  EXPECT_TRUE(wire_.closed);
}

TEST_F(TlsTest, a_goodbye_of_the_peer_is_the_end_and_writing_goes_on) {
  establish();
  client_->write("last words");
  client_->shut_down();
  wire_.inbound += client_->output();
  wire_.ended = true;
  deliver();
  EXPECT_EQ(owner_.received, "last words");
  EXPECT_TRUE(owner_.ended);
  EXPECT_FALSE(owner_.failed);
  const int calls = owner_.readable_calls;
  deliver();
  EXPECT_EQ(owner_.readable_calls, calls);  // its FIN is no news
  const std::string_view answer = "answer";
  EXPECT_EQ(owner_.stream->write({&answer, 1}).bytes, answer.size());
  owner_.stream->pause_reading(true);
  owner_.stream->pause_reading(false);
  EXPECT_TRUE(wire_.paused);
  client_->input(std::exchange(wire_.outbound, {}));
  client_->go_on();
  EXPECT_EQ(client_->received, "answer");
}

TEST_F(TlsTest, an_end_without_a_goodbye_is_an_error) {
  establish();
  client_->write("cut off");
  wire_.inbound += client_->output();
  wire_.ended = true;
  deliver();
  EXPECT_EQ(owner_.received, "cut off");
  EXPECT_TRUE(owner_.failed);
  EXPECT_FALSE(owner_.ended);
}

TEST_F(TlsTest, a_record_that_was_tampered_with_is_an_error) {
  establish();
  client_->write("hello");
  std::string bytes = client_->output();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  wire_.inbound += bytes;
  deliver();
  EXPECT_EQ(owner_.received, "");
  EXPECT_TRUE(owner_.failed);
  const std::string_view more = "more";
  EXPECT_EQ(owner_.stream->write({&more, 1}).status, Status::kError);
}

TEST_F(TlsTest, shutting_down_says_goodbye_and_reading_goes_on) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    establish({.version_max = version});
    owner_.received.clear();
    const std::string_view bye = "bye";
    owner_.stream->write({&bye, 1});
    owner_.stream->shutdown_write();
    EXPECT_TRUE(wire_.fin_sent);
    client_->input(std::exchange(wire_.outbound, {}));
    client_->write("still here");
    client_->go_on();
    EXPECT_TRUE(client_->ended);
    exchange_all();
    EXPECT_EQ(owner_.received, "still here");
  }
}

TEST_F(TlsTest, the_end_comes_behind_what_waits) {
  establish();
  wire_.room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream->shutdown_write();
  EXPECT_FALSE(wire_.fin_sent);
  wire_.room = SIZE_MAX;
  deliver();
  EXPECT_TRUE(wire_.fin_sent);
  exchange_all();
  EXPECT_EQ(client_->received, "bye");
  EXPECT_TRUE(client_->ended);
}

TEST_F(TlsTest, what_a_destroyed_stream_has_taken_still_leaves) {
  establish();
  wire_.room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream.reset();
  EXPECT_FALSE(wire_.closed);
  EXPECT_EQ(core_->leavers.size(), 1U);
  wire_.room = SIZE_MAX;
  deliver();
  EXPECT_TRUE(wire_.closed);
  EXPECT_TRUE(core_->leavers.empty());
  client_->input(wire_.outbound);
  client_->go_on();
  EXPECT_EQ(client_->received, "bye");
  EXPECT_TRUE(client_->ended);
}

TEST_F(TlsTest, a_peer_that_does_not_take_the_last_bytes_is_cut_off) {
  establish();
  wire_.room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream.reset();
  wheel_.advance(base::MonotonicTime{} + TlsServer::kLeaveTime + 2 * TimerWheel::kTick);
  EXPECT_TRUE(wire_.closed);
  EXPECT_TRUE(wire_.reset);
  EXPECT_TRUE(core_->leavers.empty());
}

TEST_F(TlsTest, a_reset_stream_leaves_nothing_behind) {
  establish();
  wire_.room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream->reset();
  owner_.stream.reset();
  EXPECT_TRUE(wire_.closed);
  EXPECT_TRUE(wire_.reset);
}

TEST_F(TlsTest, a_dead_socket_is_told_by_the_read) {
  establish();
  owner_.stream->pause_reading(true);
  wire_.broken = true;
  wire_.handler->on_readable();
  EXPECT_TRUE(owner_.failed);
}

TEST_F(TlsTest, who_asks_for_new_keys_and_does_not_read_is_cut_off) {
  establish();
  wire_.room = 0;
  for (int asks = 0; asks < 10'000 && !owner_.failed; ++asks) {
    client_->ask_for_new_keys();
    wire_.inbound += client_->output();
    deliver();
  }
  EXPECT_TRUE(owner_.failed);
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
