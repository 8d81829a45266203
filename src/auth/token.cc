#include "auth/token.h"

#include <algorithm>
#include <array>
#include <utility>

#include "auth/auth.h"
#include "base/base64.h"

namespace millrace::auth {
namespace {

// RFC 7518, section 3.1; RFC 8037, section 3.1.
constexpr std::array<Algorithm, 10> kAlgorithms = {{
    {"HS256", KeyKind::kHmac, "SHA256", nullptr, 32},
    {"HS384", KeyKind::kHmac, "SHA384", nullptr, 48},
    {"HS512", KeyKind::kHmac, "SHA512", nullptr, 64},
    {"RS256", KeyKind::kRsa, "SHA256", nullptr, 0},
    {"RS384", KeyKind::kRsa, "SHA384", nullptr, 0},
    {"RS512", KeyKind::kRsa, "SHA512", nullptr, 0},
    {"ES256", KeyKind::kEcdsa, "SHA256", "prime256v1", 64},
    {"ES384", KeyKind::kEcdsa, "SHA384", "secp384r1", 96},
    {"ES512", KeyKind::kEcdsa, "SHA512", "secp521r1", 132},
    {"EdDSA", KeyKind::kEd25519, nullptr, nullptr, 64},
}};

std::unexpected<base::Error> malformed(std::string why) {
  return base::fail(base::ErrorCode::kInvalid, std::move(why));
}

// Fills in what the header says (RFC 7515, section 4.1).
base::Result<> read_header(JsonObject header, Token& token) {
  bool has_algorithm = false;
  bool has_key_id = false;
  for (auto field : header) {
    std::string_view name;
    JsonValue value;
    std::string text;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS ||
        field.value().get(value) != simdjson::SUCCESS)
      return malformed("the header cannot be read");
    if (name == "alg") {
      if (std::exchange(has_algorithm, true) || !read_string(value, text))
        return malformed("the header's alg is not one string");
      token.algorithm = find_algorithm(text);
      if (token.algorithm == nullptr) return malformed("unknown algorithm " + text);
    } else if (name == "kid") {
      if (std::exchange(has_key_id, true) || !read_string(value, token.key_id))
        return malformed("the header's kid is not one string");
    } else if (name == "crit") {
      // Extensions that have to be understood: none is (RFC 7515, section 4.1.11).
      return malformed("the header has crit");
    }
  }
  if (!has_algorithm) return malformed("the header has no alg");
  return {};
}

}  // namespace

const Algorithm* find_algorithm(std::string_view name) {
  const auto* const found = std::ranges::find(kAlgorithms, name, &Algorithm::name);
  return found == kAlgorithms.end() ? nullptr : found;
}

base::Result<Token> parse_token(std::string_view text, JsonReader& json) {
  if (text.size() > kTokenBytesMax) return malformed("longer than a token may be");
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return malformed("not three parts");
  Token token;
  const auto header = base::decode_base64url(text.substr(0, first));
  const auto payload = base::decode_base64url(text.substr(first + 1, second - first - 1));
  auto signature = base::decode_base64url(text.substr(second + 1));
  if (!header || !payload || !signature) return malformed("not base64url");
  token.payload = simdjson::padded_string(*payload);
  token.signature = std::move(*signature);
  token.signed_part = text.substr(0, second);
  base::Result<JsonObject> object = json.object(simdjson::padded_string(*header));
  if (!object) return malformed("the header is not a JSON object: " + object.error().message);
  base::Result<> read = read_header(*object, token);
  if (!read) return base::fail(read);
  return token;
}

}  // namespace millrace::auth
