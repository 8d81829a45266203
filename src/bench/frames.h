// WebSocket frames from a client's side (RFC 6455, section 5): those of a server, which are not
// masked, are read.
//
// Without state and without copies: whoever reads keeps what is incomplete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "websocket/websocket.h"

namespace millrace::bench {

using websocket::Opcode;

struct Frame {
  Opcode opcode = Opcode::kContinuation;
  bool fin = false;
  bool compressed = false;
  std::string_view payload{};  // within what was read, as it came
  size_t bytes = 0;            // with its header
};

enum class FrameStatus : uint8_t {
  kWhole,
  kPartial,  // more bytes are needed
  kBroken,   // no server sends that
};

inline constexpr size_t kFrameBytesMax = 64UL * 1024 * 1024;

// The frame that `bytes` begin with. `deflate`: permessage-deflate was negotiated.
FrameStatus read_frame(std::string_view bytes, bool deflate, Frame& frame);

// Appends one masked frame; `key` as it lies in memory.
inline void append_masked(std::string& out, Opcode opcode, std::string_view payload, uint32_t key) {
  websocket::append_client_frame(out, {.opcode = opcode, .key = key}, payload);
}

}  // namespace millrace::bench
