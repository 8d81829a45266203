// The payload of a close frame (RFC 6455, section 5.5.1): nothing, or a code and a reason.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "websocket/mistake.h"

namespace millrace::websocket {

struct CloseFrame {
  uint16_t code = static_cast<uint16_t>(CloseCode::kNoStatus);
  std::string_view reason;
};

std::expected<CloseFrame, Mistake> parse_close(std::string_view payload);

}  // namespace millrace::websocket
