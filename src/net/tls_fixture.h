// A TLS stream of a test: below it a wire in memory, so that it can be cut and narrowed anywhere,
// beside it OpenSSL's own client. Nothing here waits for time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/manual_executor.h"
#include "net/net.h"
#include "net/tls_stream.h"
#include "net/tls_testing.h"

namespace millrace::net {

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
    if (wire_.broken) return {IoResult::Status::kError, 0};
    if (wire_.inbound.empty()) {
      if (!wire_.ended) return {IoResult::Status::kWouldBlock, 0};
      wire_.end_read = true;
      return {IoResult::Status::kEnd, 0};
    }
    const size_t count = std::min(into.size(), wire_.inbound.size());
    std::memcpy(into.data(), wire_.inbound.data(), count);
    wire_.inbound.erase(0, count);
    return {IoResult::Status::kDone, count};
  }
  IoResult write(std::span<const std::string_view> parts) override {
    if (wire_.broken) return {IoResult::Status::kError, 0};
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
    return {taken == 0 && offered > 0 ? IoResult::Status::kWouldBlock : IoResult::Status::kDone,
            taken};
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
  uint64_t count(metrics::Counter counter) const { return metrics_.value(counter); }

  base::ManualCores cores_{1};
  TimerWheel wheel_{{}};
  metrics::Core metrics_;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<TlsCore> core_;
  Wire wire_;
  std::unique_ptr<test_tls::Client> client_;
  Owner owner_;
};

}  // namespace millrace::net
