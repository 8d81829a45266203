// A TLS stream of a test: below it a wire in memory, so that it can be cut and narrowed anywhere,
// beside it OpenSSL's own client. Nothing here waits for time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/manual_executor.h"
#include "net/net.h"
#include "net/testing_stream.h"
#include "net/testing_tls.h"
#include "net/tls_stream.h"

namespace millrace::net {

// The owner of a stream: reads what it is told of, in pieces of `bytes_per_read`.
struct Owner final : StreamHandler {
  void on_readable() override {
    ++readable_calls;
    std::string buffer(bytes_per_read, '\0');
    const IoResult result = stream->read(buffer);
    last = result.status;
    received.append(buffer, 0, result.bytes);
    if (result.status == IoResult::Status::kEnd) ended = true;
    if (result.status == IoResult::Status::kError) failed = true;
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
      EXPECT_NE(result.status, IoResult::Status::kError);
      output.erase(0, result.bytes);
      if (result.bytes == 0) return false;
    }
    return true;
  }

  std::unique_ptr<Stream> stream;
  std::string received;
  size_t bytes_per_read = 64UL * 1024;
  IoResult::Status last = IoResult::Status::kWouldBlock;
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
    owner_.stream.reset();  // the core outlives its streams
    context_ = std::move(*made);
    core_ = std::make_unique<TlsCore>(cores_.at(0), wheel_, metrics_, context_);
  }
  void connect(const test_tls::ClientOptions& options = {}) {
    owner_.stream.reset();
    wire_ = std::make_shared<TestWire>();
    client_ = std::make_unique<test_tls::Client>(options);
    owner_.stream = std::make_unique<TlsStream>(*core_, std::make_unique<TestStream>(wire_));
    owner_.stream->set_handler(&owner_);
  }
  // What the loop would report, until there is nothing new, and a turn more.
  void deliver() {
    wire_->deliver();
    cores_.advance(std::chrono::milliseconds(1));
  }
  // Moves bytes both ways until nobody has any.
  void exchange_all() {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      wire_->inbound += client_->output();
      deliver();
      const std::string bytes = std::exchange(wire_->outbound, {});
      if (!bytes.empty()) client_->input(bytes);
      client_->go_on();
      if (bytes.empty() && !client_->has_output() && wire_->inbound.empty()) return;
      if (owner_.stream == nullptr) return;
    }
  }
  void establish(const test_tls::ClientOptions& options = {}) {
    connect(options);
    exchange_all();
    ASSERT_TRUE(client_->established()) << client_->error();
  }
  uint64_t count(metrics::Counter counter) const { return metrics_.value(counter); }

  base::ManualCores cores_{1};
  TimerWheel wheel_{{}};
  metrics::Core metrics_;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<TlsCore> core_;
  std::shared_ptr<TestWire> wire_;
  std::unique_ptr<test_tls::Client> client_;
  Owner owner_;
};

}  // namespace millrace::net
