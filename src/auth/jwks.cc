#include "auth/jwks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "auth/auth.h"
#include "base/base64.h"

namespace millrace::auth {
namespace {

std::unexpected<base::Error> invalid(std::string why) {
  return base::fail(base::ErrorCode::kInvalid, std::move(why));
}

// A key's members that matter, as texts: all of them are strings (RFC 7518, section 6).
struct Members {
  std::string kty{}, kid{}, use{}, alg{}, crv{}, n{}, e{}, x{}, y{};
};

// False: one of them is not a string, so that the key is left out.
bool read_members(JsonObject object, Members& members) {
  const std::array<std::pair<std::string_view, std::string*>, 9> texts = {{{"kty", &members.kty},
                                                                           {"kid", &members.kid},
                                                                           {"use", &members.use},
                                                                           {"alg", &members.alg},
                                                                           {"crv", &members.crv},
                                                                           {"n", &members.n},
                                                                           {"e", &members.e},
                                                                           {"x", &members.x},
                                                                           {"y", &members.y}}};
  return each_member(object, [&](std::string_view name, JsonValue value) {
    return std::ranges::all_of(texts, [&](const auto& known) {
      return name != known.first || read_string(value, *known.second);
    });
  });
}

struct Curve {
  std::string_view name;  // as a JWK has it
  const char* openssl_name;
  size_t coordinate_bytes;
};
constexpr std::array<Curve, 3> kCurves = {
    {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}}};

base::Result<PublicKey> rsa_key(const Members& members) {
  const auto n = base::decode_base64url(members.n);
  const auto e = base::decode_base64url(members.e);
  if (!n || !e) return invalid("has malformed numbers");
  return PublicKey::rsa(*n, *e);
}

base::Result<PublicKey> ecdsa_key(const Members& members) {
  const auto x = base::decode_base64url(members.x);
  const auto y = base::decode_base64url(members.y);
  for (const Curve& curve : kCurves) {
    if (curve.name != members.crv) continue;
    const size_t bytes = curve.coordinate_bytes;
    if (!x || !y || x->size() != bytes || y->size() != bytes)
      return invalid("has malformed coordinates");
    return PublicKey::ecdsa(curve.openssl_name, *x, *y);
  }
  return invalid("is on an unknown curve");
}

base::Result<PublicKey> ed25519_key(const Members& members) {
  const auto x = base::decode_base64url(members.x);
  if (members.crv != "Ed25519" || !x) return invalid("is not an Ed25519 key");
  return PublicKey::ed25519(*x);
}

base::Result<PublicKey> key_of(const Members& members) {
  if (members.kid.empty()) return invalid("has no kid");
  if (!members.use.empty() && members.use != "sig") return invalid("is for another use");
  if (members.kty == "RSA") return rsa_key(members);
  if (members.kty == "EC") return ecdsa_key(members);
  if (members.kty == "OKP") return ed25519_key(members);
  return invalid("is of an unknown type");
}

// The array `keys` of the set.
std::optional<JsonArray> find_keys(JsonObject set) {
  for (auto member : set) {
    std::string_view name;
    JsonValue value;
    JsonArray keys;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS ||
        member.value().get(value) != simdjson::SUCCESS)
      return std::nullopt;
    if (name != "keys") continue;
    if (value.get_array().get(keys) != simdjson::SUCCESS) return std::nullopt;
    return keys;
  }
  return std::nullopt;
}

}  // namespace

base::Result<KeySet> KeySet::parse(std::string_view text, JsonReader& json) {
  if (text.size() > kJwksBytesMax) return invalid("it is too large");
  base::Result<JsonObject> object = json.object(simdjson::padded_string(text));
  if (!object) return invalid("it is not a JSON object: " + object.error().message);
  std::optional<JsonArray> keys = find_keys(*object);
  if (!keys) return invalid("it has no array of keys");
  KeySet set;
  size_t count = 0;
  for (auto element : *keys) {
    JsonObject member;
    Members members;
    if (++count > kJwksKeysMax) return invalid("it has too many keys");
    if (element.get_object().get(member) != simdjson::SUCCESS) return invalid("a key is no object");
    if (!read_members(member, members)) continue;
    base::Result<PublicKey> key = key_of(members);
    if (key) set.keys_.push_back({std::move(members.kid), std::move(members.alg), std::move(*key)});
  }
  return set;
}

const PublicKey* KeySet::find(std::string_view key_id, const Algorithm& algorithm) const {
  for (const Named& named : keys_) {
    const bool allowed = named.algorithm.empty() || named.algorithm == algorithm.name;
    if (named.id == key_id && allowed && named.key.fits(algorithm)) return &named.key;
  }
  return nullptr;
}

}  // namespace millrace::auth
