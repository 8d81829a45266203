// SharedBytes: one immutable buffer, shared by everyone who still has to send or read it.
//
// Made once (a publication's payload, an encoded frame), then only read. Copying shares; the last
// holder frees. The count is atomic, so holders may live on different cores. Empty bytes allocate
// nothing. A handle is one pointer wide.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace millrace::base {

class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(const SharedBytes& other) : block_(other.block_) {
    if (block_ != nullptr) block_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { release(); }

  static SharedBytes copy_of(std::string_view bytes) { return joined({bytes}); }

  // One buffer that holds all of `parts`, one after another.
  static SharedBytes joined(std::initializer_list<std::string_view> parts) {
    size_t size = 0;
    for (std::string_view part : parts) size += part.size();
    SharedBytes result;
    if (size == 0) return result;
    void* memory = std::malloc(sizeof(Block) + size);
    MILLRACE_ASSERT(memory != nullptr);
    result.block_ = new (memory) Block{1, size};
    char* to = result.block_->data();
    for (std::string_view part : parts) {
      if (part.empty()) continue;
      std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
    return result;
  }

  std::string_view view() const {
    return block_ == nullptr ? std::string_view{} : std::string_view{block_->data(), block_->size};
  }
  size_t size() const { return block_ == nullptr ? 0 : block_->size; }
  bool empty() const { return block_ == nullptr; }

 private:
  struct Block {
    std::atomic<size_t> holders;
    size_t size;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };

  void release() {
    if (block_ == nullptr) return;
    if (block_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) std::free(block_);
    block_ = nullptr;
  }

  Block* block_ = nullptr;
};

}  // namespace millrace::base
