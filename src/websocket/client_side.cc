// What a client does that a server does not: masking, and inflating what a server sent.
#include <array>
#include <cstring>

#include "websocket/inflater.h"
#include "websocket/unmask.h"
#include "websocket/websocket.h"

namespace millrace::websocket {

void append_client_header(std::string& out, const ClientFrame& frame, uint64_t payload_bytes) {
  constexpr int kFin = 0x80;
  constexpr int kMask = 0x80;
  std::array<char, kHeaderBytesMax> header;
  const size_t size = encode_header(frame.opcode, payload_bytes, header, frame.compressed);
  if (!frame.fin) header[0] = static_cast<char>(header[0] & ~kFin);
  header[1] = static_cast<char>(header[1] | kMask);
  out.append(header.data(), size);
  std::array<char, sizeof frame.key> key;
  std::memcpy(key.data(), &frame.key, sizeof frame.key);
  out.append(key.data(), key.size());
}

void append_client_frame(std::string& out, const ClientFrame& frame, std::string_view payload) {
  append_client_header(out, frame, payload.size());
  const size_t at = out.size();
  out.append(payload);
  unmask(std::span(out).subspan(at), frame.key);  // masking is the same
}

base::Result<std::string_view> inflate_message(CoreScratch& scratch, std::string_view compressed,
                                               size_t bytes_max) {
  const auto inflated = scratch.inflater().inflate(compressed, bytes_max);
  if (!inflated) return base::fail(base::ErrorCode::kInvalid, std::string(inflated.error().reason));
  return *inflated;
}

}  // namespace millrace::websocket
