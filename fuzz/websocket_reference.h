// A WebSocket decoder that takes one byte after another and writes the RFC down: what the fast one
// must agree with, event for event, wherever the bytes end and however they were cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inflate_reference.h"
#include "websocket/websocket.h"

namespace millrace::fuzz {

using Events = std::vector<std::string>;

class WebsocketReference {
 public:
  WebsocketReference(std::string_view bytes, const websocket::Options& options)
      : bytes_(bytes), options_(options) {}

  Events run() {
    try {
      for (;;) frame();
    } catch (const End&) {
      return events_;
    }
  }

 private:
  struct End {};  // of the bytes, or of the connection

  uint8_t next() {
    if (at_ == bytes_.size()) throw End{};
    return static_cast<uint8_t>(bytes_[at_++]);
  }

  void require(bool condition, int code = 1002) {
    if (condition) return;
    events_.push_back("error:" + std::to_string(code));
    throw End{};
  }

  void frame() {
    const uint8_t first = next();
    const bool fin = (first & 0x80) != 0;
    const bool rsv1 = (first & 0x40) != 0;
    const int opcode = first & 0x0F;
    const bool control = opcode >= 8;
    require((first & 0x30) == 0);
    require(opcode <= 2 || (opcode >= 8 && opcode <= 10));
    require(!rsv1 || (options_.deflate && (opcode == 1 || opcode == 2)));
    require(!control || fin);
    require(control || (opcode == 0) == (fragments_ > 0));
    if (!control) {
      require(++fragments_ <= options_.message_fragments_max, 1009);
      if (opcode != 0) {
        text_ = opcode == 1;
        deflated_ = rsv1;
      }
    }
    const uint64_t size = length(control);
    std::string key;
    for (int i = 0; i < 4; ++i) key += static_cast<char>(next());

    std::string payload;
    for (uint64_t i = 0; i < size; ++i) {
      const auto byte = static_cast<char>(next() ^ static_cast<uint8_t>(key[i % 4]));
      if (control) {
        payload += byte;
        continue;
      }
      message_ += byte;
      if (text_ && !deflated_) require(text_goes_on(character_, byte), 1007);
    }
    if (control) return control_frame(opcode, payload);
    if (fin) end_message();
  }

  uint64_t length(bool control) {
    const uint8_t second = next();
    require((second & 0x80) != 0);
    uint64_t size = second & 0x7F;
    require(!control || size <= 125);
    const int more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) {
      size = 0;
      for (int i = 0; i < more; ++i) size = size << 8 | next();
      require(size >> 63 == 0);
      require(size > (more == 2 ? 125U : 65'535U));
    }
    if (control) return size;
    uint64_t max = options_.message_bytes_max;
    if (deflated_) max += max / 8 + max / 64 + 64;
    require(size <= max && message_.size() + size <= max, 1009);
    return size;
  }

  void control_frame(int opcode, const std::string& payload) {
    if (opcode == 9) return events_.push_back("ping:" + payload);
    if (opcode == 10) return events_.push_back("pong:" + payload);
    if (payload.empty()) {
      events_.push_back("close:1005:");
      throw End{};
    }
    require(payload.size() >= 2);
    const int code = static_cast<uint8_t>(payload[0]) * 256 + static_cast<uint8_t>(payload[1]);
    require((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
            (code >= 3000 && code <= 4999));
    require(is_text(payload.substr(2)), 1007);
    events_.push_back("close:" + std::to_string(code) + ":" + payload.substr(2));
    throw End{};
  }

  void end_message() {
    if (deflated_) {
      try {
        message_ = InflateReference(message_, options_.message_bytes_max).run();
      } catch (const TooBig&) {
        require(false, 1009);
      } catch (const Corrupt&) {
        require(false, 1007);
      }
    }
    require(!text_ || is_text(message_), 1007);
    events_.push_back((text_ ? "text:" : "binary:") + message_);
    message_.clear();
    fragments_ = 0;
  }

  static bool is_text(std::string_view bytes) {
    std::string character;
    for (char byte : bytes) {
      if (!text_goes_on(character, byte)) return false;
    }
    return character.empty();
  }

  // Unicode's table 3-7: whether some row begins with `character` and `byte`. A character that is
  // complete is dropped.
  static bool text_goes_on(std::string& character, char byte) {
    struct Range {
      uint8_t low, high;
    };
    static const std::vector<std::vector<Range>> kRows = {
        {{0x00, 0x7F}},
        {{0xC2, 0xDF}, {0x80, 0xBF}},
        {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}},
        {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}},
        {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}},
        {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}},
        {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
        {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}},
        {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}},
    };
    character += byte;
    for (const std::vector<Range>& row : kRows) {
      bool fits = character.size() <= row.size();
      for (size_t i = 0; fits && i < character.size(); ++i) {
        const auto value = static_cast<uint8_t>(character[i]);
        fits = value >= row[i].low && value <= row[i].high;
      }
      if (!fits) continue;
      if (character.size() == row.size()) character.clear();
      return true;
    }
    return false;
  }

  std::string_view bytes_;
  websocket::Options options_;
  size_t at_ = 0;
  Events events_;

  size_t fragments_ = 0;  // of the current message; 0: there is none
  bool text_ = false;
  bool deflated_ = false;
  std::string message_;
  std::string character_;  // the beginning of one that is not complete
};

// What the decoder of src/ says. Each piece is given from memory of just its size.
class EventRecorder final : public websocket::Receiver {
 public:
  bool on_message(websocket::Opcode opcode, std::string_view payload) override {
    return add(opcode == websocket::Opcode::kText ? "text:" : "binary:", payload);
  }
  bool on_ping(std::string_view payload) override { return add("ping:", payload); }
  bool on_pong(std::string_view payload) override { return add("pong:", payload); }
  void on_close(uint16_t code, std::string_view reason) override {
    add("close:" + std::to_string(code) + ":", reason);
  }
  void on_error(websocket::CloseCode code, std::string_view) override {
    add("error:" + std::to_string(static_cast<int>(code)), {});
  }

  Events events;

 private:
  bool add(const std::string& what, std::string_view payload) {
    events.push_back(what + std::string(payload));
    return true;
  }
};

// `piece_bytes()` says how many bytes the next piece has, at least 1.
template <class F>
Events decode_in_pieces(std::string_view bytes, const websocket::Options& options,
                        websocket::CoreScratch& scratch, F&& piece_bytes) {
  websocket::Decoder decoder;
  EventRecorder recorder;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), piece_bytes());
    std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    decoder.feed(piece, options, scratch, recorder);
    bytes.remove_prefix(size);
  }
  return recorder.events;
}

}  // namespace millrace::fuzz
