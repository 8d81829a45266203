// Key sets from strangers: whatever is in one, it is refused or its keys can be used.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "base/assert.h"

namespace {

using namespace millrace;

constexpr std::array<std::string_view, 7> kAlgorithms = {"RS256", "RS512", "ES256", "ES384",
                                                         "ES512", "EdDSA", "HS256"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auth::JsonReader json;
  const auto set = auth::KeySet::parse({reinterpret_cast<const char*>(data), size}, json);
  if (!set) return 0;
  MILLRACE_ASSERT(set->size() <= auth::kJwksKeysMax);
  for (const std::string_view name : kAlgorithms) {
    const auth::Algorithm& algorithm = *auth::find_algorithm(name);
    const auth::PublicKey* const key = set->find("a", algorithm);
    MILLRACE_ASSERT(key == nullptr || algorithm.kind != auth::KeyKind::kHmac);
    const std::string signature(algorithm.signature_bytes, 'x');
    if (key != nullptr) MILLRACE_ASSERT(!key->verify(algorithm, "message", signature));
  }
  return 0;
}
