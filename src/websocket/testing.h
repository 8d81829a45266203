// For tests of this folder: frames as a client makes them, and a Receiver that writes down what it
// hears.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "websocket/websocket.h"

namespace millrace::websocket::testing {

// The first byte of a frame.
struct First {
  Opcode opcode = Opcode::kText;
  bool fin = true;
  bool rsv1 = false;
  char byte() const {
    return static_cast<char>((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | static_cast<uint8_t>(opcode));
  }
};

inline constexpr std::string_view kKey("\x37\xfa\x21\x3d", 4);  // of section 5.7

// Byte by byte, as the RFC has it.
inline std::string masked(std::string_view payload, std::string_view key = kKey) {
  std::string result(payload);
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<char>(result[i] ^ key[i % 4]);
  return result;
}

inline std::string big_endian(uint64_t value, size_t bytes) {
  std::string result;
  while (bytes-- > 0) result += static_cast<char>(value >> (8 * bytes) & 0xFF);
  return result;
}

inline ClientFrame client_frame(First first) {
  uint32_t key;
  std::memcpy(&key, kKey.data(), sizeof(key));
  return {.opcode = first.opcode, .fin = first.fin, .compressed = first.rsv1, .key = key};
}

// The header of a masked frame that claims `payload_bytes`.
inline std::string header(First first, uint64_t payload_bytes) {
  std::string result;
  append_client_header(result, client_frame(first), payload_bytes);
  return result;
}

inline std::string frame(First first, std::string_view payload) {
  std::string result;
  append_client_frame(result, client_frame(first), payload);
  return result;
}

inline std::string text(std::string_view payload, bool fin = true) {
  return frame({.opcode = Opcode::kText, .fin = fin}, payload);
}
inline std::string binary(std::string_view payload, bool fin = true) {
  return frame({.opcode = Opcode::kBinary, .fin = fin}, payload);
}
inline std::string more(std::string_view payload, bool fin) {
  return frame({.opcode = Opcode::kContinuation, .fin = fin}, payload);
}
inline std::string ping(std::string_view payload) {
  return frame({.opcode = Opcode::kPing}, payload);
}
inline std::string pong(std::string_view payload) {
  return frame({.opcode = Opcode::kPong}, payload);
}
inline std::string close(std::string_view payload) {
  return frame({.opcode = Opcode::kClose}, payload);
}
inline std::string compressed(std::string_view deflated, bool fin = true) {
  return frame({.opcode = Opcode::kText, .fin = fin, .rsv1 = true}, deflated);
}

// What was heard: "text:hello", "binary:…", "ping:…", "pong:…", "close:1000:bye", "error:1002".
using Events = std::vector<std::string>;

class Recorder final : public Receiver {
 public:
  explicit Recorder(size_t events_max = SIZE_MAX) : events_max_(events_max) {}

  bool on_message(Opcode opcode, std::string_view payload) override {
    return add(opcode == Opcode::kText ? "text:" : "binary:", payload);
  }
  bool on_ping(std::string_view payload) override { return add("ping:", payload); }
  bool on_pong(std::string_view payload) override { return add("pong:", payload); }
  void on_close(uint16_t code, std::string_view reason) override {
    add("close:" + std::to_string(code) + ":", reason);
  }
  void on_error(CloseCode code, std::string_view reason) override {
    add("error:" + std::to_string(static_cast<int>(code)), {});
    error_reason = reason;
  }

  Events events;
  std::string error_reason;

 private:
  bool add(const std::string& what, std::string_view payload) {
    events.push_back(what + std::string(payload));
    return events.size() < events_max_;
  }
  size_t events_max_;
};

// Feeds each piece from a copy of its own of just its size, so that a sanitizer sees any look
// beyond it.
inline Events decode_pieces(const std::vector<std::string_view>& pieces, const Options& options) {
  CoreScratch scratch;
  Decoder decoder;
  Recorder recorder;
  for (std::string_view piece : pieces) {
    std::vector<char> bytes(piece.begin(), piece.end());
    decoder.feed(bytes, options, scratch, recorder);
  }
  return recorder.events;
}

inline Events decode(std::string_view bytes, const Options& options = {}) {
  return decode_pieces({bytes}, options);
}

inline Events decode_bytewise(std::string_view bytes, const Options& options = {}) {
  std::vector<std::string_view> pieces;
  for (size_t i = 0; i < bytes.size(); ++i) pieces.push_back(bytes.substr(i, 1));
  return decode_pieces(pieces, options);
}

}  // namespace millrace::websocket::testing
