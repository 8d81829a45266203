// UTF-8 of a text that arrives in pieces: wrong at the first byte with which no valid text can go
// on.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::websocket {

class Utf8Check {
 public:
  // False if `bytes` cannot go on what came before; the check is of no use after that.
  bool add(std::string_view bytes);

  // Whether the text may end here: no character is incomplete.
  bool complete() const { return needed_ == 0; }

 private:
  bool step(uint8_t byte);

  uint8_t needed_ = 0;  // bytes that the current character still lacks
  // What the next of them may be. Only the second byte of a character has bounds of its own.
  uint8_t low_ = 0x80;
  uint8_t high_ = 0xBF;
};

}  // namespace millrace::websocket
