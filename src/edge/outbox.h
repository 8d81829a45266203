// A connection's pending output: what this turn produced for it, and what the kernel has not taken
// yet.
//
// Bytes are whole frames, lines or events, or the head of a response, shared and immutable. An idle
// outbox holds nothing; with one frame pending, the common case of a fan-out, it holds a reference
// and no queue. Partial writes are remembered to the byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>

#include "base/shared_bytes.h"
#include "net/net.h"

namespace millrace::edge {

class Outbox {
 public:
  bool empty() const { return single_.empty() && queue_ == nullptr; }
  // Bytes that wait, as the limits count them.
  size_t bytes() const { return queue_ == nullptr ? single_.size() : queue_->bytes; }

  // Of these, the bytes of frames that hold publications. What a client asked for is not counted
  // against it: a recovery may be larger than what it may leave unread.
  size_t publication_bytes() const {
    if (queue_ == nullptr) return single_messages_ > 0 ? single_.size() : 0;
    const bool partly = queue_->items.front().messages > 0;
    return queue_->publication_bytes - (partly ? queue_->sent : 0);
  }

  // `messages` is how many publications the frame holds (0 for replies and control frames): what
  // drop() counts.
  void push(base::SharedBytes frame, uint32_t messages);

  enum class Flushed : uint8_t {
    kAll,      // empty now
    kBlocked,  // the stream calls back when there is room
    kFailed,   // the stream is dead
  };
  struct Written {
    Flushed flushed = Flushed::kAll;
    size_t bytes = 0;
    uint32_t calls = 0;
  };
  Written flush(net::Stream& stream);

  // Forgets everything but a frame that is partly sent, and returns how many publications that was.
  size_t drop();

 private:
  struct Item {
    base::SharedBytes frame;
    uint32_t messages = 0;
  };
  struct Queue {
    std::deque<Item> items;
    size_t sent = 0;               // of the first item
    size_t bytes = 0;              // of all, less `sent`
    size_t publication_bytes = 0;  // of all items with messages, as a whole
  };
  void to_queue();
  size_t gather(std::span<std::string_view> parts) const;
  void write(net::Stream& stream, std::span<const std::string_view> parts, Written& result);
  void consume(size_t bytes);

  base::SharedBytes single_;
  uint32_t single_messages_ = 0;
  std::unique_ptr<Queue> queue_;
};

}  // namespace millrace::edge
