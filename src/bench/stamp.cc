#include "bench/stamp.h"

#include <bit>

#include "base/assert.h"

namespace millrace::bench {

static_assert(std::endian::native == std::endian::little, "digits are read as one word");
static_assert(kMarker.size() == 8);

PayloadMaker::PayloadMaker(size_t bytes, std::string_view prefix) {
  MILLRACE_ASSERT(bytes >= kPayloadBytesMin + prefix.size());
  text_ = std::string(prefix) + R"({"m":")" + std::string(kMarker);
  stamp_at_ = text_.size() - kMarker.size();
  text_.resize(bytes - 2, 'x');
  text_ += R"("})";
}

std::string_view PayloadMaker::make(const Stamp& stamp) {
  char* at = text_.data() + stamp_at_;
  const auto time = static_cast<uint64_t>(stamp.time_ns);
  stamp_digits::write8(at + 8, stamp.stream);
  stamp_digits::write8(at + 16, stamp.sequence);
  stamp_digits::write8(at + 24, stamp.slot);
  stamp_digits::write8(at + 32, static_cast<uint32_t>(time));
  stamp_digits::write8(at + 40, static_cast<uint32_t>(time >> 32));
  return text_;
}

}  // namespace millrace::bench
