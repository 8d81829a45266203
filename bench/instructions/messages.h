// What a client sends, made once before anything is counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/protocol.h"

namespace millrace::instructions {

// The request that asks for a WebSocket; compressed: with permessage-deflate.
std::string upgrade_request(protocol::Format format, bool compressed = false);
// The request for server-sent events, which connects and subscribes.
std::string events_request(std::string_view channel);

// Messages with one command each.
std::string connect_message(protocol::Format format);
std::string subscribe_message(protocol::Format format, uint32_t id, std::string_view channel);
// `data` is a JSON value.
std::string publish_message(protocol::Format format, uint32_t id, std::string_view channel,
                            std::string_view data);
std::string pong_message(protocol::Format format);

// A message as one masked WebSocket frame of this format's kind.
std::string masked_frame(protocol::Format format, std::string_view message);

// A JSON object of exactly so many bytes, at least 16.
std::string payload(size_t bytes);

}  // namespace millrace::instructions
