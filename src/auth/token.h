// The outer form of a token: JWS compact serialization (RFC 7515, section 3.1), three parts of
// base64url with dots between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "auth/json.h"
#include "base/result.h"

namespace millrace::auth {

// Which kind of key an algorithm needs. A key is used for the algorithms of its own kind only, so
// that nobody can pass off a public key as an HMAC secret (RFC 8725, section 2.1).
enum class KeyKind : uint8_t { kHmac, kRsa, kEcdsa, kEd25519 };

struct Algorithm {
  std::string_view name;
  KeyKind kind;
  const char* digest;      // OpenSSL's name; null: the algorithm has its own
  const char* curve;       // of an ECDSA key, OpenSSL's name; null for other kinds
  size_t signature_bytes;  // 0: as many as the key has
};

// The one that a header names, or null: `none` is none of them.
const Algorithm* find_algorithm(std::string_view name);

struct Token {
  const Algorithm* algorithm = nullptr;
  std::string key_id{};            // `kid`; "": none
  std::string_view signed_part{};  // header and payload as they came: a view of the token
  simdjson::padded_string payload{};
  std::string signature{};
};

// Takes the token apart. Its payload is not looked at, and nothing of it is to be believed yet.
base::Result<Token> parse_token(std::string_view text, JsonReader& json);

}  // namespace millrace::auth
