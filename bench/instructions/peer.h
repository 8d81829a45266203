// A client's end of a stream that has no socket: what it sends is in the server's hands at once,
// and it takes all that it is sent.
//
// Costs next to nothing itself, so that what is counted is the server's. A Peer outlives its
// stream.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "net/net.h"

namespace millrace::instructions {

class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The server's end, to be made once.
  std::unique_ptr<net::Stream> stream() { return std::make_unique<Stream>(*this); }

  // All of it is read before this returns: nobody here sends so much that the server would pause.
  void send(std::string_view bytes) {
    MILLRACE_ASSERT(!paused_ && handler_ != nullptr);
    inbound_ = bytes;
    while (!inbound_.empty()) handler_->on_readable();
  }

  size_t writes() const { return writes_; }
  size_t bytes() const { return bytes_; }

  // What comes from now on is kept, or it is only counted.
  void record(bool on) { recording_ = on; }
  const std::string& recorded() const { return recorded_; }

  // Where a peer leaves word that something was written to it; null: nowhere.
  void tell(std::vector<Peer*>* told) { told_ = told; }

 private:
  class Stream final : public net::Stream {
   public:
    using Status = net::IoResult::Status;

    explicit Stream(Peer& peer) : peer_(peer) {}
    ~Stream() override { peer_.handler_ = nullptr; }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void set_handler(net::StreamHandler* handler) override { peer_.handler_ = handler; }
    net::IoResult read(std::span<char> into) override {
      const size_t count = std::min(into.size(), peer_.inbound_.size());
      if (count == 0) return {Status::kWouldBlock, 0};
      std::memcpy(into.data(), peer_.inbound_.data(), count);
      peer_.inbound_.remove_prefix(count);
      return {Status::kDone, count};
    }
    net::IoResult write(std::span<const std::string_view> parts) override {
      size_t taken = 0;
      for (const std::string_view part : parts) {
        taken += part.size();
        if (peer_.recording_) peer_.recorded_ += part;
      }
      ++peer_.writes_;
      peer_.bytes_ += taken;
      if (peer_.told_ != nullptr) peer_.told_->push_back(&peer_);
      return {Status::kDone, taken};
    }
    void pause_reading(bool paused) override { peer_.paused_ = paused; }
    void shutdown_write() override {}
    void reset() override {}
    std::string peer() const override { return "192.0.2.1:4711"; }

   private:
    Peer& peer_;
  };

  net::StreamHandler* handler_ = nullptr;
  std::string_view inbound_;
  size_t writes_ = 0;
  size_t bytes_ = 0;
  std::vector<Peer*>* told_ = nullptr;
  std::string recorded_;
  bool recording_ = false;
  bool paused_ = false;
};

}  // namespace millrace::instructions
