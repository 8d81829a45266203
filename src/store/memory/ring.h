// A queue in one block, which grows by doubling and is given back when the queue empties.
//
// Instead of std::deque, which holds 576 bytes while it is empty: most channels are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace millrace::store::memory {

template <class T>
class Ring {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }

  // From the oldest, 0, to the newest, size() - 1.
  const T& operator[](size_t i) const {
    MILLRACE_DEBUG_ASSERT(i < size_);
    return slots_[slot(i)];
  }
  const T& front() const { return (*this)[0]; }

  // The caller knows that there will never be more than `most`, so no more room is made.
  void push_back(T value, size_t most) {
    MILLRACE_DEBUG_ASSERT(size_ < most);
    if (size_ == capacity_) move_to(std::min(most, std::max<size_t>(1, capacity_ * 2)));
    slots_[slot(size_)] = std::move(value);
    ++size_;
  }

  // Gives back memory when three quarters stand empty.
  void pop_front() {
    MILLRACE_DEBUG_ASSERT(size_ > 0);
    slots_[head_] = T{};
    head_ = slot(1);
    --size_;
    if (size_ == 0) return clear();
    if (capacity_ >= kShrinkFrom && size_ <= capacity_ / 4) move_to(capacity_ / 2);
  }

  void clear() {
    slots_.reset();
    capacity_ = head_ = size_ = 0;
  }

 private:
  static constexpr size_t kShrinkFrom = 16;

  size_t slot(size_t i) const {
    const size_t at = head_ + i;
    return at < capacity_ ? at : at - capacity_;
  }
  void move_to(size_t capacity) {
    auto slots = std::make_unique<T[]>(capacity);
    for (size_t i = 0; i < size_; ++i) slots[i] = std::move(slots_[slot(i)]);
    slots_ = std::move(slots);
    capacity_ = capacity;
    head_ = 0;
  }

  std::unique_ptr<T[]> slots_;
  size_t capacity_ = 0;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace millrace::store::memory
