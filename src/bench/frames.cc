#include "bench/frames.h"

namespace millrace::bench {
namespace {

uint64_t big_endian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = (number << 8) | static_cast<uint8_t>(byte);
  return number;
}

bool known(uint8_t opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

// Of a message's first frame only (RFC 7692, section 6).
bool may_be_compressed(uint8_t opcode) {
  return opcode == 0x1 || opcode == 0x2;
}

}  // namespace

FrameStatus read_frame(std::string_view bytes, bool deflate, Frame& frame) {
  if (bytes.size() < 2) return FrameStatus::kPartial;
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto second = static_cast<uint8_t>(bytes[1]);
  const auto opcode = static_cast<uint8_t>(first & 0xF);
  const bool compressed = (first & 0x40) != 0;
  // Reserved bits mean extensions, and the mask a client.
  if ((first & 0x30) != 0 || (second & 0x80) != 0 || !known(opcode)) return FrameStatus::kBroken;
  if (compressed && !(deflate && may_be_compressed(opcode))) return FrameStatus::kBroken;
  size_t header = 2;
  uint64_t length = second;
  if (length >= 126) {
    const size_t more = length == 126 ? 2 : 8;
    if (bytes.size() < header + more) return FrameStatus::kPartial;
    length = big_endian(bytes.substr(header, more));
    header += more;
  }
  if (length > kFrameBytesMax) return FrameStatus::kBroken;
  if (bytes.size() - header < length) return FrameStatus::kPartial;
  frame.opcode = static_cast<Opcode>(opcode);
  frame.fin = (first & 0x80) != 0;
  frame.compressed = compressed;
  frame.payload = bytes.substr(header, length);
  frame.bytes = header + static_cast<size_t>(length);
  return FrameStatus::kWhole;
}

}  // namespace millrace::bench
