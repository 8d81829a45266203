// What the processes of one run know of each other: a piece of memory that they share.
//
// Each process writes its own Figures, the first one the phase; all read all. Nothing is locked.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/bench.h"
#include "bench/histogram.h"

namespace millrace::bench {

enum class Phase : uint32_t {
  kOpening,    // connections are opened
  kWarmup,     // messages flow, and are not measured
  kMeasuring,  // and are
  kDraining,   // nothing new is published; what is under way arrives
  kDone
};

// Written by one process, read by others; signed, because what seemed lost may come late.
class Counter {
 public:
  void add(int64_t count) { value_.store(get() + count, std::memory_order_relaxed); }
  int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// The counters of one process; those of several add up.
template <class Number>
struct Counts {
  Number joined{};       // connections that became ready, each time
  Number failed{};       // that did not
  Number disconnects{};  // that were ready, and that the server or the network ended
  Number live{};         // subscribers that are ready now
  Number published{};
  Number deliveries{};  // also: echoes, and answers to publishing
  Number lost{};
  Number duplicated{};
  Number out_of_order{};
  Number refused{};         // commands that the server answered with an error
  Number received_bytes{};  // as they came: compressed, with heads and frames
};

struct Figures {
  Counts<Counter> counts;
  std::atomic<bool> settled{false};  // every connection was opened or has failed
  std::atomic<bool> drained{false};  // nothing is under way any more
  std::atomic<bool> has_problem{false};
  std::array<char, 240> problem{};  // the first, in words
  Histogram latency;

  void tell_problem(std::string_view text);
};

// One place of the window: a message that is under way.
struct Slot {
  std::atomic<uint64_t> arrived{0};
  std::atomic<uint64_t> expected{0};
  std::atomic<bool> done{false};  // told by another process than the one that publishes
};

class Board {
 public:
  // Mapped so that children made by fork() share it. Unmapped by the destructor.
  static base::Result<std::unique_ptr<Board>> create(size_t processes, size_t streams);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  size_t processes() const { return processes_; }
  Phase phase() const { return shared_->phase.load(std::memory_order_acquire); }
  void set_phase(Phase phase) { shared_->phase.store(phase, std::memory_order_release); }
  Figures& figures(size_t process) { return figures_[process]; }
  const Figures& figures(size_t process) const { return figures_[process]; }
  Slot& slot(size_t index) { return shared_->slots[index]; }
  // How many messages of a stream were published, or are just about to be; written by the process
  // that publishes.
  Counter& published(size_t stream) { return published_[stream]; }
  size_t streams() const { return streams_; }

  // Wakes the process that publishes: an eventfd.
  int bell() const { return bell_; }
  void ring() const;

  Counts<int64_t> sum() const;
  // Of those processes that have one.
  std::string first_problem() const;

 private:
  struct Shared {
    std::atomic<Phase> phase{Phase::kOpening};
    std::array<Slot, kWindowMax> slots;
  };
  Board(void* memory, size_t bytes, size_t processes, size_t streams, int bell);

  void* const memory_;
  const size_t bytes_;
  const size_t processes_;
  const size_t streams_;
  const int bell_;
  Shared* shared_;
  Figures* figures_;
  Counter* published_;
};

}  // namespace millrace::bench
