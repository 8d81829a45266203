// Bytes in tests, written as hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

namespace millrace::protocol {

inline std::string from_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1])));
  }
  return bytes;
}

inline std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const char c : bytes) {
    digits.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
    digits.push_back(kDigits[static_cast<unsigned char>(c) & 0xFU]);
  }
  return digits;
}

}  // namespace millrace::protocol
