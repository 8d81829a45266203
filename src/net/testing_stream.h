// A stream without a socket, for tests of any folder: what the peer sent and did is set by hand,
// what it received is read by hand.
//
// A TestWire is the socket below, and what the kernel would do with it; a TestStream its near end.
// Events go to the stream's handler from inside deliver(), as from a loop: level-triggered, never
// while reading is paused, and never to a stream that has been closed. A TestPeer is the other end
// in words.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "net/net.h"

namespace millrace::net {

struct TestWire {
  StreamHandler* handler = nullptr;
  std::string inbound;
  std::string outbound;
  size_t room = SIZE_MAX;  // how many more bytes the kernel would take
  size_t reads = 0;
  size_t writes = 0;
  bool ended = false;
  bool end_read = false;
  bool broken = false;
  bool paused = false;
  bool wants_write = false;
  bool fin_sent = false;
  bool reset = false;
  bool closed = false;

  // What the loop would report, until there is nothing new, or nobody takes it.
  void deliver() {
    for (int calls = 0; calls < 1'000 && handler != nullptr; ++calls) {
      if (room > 0 && std::exchange(wants_write, false)) {
        handler->on_writable();
        continue;
      }
      if (paused || (inbound.empty() && (!ended || end_read))) return;
      handler->on_readable();
    }
  }
};

class TestStream final : public Stream {
 public:
  explicit TestStream(std::shared_ptr<TestWire> wire) : wire_(std::move(wire)) {}
  ~TestStream() override {
    wire_->closed = true;
    wire_->handler = nullptr;
  }
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;

  void set_handler(StreamHandler* handler) override { wire_->handler = handler; }

  IoResult read(std::span<char> into) override {
    ++wire_->reads;
    if (wire_->broken) return {IoResult::Status::kError, 0};
    if (wire_->inbound.empty()) {
      if (!wire_->ended) return {IoResult::Status::kWouldBlock, 0};
      wire_->end_read = true;
      return {IoResult::Status::kEnd, 0};
    }
    const size_t count = std::min(into.size(), wire_->inbound.size());
    std::memcpy(into.data(), wire_->inbound.data(), count);
    wire_->inbound.erase(0, count);
    return {IoResult::Status::kDone, count};
  }

  IoResult write(std::span<const std::string_view> parts) override {
    if (wire_->broken) return {IoResult::Status::kError, 0};
    ++wire_->writes;
    size_t offered = 0;
    size_t taken = 0;
    for (const std::string_view part : parts) {
      const size_t count = std::min(part.size(), wire_->room);
      wire_->outbound += part.substr(0, count);
      wire_->room -= count;
      offered += part.size();
      taken += count;
    }
    wire_->wants_write = taken < offered;
    if (offered > 0 && taken == 0) return {IoResult::Status::kWouldBlock, 0};
    return {IoResult::Status::kDone, taken};
  }

  void pause_reading(bool paused) override { wire_->paused = paused; }
  void shutdown_write() override { wire_->fin_sent = true; }
  void reset() override { wire_->reset = true; }
  std::string peer() const override { return "192.0.2.1:4711"; }

 private:
  const std::shared_ptr<TestWire> wire_;
};

class TestPeer {
 public:
  // The near end, to be made once.
  std::unique_ptr<Stream> stream() { return std::make_unique<TestStream>(wire_); }

  void send(std::string_view bytes) {
    wire_->inbound += bytes;
    deliver();
  }
  // Each byte in a turn of its own.
  void send_slowly(std::string_view bytes) {
    for (const char c : bytes) send({&c, 1});
  }
  // FIN: nothing more is sent, but answers are still read.
  void end() {
    wire_->ended = true;
    deliver();
  }
  // RST, or FIN in both directions: the loop reports it even to those who do not read.
  void vanish() {
    wire_->broken = true;
    if (wire_->handler != nullptr) wire_->handler->on_readable();
  }
  void set_room(size_t bytes) {
    wire_->room = bytes;
    deliver();
  }
  void deliver() {
    const std::shared_ptr<TestWire> wire = wire_;  // the peer may go meanwhile
    wire->deliver();
  }

  // What came since the last call.
  std::string received() { return std::exchange(wire_->outbound, {}); }
  size_t unread() const { return wire_->inbound.size(); }
  bool saw_end() const { return wire_->fin_sent || wire_->closed; }
  bool closed() const { return wire_->closed; }
  bool reset() const { return wire_->reset; }
  bool paused() const { return wire_->paused; }
  size_t writes() const { return wire_->writes; }

 private:
  const std::shared_ptr<TestWire> wire_ = std::make_shared<TestWire>();
};

}  // namespace millrace::net
