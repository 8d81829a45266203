#include <bit>
#include <cstring>

#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

template <class T>
void store_big_endian(char* to, T value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace

size_t encode_header(Opcode opcode, size_t payload_bytes, std::span<char, kHeaderBytesMax> out,
                     bool compressed) {
  out[0] = static_cast<char>(0x80 | (compressed ? 0x40 : 0) | static_cast<uint8_t>(opcode));
  if (payload_bytes < 126) {
    out[1] = static_cast<char>(payload_bytes);
    return 2;
  }
  if (payload_bytes <= 0xFFFF) {
    out[1] = 126;
    store_big_endian(&out[2], static_cast<uint16_t>(payload_bytes));
    return 4;
  }
  out[1] = 127;
  store_big_endian(&out[2], uint64_t{payload_bytes});
  return 10;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  char header[kHeaderBytesMax];
  const size_t header_bytes = encode_header(opcode, payload.size(), header);
  // Not reserve(): it would give up the doubling that keeps many appends linear.
  out.append(header, header_bytes);
  out.append(payload);
}

}  // namespace millrace::websocket
