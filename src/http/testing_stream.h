// A stream without a socket, for tests: what the peer sent and did is set by hand, what it received
// is read by hand.
//
// The TestPeer is the other end. It outlives the stream, and hands events to the stream's handler
// from inside its own methods, as a loop would: level-triggered, never while reading is paused, and
// never to a stream that has been closed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/net.h"

namespace millrace::http {

class TestPeer {
 public:
  TestPeer() : wire_(std::make_shared<Wire>()) {}

  // The near end, to be made once.
  std::unique_ptr<net::Stream> stream() { return std::make_unique<TestStream>(wire_); }

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

  // How many more bytes the kernel would take.
  void set_room(size_t bytes) {
    wire_->room = bytes;
    if (bytes > 0 && std::exchange(wire_->wants_write, false) && wire_->handler != nullptr)
      wire_->handler->on_writable();
    deliver();
  }

  // What came since the last call.
  std::string received() { return std::exchange(wire_->outbound, {}); }
  size_t unread() const { return wire_->inbound.size(); }
  bool saw_end() const { return wire_->fin_sent || wire_->closed; }
  bool closed() const { return wire_->closed; }
  bool reset() const { return wire_->reset; }
  bool paused() const { return wire_->paused; }
  size_t writes() const { return wire_->writes; }

  // Hands over what waits, until it is read, or nobody reads.
  void deliver() {
    const std::shared_ptr<Wire> wire = wire_;
    while (wire->handler != nullptr && !wire->paused &&
           (!wire->inbound.empty() || (wire->ended && !wire->end_read))) {
      wire->handler->on_readable();
    }
  }

 private:
  struct Wire {
    net::StreamHandler* handler = nullptr;
    std::string inbound;
    std::string outbound;
    size_t room = static_cast<size_t>(-1);
    size_t writes = 0;
    bool ended = false;
    bool end_read = false;
    bool broken = false;
    bool paused = false;
    bool wants_write = false;
    bool fin_sent = false;
    bool reset = false;
    bool closed = false;
  };

  class TestStream final : public net::Stream {
   public:
    using Status = net::IoResult::Status;

    explicit TestStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
    ~TestStream() override {
      wire_->closed = true;
      wire_->handler = nullptr;
    }
    TestStream(const TestStream&) = delete;
    TestStream& operator=(const TestStream&) = delete;

    void set_handler(net::StreamHandler* handler) override { wire_->handler = handler; }

    net::IoResult read(std::span<char> into) override {
      if (wire_->broken) return {Status::kError, 0};
      if (wire_->inbound.empty()) {
        if (!wire_->ended) return {Status::kWouldBlock, 0};
        wire_->end_read = true;
        return {Status::kEnd, 0};
      }
      const size_t count = std::min(into.size(), wire_->inbound.size());
      std::memcpy(into.data(), wire_->inbound.data(), count);
      wire_->inbound.erase(0, count);
      return {Status::kDone, count};
    }

    net::IoResult write(std::span<const std::string_view> parts) override {
      if (wire_->broken) return {Status::kError, 0};
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
      if (offered > 0 && taken == 0) return {Status::kWouldBlock, 0};
      return {Status::kDone, taken};
    }

    void pause_reading(bool paused) override { wire_->paused = paused; }
    void shutdown_write() override { wire_->fin_sent = true; }
    void reset() override { wire_->reset = true; }
    std::string peer() const override { return "192.0.2.1:4711"; }

   private:
    const std::shared_ptr<Wire> wire_;
  };

  const std::shared_ptr<Wire> wire_;
};

}  // namespace millrace::http
