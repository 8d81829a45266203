// Writing JSON text: the few things that everyone who writes a line of it needs. Reading JSON is
// protocol/'s and simdjson's.
#pragma once

#include <string>
#include <string_view>

namespace millrace::base {

// Appends `text` (UTF-8) as a JSON string, quotes included (RFC 8259, section 7). Bytes that are
// not valid UTF-8 are written as U+FFFD, so that the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace millrace::base
