// Deltas, both ways: what is encoded makes the round trip and saves what it should, in a bounded
// number of steps; and applying any patch at all reads nothing outside of its input.
//
// The first byte says which: 0 to 2 take the rest as source and target, joined by the first 0xFF
// (which no UTF-8 has); 3 takes it as source and patch.
#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "delta/delta.h"

namespace {

using namespace millrace;

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

void check_encoder(std::string_view source, std::string_view target, delta::Text text) {
  static delta::Encoder encoder;
  const auto patch = encoder.create(source, target, text);
  MILLRACE_ASSERT(encoder.steps() <= 64 * (source.size() + target.size()) + 64);
  if (!patch) return;
  MILLRACE_ASSERT(patch->size() + delta::kMarkBytes < target.size());
  const auto applied = delta::apply(source, *patch);
  MILLRACE_ASSERT(applied.has_value());
  MILLRACE_ASSERT(*applied == target);
  if (text == delta::Text::kUtf8 && is_utf8(source) && is_utf8(target)) {
    MILLRACE_ASSERT(is_utf8(*patch));
  }
}

void check_apply(std::string_view source, std::string_view patch) {
  constexpr size_t kTargetBytesMax = 4096;
  const auto applied = delta::apply(source, patch, kTargetBytesMax);
  if (applied) MILLRACE_ASSERT(applied->size() <= kTargetBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t border = std::min(input.find('\xFF'), input.size());
  // Copies, so that a sanitizer knows where each ends.
  const std::string first(input.substr(0, border));
  const std::string second(input.substr(std::min(border + 1, input.size())));
  if (data[0] % 4 == 3) {
    check_apply(first, second);
    return 0;
  }
  check_encoder(first, second, delta::Text::kBytes);
  check_encoder(first, second, delta::Text::kUtf8);
  return 0;
}
