#include "websocket/close.h"

#include <simdjson.h>

#include "websocket/frame_header.h"

namespace millrace::websocket {

bool valid_close_code(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::expected<CloseFrame, Mistake> parse_close(std::string_view payload) {
  if (payload.empty()) return CloseFrame{};
  if (payload.size() == 1)
    return std::unexpected(Mistake{CloseCode::kProtocolError, "a close frame with half a code"});
  const auto code = static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8 |
                                          static_cast<uint8_t>(payload[1]));
  if (!valid_close_code(code))
    return std::unexpected(Mistake{CloseCode::kProtocolError, "invalid close code"});
  const std::string_view reason = payload.substr(2);
  if (!simdjson::validate_utf8(reason.data(), reason.size()))
    return std::unexpected(Mistake{CloseCode::kInvalidPayload, "a close reason that is not UTF-8"});
  return CloseFrame{code, reason};
}

void append_close(std::string& out, uint16_t code, std::string_view reason) {
  if (code == static_cast<uint16_t>(CloseCode::kNoStatus)) {
    append_frame(out, Opcode::kClose, {});
    return;
  }
  size_t size = reason.size();
  if (size > kControlBytesMax - 2) {
    size = kControlBytesMax - 2;
    // Back to the first byte of the character that does not fit.
    while (size > 0 && (static_cast<uint8_t>(reason[size]) & 0xC0) == 0x80) --size;
  }
  char payload[kControlBytesMax] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  reason.copy(payload + 2, size);
  append_frame(out, Opcode::kClose, {payload, 2 + size});
}

}  // namespace millrace::websocket
