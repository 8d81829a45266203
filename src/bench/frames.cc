#include "bench/frames.h"

#include <array>
#include <cstring>

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

void mask(char* at, size_t count, uint32_t key) {
  const uint64_t twice = (uint64_t{key} << 32) | key;
  size_t i = 0;
  for (; i + sizeof twice <= count; i += sizeof twice) {
    uint64_t word;
    std::memcpy(&word, at + i, sizeof word);
    word ^= twice;
    std::memcpy(at + i, &word, sizeof word);
  }
  std::array<char, sizeof key> bytes;
  std::memcpy(bytes.data(), &key, sizeof key);
  for (; i < count; ++i) at[i] = static_cast<char>(at[i] ^ bytes[i % bytes.size()]);
}

}  // namespace

FrameStatus read_frame(std::string_view bytes, Frame& frame) {
  if (bytes.size() < 2) return FrameStatus::kPartial;
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto second = static_cast<uint8_t>(bytes[1]);
  // Reserved bits mean extensions, and the mask a client.
  if ((first & 0x70) != 0 || (second & 0x80) != 0 || !known(first & 0xF))
    return FrameStatus::kBroken;
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
  frame.opcode = static_cast<Opcode>(first & 0xF);
  frame.fin = (first & 0x80) != 0;
  frame.payload = bytes.substr(header, length);
  frame.bytes = header + static_cast<size_t>(length);
  return FrameStatus::kWhole;
}

void append_masked(std::string& out, Opcode opcode, std::string_view payload, uint32_t key) {
  out.push_back(static_cast<char>(0x80 | static_cast<uint8_t>(opcode)));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    const bool wide = payload.size() > 0xFFFF;
    out.push_back(static_cast<char>(0x80 | (wide ? 127 : 126)));
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(payload.size() >> shift));
  }
  std::array<char, sizeof key> bytes;
  std::memcpy(bytes.data(), &key, sizeof key);
  out.append(bytes.data(), bytes.size());
  const size_t at = out.size();
  out.append(payload);
  mask(out.data() + at, payload.size(), key);
}

}  // namespace millrace::bench
