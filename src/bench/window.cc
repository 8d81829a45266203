#include "bench/window.h"

#include "bench/engine.h"

namespace millrace::bench {

Window::Window(Board& board, size_t size, bool publishes)
    : board_(board), size_(size), publishes_(publishes), local_(size), taken_(size, 0) {
  for (size_t i = size; i > 0; --i) free_.push_back(static_cast<uint32_t>(i - 1));
}

std::optional<uint32_t> Window::take(uint64_t subscribers, int64_t now) {
  if (free_.empty()) return std::nullopt;
  if (free_.size() == size_) progress_ns_ = now;
  const uint32_t index = free_.back();
  free_.pop_back();
  taken_[index] = 1;
  Slot& slot = board_.slot(index);
  slot.arrived.store(0, std::memory_order_relaxed);
  slot.done.store(false, std::memory_order_relaxed);
  slot.expected.store(subscribers, std::memory_order_release);
  return index;
}

void Window::complete(uint32_t index, uint32_t subscribers, int64_t now) {
  Slot& slot = board_.slot(index);
  const uint64_t arrived = slot.arrived.fetch_add(subscribers, std::memory_order_acq_rel);
  if (arrived + subscribers < slot.expected.load(std::memory_order_acquire)) return;
  if (publishes_) {
    progress_ns_ = now;
    release(index);
    return;
  }
  slot.done.store(true, std::memory_order_release);
  board_.ring();
}

void Window::collect() {
  if (board_.processes() == 1) return;
  for (uint32_t i = 0; i < size_; ++i) {
    if (taken_[i] == 0 || !board_.slot(i).done.load(std::memory_order_acquire)) continue;
    progress_ns_ = now_ns();
    release(i);
  }
}

void Window::give_up_after(int64_t patience_ns, int64_t now) {
  if (under_way() == 0 || now - progress_ns_ < patience_ns) return;
  for (uint32_t i = 0; i < size_; ++i) release(i);
  progress_ns_ = now;
}

void Window::release(uint32_t slot) {
  if (taken_[slot] == 0) return;
  taken_[slot] = 0;
  free_.push_back(slot);
}

}  // namespace millrace::bench
