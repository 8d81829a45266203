// Base64 with the standard alphabet and padding (RFC 4648, section 4), for payloads that are not
// JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::api {

// nullopt for anything but what append_base64() would have written.
std::optional<std::string> decode_base64(std::string_view text);
void append_base64(std::string& out, std::string_view bytes);

}  // namespace millrace::api
