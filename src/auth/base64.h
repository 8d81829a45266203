// Base64 (RFC 4648), strict: one text for each value and no other. Text with a foreign character,
// white space, wrong padding, or bits set behind the last byte is refused, so that nobody can make
// a second spelling of a signed token.
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

namespace millrace::auth {

// Base64url without padding (RFC 7515, section 2). False: it is not that, and `out` means nothing.
bool decode_base64url(std::string_view text, std::string& out);
// The same, into a text that simdjson can read in place.
bool decode_base64url(std::string_view text, simdjson::padded_string& out);

// Standard base64 with padding, as `b64info` has it.
bool decode_base64(std::string_view text, std::string& out);

void append_base64url(std::string& out, std::string_view bytes);

}  // namespace millrace::auth
