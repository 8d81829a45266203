#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

#include "websocket/extensions.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::unexpected<HandshakeError> refuse(int status, std::string_view reason) {
  return std::unexpected(HandshakeError{status, reason});
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Whether the comma-separated list has an element that `matches`.
template <class F>
bool list_has(std::string_view list, F&& matches) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (matches(trim(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool list_has_word(std::string_view list, std::string_view word) {
  return list_has(list,
                  [&](std::string_view element) { return equal_ignoring_case(element, word); });
}

// 16 bytes in base64 (section 4.1): 22 digits and two pads.
bool valid_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::ranges::all_of(key.substr(0, 22), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

std::string_view choose_protocol(std::string_view offered, std::span<const std::string_view> ours) {
  for (std::string_view protocol : ours) {
    if (list_has(offered, [&](std::string_view element) { return element == protocol; }))
      return protocol;
  }
  return {};
}

}  // namespace

std::string accept_key(std::string_view key) {
  std::string input(key);
  input += kGuid;
  unsigned char digest[SHA_DIGEST_LENGTH];
  ::SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest);
  unsigned char text[4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1];
  const int size = ::EVP_EncodeBlock(text, digest, SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(size)};
}

std::expected<Handshake, HandshakeError> accept_handshake(const HandshakeRequest& request,
                                                          const HandshakeOptions& options) {
  if (request.method != "GET") return refuse(405, "a WebSocket begins with a GET request");
  if (!request.http_1_1) return refuse(400, "a WebSocket needs HTTP/1.1");
  if (!list_has_word(request.upgrade, "websocket"))
    return refuse(400, "the Upgrade header does not name websocket");
  if (!list_has_word(request.connection, "upgrade"))
    return refuse(400, "the Connection header does not name Upgrade");
  if (trim(request.version) != "13") return refuse(426, "only WebSocket version 13 is supported");
  const std::string_view key = trim(request.key);
  if (!valid_key(key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  const auto deflate = negotiate_deflate(request.extensions, options.deflate_window_bits_min);
  if (!deflate) return refuse(400, "malformed Sec-WebSocket-Extensions");

  Handshake handshake;
  handshake.protocol = choose_protocol(request.protocols, options.protocols);
  handshake.response =
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  handshake.response += accept_key(key);
  if (!handshake.protocol.empty()) {
    handshake.response += "\r\nSec-WebSocket-Protocol: ";
    handshake.response += handshake.protocol;
  }
  if (options.deflate && deflate->accepted) {
    handshake.deflate = true;
    handshake.deflate_window_bits = deflate->server_window_bits;
    handshake.response += "\r\nSec-WebSocket-Extensions: ";
    handshake.response += deflate->response;
  }
  handshake.response += "\r\n\r\n";
  return handshake;
}

}  // namespace millrace::websocket
