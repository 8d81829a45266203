// The command-line flags that set a key: one table for the parser and for the help text.
#pragma once

#include <span>
#include <string_view>

namespace millrace::config {

struct KeyFlag {
  std::string_view name;        // "--port"
  std::string_view short_name;  // "-p", or ""
  std::string_view argument;    // what the help text calls its value
  std::string_view key;
  std::string_view text;
};

std::span<const KeyFlag> key_flags();

}  // namespace millrace::config
