// Unmasking (RFC 6455, section 5.3): payload byte i is XORed with key byte i mod 4.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::websocket {

// The key for bytes that begin at `offset` in their frame, given the key for those that begin at 0.
// Both as they lie in memory.
constexpr uint32_t key_at(uint32_t key, uint64_t offset) {
  const int bits = static_cast<int>(offset % 4) * 8;
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

// Unmasks in place. Returns whether all the unmasked bytes are ASCII: it costs nothing on the way,
// and spares most text the pass that checks its UTF-8.
bool unmask(std::span<char> bytes, uint32_t key);

}  // namespace millrace::websocket
