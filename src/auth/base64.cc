#include "auth/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace millrace::auth {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kForeign = 0xFF;

using Table = std::array<uint8_t, 256>;

constexpr Table table_of(std::string_view alphabet) {
  Table table{};
  table.fill(kForeign);
  for (size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return table;
}

constexpr Table kUrlTable = table_of(kUrlAlphabet);
constexpr Table kStandardTable = table_of(kStandardAlphabet);

// How many bytes `length` characters without padding stand for.
constexpr size_t decoded_size(size_t length) {
  return length / 4 * 3 + (length % 4 == 0 ? 0 : length % 4 - 1);
}

// Writes decoded_size(text.size()) bytes to `out`.
bool decode(const Table& table, std::string_view text, char* out) {
  if (text.size() % 4 == 1) return false;
  uint32_t bits = 0;
  unsigned count = 0;  // of bits that wait
  for (const char c : text) {
    const uint8_t value = table[static_cast<uint8_t>(c)];
    if (value == kForeign) return false;
    bits = (bits << 6U) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *out++ = static_cast<char>(static_cast<uint8_t>(bits >> count));
    bits &= (1U << count) - 1;
  }
  return bits == 0;
}

}  // namespace

bool decode_base64url(std::string_view text, std::string& out) {
  out.resize(decoded_size(text.size()));
  return decode(kUrlTable, text, out.data());
}

bool decode_base64url(std::string_view text, simdjson::padded_string& out) {
  simdjson::padded_string bytes(decoded_size(text.size()));
  if (bytes.data() == nullptr || !decode(kUrlTable, text, bytes.data())) return false;
  out = std::move(bytes);
  return true;
}

bool decode_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  out.resize(decoded_size(text.size()));
  return decode(kStandardTable, text, out.data());
}

void append_base64url(std::string& out, std::string_view bytes) {
  uint32_t bits = 0;
  unsigned count = 0;  // of bits that wait
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) out += kUrlAlphabet[(bits >> (count - 6)) & 0x3FU];
    bits &= (1U << count) - 1;
  }
  if (count > 0) out += kUrlAlphabet[(bits << (6 - count)) & 0x3FU];
}

}  // namespace millrace::auth
