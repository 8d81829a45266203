// What comes in the frames of a WebSocket.
#include <utility>

#include "bench/engine.h"

namespace millrace::bench {

size_t Engine::take_frames(Client& client, std::string_view bytes) {
  size_t used = 0;
  Frame frame;
  while (client.fd >= 0) {
    const FrameStatus status = read_frame(bytes.substr(used), options_.deflate, frame);
    if (status == FrameStatus::kPartial) break;
    if (status == FrameStatus::kBroken) {
      fail(client, "the server sent a frame that is none");
      break;
    }
    used += frame.bytes;
    if ((frame.opcode == Opcode::kText || frame.opcode == Opcode::kBinary) && frame.fin) [[likely]]
      take_message(client, frame.opcode, frame.compressed, frame.payload);
    else
      take_frame(client, frame);
  }
  return used;
}

void Engine::take_frame(Client& client, const Frame& frame) {
  switch (frame.opcode) {
    case Opcode::kPing:
      append_masked(out_, Opcode::kPong, frame.payload, client.mask_key);
      return;
    case Opcode::kPong:
      return;
    case Opcode::kClose: {
      std::string reason = "the server closed the connection";
      if (frame.payload.size() >= 2) {
        const int code =
            static_cast<uint8_t>(frame.payload[0]) * 256 + static_cast<uint8_t>(frame.payload[1]);
        reason += ": " + std::to_string(code) + " " + std::string(frame.payload.substr(2));
      }
      fail(client, reason);
      return;
    }
    default:
      take_part(client, frame);
  }
}

void Engine::take_part(Client& client, const Frame& frame) {
  if (!client.held) client.held = std::make_unique<Client::Held>();
  Client::Held& kept = *client.held;
  if (frame.opcode != Opcode::kContinuation) {
    kept.fragments_opcode = frame.opcode;
    kept.fragments_compressed = frame.compressed;
  }
  kept.fragments.append(frame.payload);
  if (kept.fragments.size() > kFrameBytesMax) return fail(client, "a message is too long");
  if (!frame.fin) return;
  const std::string whole = std::exchange(kept.fragments, {});
  take_message(client, kept.fragments_opcode, kept.fragments_compressed, whole);
}

// A broadcast comes to all clients in the same bytes: the last message is inflated once.
void Engine::take_message(Client& client, Opcode opcode, bool compressed,
                          std::string_view payload) {
  if (!compressed) return handler_.on_message(client, opcode, payload, out_);
  if (payload != compressed_ || inflated_.empty()) {
    inflated_ = {};
    const auto inflated = websocket::inflate_message(inflater_, payload, kFrameBytesMax);
    if (!inflated) return fail(client, inflated.error().message);
    compressed_ = payload;
    inflated_ = *inflated;
  }
  handler_.on_message(client, opcode, inflated_, out_);
}

}  // namespace millrace::bench
