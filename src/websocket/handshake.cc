#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "websocket/extensions.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// A guess that holds for one with subprotocol and extension.
constexpr size_t kResponseBytes = 320;

std::unexpected<HandshakeError> refuse(int status, std::string_view reason) {
  return std::unexpected(HandshakeError{status, reason});
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return x == y || lower(x) == lower(y);
         });
}

std::string_view trim(std::string_view text) {
  constexpr auto kBlank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && kBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && kBlank(text.back())) text.remove_suffix(1);
  return text;
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

template <auto Function>
struct FreeBy {
  void operator()(auto* object) const { Function(object); }
};

// SHA-1 with an implementation that is looked up once a thread: the one-shot functions look for it
// at each call, which costs more than to hash a key.
class Sha1 {
 public:
  using Digest = std::array<unsigned char, SHA_DIGEST_LENGTH>;

  static Sha1& of_thread() {
    thread_local Sha1 sha1;
    return sha1;
  }

  // nullopt where OpenSSL has no SHA-1 (its configuration may forbid it), or no memory.
  std::optional<Digest> digest(std::string_view text, std::string_view more) {
    Digest digest;
    if (algorithm_ && context_ &&
        ::EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
        ::EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1 &&
        ::EVP_DigestUpdate(context_.get(), more.data(), more.size()) == 1 &&
        ::EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1) {
      return digest;
    }
    ::ERR_clear_error();
    return std::nullopt;
  }

 private:
  std::unique_ptr<EVP_MD, FreeBy<EVP_MD_free>> algorithm_{::EVP_MD_fetch(nullptr, "SHA1", nullptr)};
  std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>> context_{::EVP_MD_CTX_new()};
};

std::string_view choose_protocol(std::string_view offered, std::span<const std::string_view> ours) {
  for (std::string_view protocol : ours) {
    if (list_has(offered, [&](std::string_view element) { return element == protocol; }))
      return protocol;
  }
  return {};
}

}  // namespace

std::string accept_key(std::string_view key) {
  const std::optional<Sha1::Digest> digest = Sha1::of_thread().digest(key, kGuid);
  if (!digest) return {};
  unsigned char text[4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1];
  const int size = ::EVP_EncodeBlock(text, digest->data(), SHA_DIGEST_LENGTH);
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

  const std::string accept = accept_key(key);
  if (accept.empty()) return refuse(500, "SHA-1 is not available");

  Handshake handshake;
  handshake.protocol = choose_protocol(request.protocols, options.protocols);
  handshake.response.reserve(kResponseBytes);
  handshake.response +=
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  handshake.response += accept;
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
