#include "delta/format.h"

#include <array>
#include <bit>
#include <cstring>

namespace millrace::delta {
namespace {

constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
static_assert(kDigits.size() == 64);

constexpr uint8_t kNoDigit = 64;

// By character: the digit's value, or kNoDigit.
constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  }
  return values;
}();

uint32_t big_endian_word(const char* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return std::endian::native == std::endian::little ? __builtin_bswap32(word) : word;
}

}  // namespace

size_t integer_digits(uint32_t value) {
  return value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 5) / 6;
}

void append_integer(std::string& out, uint32_t value) {
  size_t place = out.size() + integer_digits(value);
  out.resize(place);
  do {
    out[--place] = kDigits[value % 64];
    value /= 64;
  } while (value != 0);
}

bool read_integer(std::string_view& text, uint32_t& value) {
  uint64_t read = 0;
  size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const uint8_t digit = kValues[static_cast<uint8_t>(text[digits])];
    if (digit == kNoDigit) break;
    read = read * 64 + digit;
    if (read > UINT32_MAX) return false;
  }
  if (digits == 0) return false;
  text.remove_prefix(digits);
  value = static_cast<uint32_t>(read);
  return true;
}

uint32_t checksum(std::string_view bytes) {
  uint32_t sum = 0;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= sizeof(uint32_t); left -= sizeof(uint32_t), at += sizeof(uint32_t)) {
    sum += big_endian_word(at);
  }
  if (left == 0) return sum;
  char last[sizeof(uint32_t)] = {};
  std::memcpy(last, at, left);
  return sum + big_endian_word(last);
}

}  // namespace millrace::delta
