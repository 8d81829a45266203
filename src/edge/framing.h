// From messages to what is put on the wire: WebSocket frames, lines, or server-sent events.
//
// Compression is not here: it needs options (fanout.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/shared_bytes.h"
#include "edge/local_channel.h"
#include "model/model.h"
#include "protocol/protocol.h"
#include "websocket/websocket.h"

namespace millrace::edge {

inline websocket::Opcode opcode_of(protocol::Format format) {
  return format == protocol::Format::kJson ? websocket::Opcode::kText : websocket::Opcode::kBinary;
}

// Whether each message has a frame, or an event, of its own: the others are joined as the protocol
// joins them.
inline bool each_alone(Framing framing) {
  return framing == Framing::kFrameEach || framing == Framing::kEvents;
}

void append_framed(std::string& out, Variant variant, std::string_view messages);
base::SharedBytes framed(Variant variant, std::string_view messages);

// Says nothing to a client, and may stand between any two messages of a stream: keep_alive.h.
const base::SharedBytes& filler(Variant variant);
// The same with at least so many bytes, to stand before the first message of a stream; nothing for
// 0. For proxies, virus scanners and old browsers that hold back the first bytes of a response.
std::string padding(Variant variant, size_t bytes);

// The `id:` line of an event, to stand before it: where a client that has seen this event goes on
// (Last-Event-ID in the HTML standard, section 9.2). "<offset>:<epoch>:<channel>"; nothing where
// there is no log, or the channel's name can't stand in a line.
void append_event_id(std::string& out, model::Offset offset, std::string_view epoch,
                     std::string_view channel);

struct EventId {
  uint64_t offset = 0;
  std::string_view epoch;
  std::string_view channel;
};
// nullopt if it is not one of ours.
std::optional<EventId> parse_event_id(std::string_view text);

}  // namespace millrace::edge
