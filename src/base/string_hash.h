// Hashing and comparing strings for tables that are looked up with views: no temporary string for a
// look-up.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace millrace::base {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

using StringEqual = std::equal_to<>;

}  // namespace millrace::base
