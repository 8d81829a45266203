#include "base/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::base {
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

std::optional<std::string> decode(const Table& table, std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(decoded_size(text.size()));
  uint32_t bits = 0;
  unsigned count = 0;  // of bits that wait
  for (const char c : text) {
    const uint8_t value = table[static_cast<uint8_t>(c)];
    if (value == kForeign) return std::nullopt;
    bits = (bits << 6U) | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(static_cast<uint8_t>(bits >> count)));
    bits &= (1U << count) - 1;
  }
  if (bits != 0) return std::nullopt;
  return out;
}

void append(std::string_view alphabet, std::string& out, std::string_view bytes) {
  uint32_t bits = 0;
  unsigned count = 0;  // of bits that wait
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) out += alphabet[(bits >> (count - 6)) & 0x3FU];
    bits &= (1U << count) - 1;
  }
  if (count > 0) out += alphabet[(bits << (6 - count)) & 0x3FU];
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  return decode(kStandardTable, text);
}

void append_base64(std::string& out, std::string_view bytes) {
  append(kStandardAlphabet, out, bytes);
  out.append((3 - bytes.size() % 3) % 3, '=');
}

std::optional<std::string> decode_base64url(std::string_view text) {
  return decode(kUrlTable, text);
}

void append_base64url(std::string& out, std::string_view bytes) {
  append(kUrlAlphabet, out, bytes);
}

}  // namespace millrace::base
