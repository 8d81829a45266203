#include "net/mailbox.h"

#include <utility>

namespace millrace::net {

Mailbox::~Mailbox() {
  for (Node* node = head_.load(); node != nullptr;) delete std::exchange(node, node->next);
}

bool Mailbox::push(base::Task task) {
  Node* before = head_.load(std::memory_order_relaxed);
  Node* const node = new Node{std::move(task), before};
  depth_.fetch_add(1, std::memory_order_relaxed);
  // Nodes are only ever taken all at once, so there is no ABA. Once pushed, the node is the loop's
  // and is not looked at here.
  while (!head_.compare_exchange_weak(before, node, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
    node->next = before;
  }
  return before == nullptr;
}

size_t Mailbox::run_all() {
  Node* newest = head_.exchange(nullptr, std::memory_order_acquire);
  Node* oldest = nullptr;
  while (newest != nullptr) {
    Node* const next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  size_t count = 0;
  while (oldest != nullptr) {
    Node* const node = oldest;
    oldest = node->next;
    depth_.fetch_sub(1, std::memory_order_relaxed);
    node->task();
    delete node;
    ++count;
  }
  return count;
}

}  // namespace millrace::net
