// Tasks from any thread for one loop: a stack that producers push to without a lock, and that the
// loop takes as a whole.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/executor.h"

namespace millrace::net {

class Mailbox {
 public:
  Mailbox() = default;
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // True if the mailbox was empty: the caller must see to it that the loop wakes.
  bool push(base::Task task);

  // Runs what was in the mailbox when called, in the order of pushing, and returns how many. On the
  // loop's thread.
  size_t run_all();

  bool empty() const { return head_.load(std::memory_order_acquire) == nullptr; }
  size_t depth() const { return depth_.load(std::memory_order_relaxed); }

 private:
  struct Node {
    base::Task task;
    Node* next;
  };
  std::atomic<Node*> head_{nullptr};
  std::atomic<size_t> depth_{0};
};

}  // namespace millrace::net
