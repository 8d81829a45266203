// What a client sends, made once before anything is counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/protocol.h"

namespace millrace::instructions {

// The request that asks for a WebSocket.
std::string upgrade_request(protocol::Format format);

// One masked WebSocket frame of this format's kind, with one command in it.
std::string connect_frame(protocol::Format format);
std::string subscribe_frame(protocol::Format format, uint32_t id, std::string_view channel);
// `data` is a JSON value.
std::string publish_frame(protocol::Format format, uint32_t id, std::string_view channel,
                          std::string_view data);
std::string pong_frame(protocol::Format format);

// A JSON object of exactly so many bytes, at least 16.
std::string payload(size_t bytes);

}  // namespace millrace::instructions
