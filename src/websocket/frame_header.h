// The header of a frame (RFC 6455, section 5.2), as a client sends it:
//
//   byte 0  FIN RSV1 RSV2 RSV3 opcode(4)
//   byte 1  MASK length(7)
//   length  2 bytes if length(7) is 126, 8 if it is 127; big endian, the shortest form that fits
//   key     4 bytes
//
// Every rule is checked as soon as the byte that breaks it is there, so that what a peer is told
// does not depend on how its bytes were cut; sizes before any payload is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "websocket/mistake.h"
#include "websocket/websocket.h"

namespace millrace::websocket {

inline constexpr size_t kControlBytesMax = 125;  // section 5.5
inline constexpr size_t kMaskedHeaderBytesMax = 2 + 8 + 4;

struct FrameHeader {
  uint64_t payload_bytes = 0;
  uint32_t key = 0;  // as it lies in memory
  Opcode opcode = Opcode::kContinuation;
  bool fin = false;
  bool compressed = false;  // RSV1
};

// The fragmented message in which a frame arrives, if there is one.
struct MessageSoFar {
  uint64_t bytes = 0;
  size_t fragments = 0;  // 0: there is none
  bool compressed = false;
};

constexpr bool is_control(Opcode opcode) {
  return (static_cast<uint8_t>(opcode) & 0x8) != 0;
}

// How long the compressed form of a message may be: an eighth over the limit, because that of
// incompressible bytes is longer than they are (zlib's deflateBound for any settings).
constexpr uint64_t compressed_bytes_max(uint64_t message_bytes_max) {
  return message_bytes_max + message_bytes_max / 8 + message_bytes_max / 64 + 64;
}

// Reads a header from the start of `bytes` (at least one). Returns its length, or 0 while more
// bytes are needed.
std::expected<size_t, Mistake> parse_header(std::span<const char> bytes,
                                            const MessageSoFar& message, const Options& options,
                                            FrameHeader& header);

}  // namespace millrace::websocket
