// The characters that arrived whole go through simdjson; only those that were cut take the state
// machine, whose table is Unicode's 3-7 (well-formed byte sequences).
#include "websocket/utf8.h"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>

namespace millrace::websocket {
namespace {

constexpr size_t sequence_bytes(uint8_t lead) {
  if (lead < 0xC0) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

// How many bytes at the end belong to a character that goes on behind it. Where the text is not
// valid, any answer does.
size_t cut_bytes(std::string_view bytes) {
  for (size_t back = 1; back <= std::min<size_t>(bytes.size(), 3); ++back) {
    const auto byte = static_cast<uint8_t>(bytes[bytes.size() - back]);
    if (byte >= 0xC0) return sequence_bytes(byte) > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

}  // namespace

bool Utf8Check::add(std::string_view bytes) {
  while (needed_ != 0 && !bytes.empty()) {
    if (!step(static_cast<uint8_t>(bytes.front()))) return false;
    bytes.remove_prefix(1);
  }
  const size_t whole = bytes.size() - cut_bytes(bytes);
  if (!simdjson::validate_utf8(bytes.data(), whole)) return false;
  for (char byte : bytes.substr(whole)) {
    if (!step(static_cast<uint8_t>(byte))) return false;
  }
  return true;
}

bool Utf8Check::step(uint8_t byte) {
  if (needed_ != 0) {
    if (byte < low_ || byte > high_) return false;
    --needed_;
    low_ = 0x80;
    high_ = 0xBF;
    return true;
  }
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4)
    return false;  // a continuation, an overlong form, or past U+10FFFF
  needed_ = static_cast<uint8_t>(sequence_bytes(byte) - 1);
  if (byte == 0xE0) low_ = 0xA0;   // overlong below
  if (byte == 0xED) high_ = 0x9F;  // surrogates above
  if (byte == 0xF0) low_ = 0x90;   // overlong below
  if (byte == 0xF4) high_ = 0x8F;  // past U+10FFFF above
  return true;
}

}  // namespace millrace::websocket
