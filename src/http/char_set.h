// A set of bytes, asked for each byte of every head: one look-up, however the set is defined.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace millrace::http {

class CharSet {
 public:
  constexpr explicit CharSet(bool (*is_member)(char)) {
    for (size_t i = 0; i < table_.size(); ++i) table_[i] = is_member(static_cast<char>(i));
  }

  constexpr bool has(char c) const { return table_[static_cast<unsigned char>(c)]; }

  // How many bytes at the text's beginning are in the set.
  constexpr size_t prefix(std::string_view text) const {
    size_t length = 0;
    while (length < text.size() && has(text[length])) ++length;
    return length;
  }

  constexpr bool has_all(std::string_view text) const { return prefix(text) == text.size(); }

 private:
  std::array<bool, 256> table_{};
};

}  // namespace millrace::http
