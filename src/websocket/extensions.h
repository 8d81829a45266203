// Sec-WebSocket-Extensions (RFC 6455, section 9.1) and which offer of permessage-deflate we take
// (RFC 7692, section 7.1).
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace millrace::websocket {

struct DeflateAgreement {
  bool accepted = false;
  int server_window_bits = 15;
  std::string response;  // the header's value; empty unless accepted
};

struct MalformedHeader {};

// Takes the first offer whose parameters are all known, well-formed and can be met with a window of
// at least 2^`window_bits_min` bytes. The grammar of the whole list is checked: section 9.1 fails
// the connection over it.
std::expected<DeflateAgreement, MalformedHeader> negotiate_deflate(std::string_view header,
                                                                   int window_bits_min);

// RFC 7230: tchar and token.
bool is_token_char(char c);

}  // namespace millrace::websocket
