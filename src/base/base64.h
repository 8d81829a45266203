// Base64 (RFC 4648), strict: one text for each value and no other. Text with a foreign character,
// white space, wrong padding, or bits set behind the last byte is refused, so that nobody can make
// a second spelling of a signed token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::base {

// The standard alphabet, with padding (section 4).
std::optional<std::string> decode_base64(std::string_view text);
void append_base64(std::string& out, std::string_view bytes);

// The alphabet for URLs, without padding (section 5, and RFC 7515, section 2).
std::optional<std::string> decode_base64url(std::string_view text);
void append_base64url(std::string& out, std::string_view bytes);

}  // namespace millrace::base
