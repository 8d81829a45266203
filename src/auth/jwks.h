// A JSON Web Key set (RFC 7517): the public keys that an identity provider signs with, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/json.h"
#include "auth/keys.h"
#include "auth/token.h"
#include "base/result.h"

namespace millrace::auth {

class KeySet {
 public:
  // Keys that cannot verify a token are left out: other types and curves, other uses, weak or
  // malformed ones, and those without a `kid`. An error: it is not a key set at all, or it has more
  // than kJwksKeysMax keys.
  static base::Result<KeySet> parse(std::string_view text, JsonReader& json);

  // The key of this name that fits the algorithm, or null.
  const PublicKey* find(std::string_view key_id, const Algorithm& algorithm) const;
  size_t size() const { return keys_.size(); }

 private:
  struct Named {
    std::string id;
    std::string algorithm;  // `alg`; "": every one that fits
    PublicKey key;
  };
  std::vector<Named> keys_{};
};

}  // namespace millrace::auth
