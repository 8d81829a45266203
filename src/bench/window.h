// Messages that are under way, never more than the window: one is under way until every subscriber
// of every process has it.
//
// Each process counts what arrives with its own subscribers, and tells the board once all of them
// have a message; the last one to tell frees its slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/board.h"
#include "bench/stamp.h"

namespace millrace::bench {

class Window {
 public:
  // `publishes`: this process takes slots.
  Window(Board& board, size_t size, bool publishes);

  // ---- The process that publishes ----
  // A slot for a message that `subscribers` are to get; none if the window is full.
  std::optional<uint32_t> take(uint64_t subscribers, int64_t now);
  // Frees what other processes have seen arriving.
  void collect();
  size_t under_way() const { return size_ - free_.size(); }
  // Nothing has arrived completely for `patience_ns`: what is under way is taken for lost.
  void give_up_after(int64_t patience_ns, int64_t now);

  // ---- Every process ----
  // One of its `subscribers` got it.
  void arrive(const Stamp& stamp, uint32_t subscribers, int64_t now) {
    if (stamp.slot >= local_.size()) return;
    Local& local = local_[stamp.slot];
    if (local.time_ns != stamp.time_ns) {
      if (stamp.time_ns < local.time_ns) return;  // of a message that was given up
      local = {.time_ns = stamp.time_ns, .count = 0};
    }
    if (++local.count == subscribers) complete(stamp.slot, subscribers, now);
  }

 private:
  struct Local {
    int64_t time_ns = 0;  // which message it is
    uint32_t count = 0;
  };
  void complete(uint32_t slot, uint32_t subscribers, int64_t now);
  void release(uint32_t slot);

  Board& board_;
  const size_t size_;
  const bool publishes_;
  std::vector<Local> local_;
  std::vector<uint32_t> free_;
  std::vector<char> taken_;
  int64_t progress_ns_ = 0;
};

}  // namespace millrace::bench
