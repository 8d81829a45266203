#include "bench/stamp.h"

#include <bit>

#include <array>

#include "base/assert.h"
#include "base/random.h"

namespace millrace::bench {

static_assert(std::endian::native == std::endian::little, "digits are read as one word");
static_assert(kMarker.size() == 8);

namespace {

// Words of the language, the common ones first and more often: compressed, it becomes about as
// much shorter as what people write.
void append_text(std::string& out, size_t bytes) {
  static constexpr std::array<std::string_view, 64> kWords = {
      "the",     "to",       "and",      "a",         "of",        "is",       "in",
      "you",     "it",       "for",      "that",      "on",        "we",       "this",
      "with",    "not",      "are",      "be",        "have",      "at",       "will",
      "can",     "from",     "new",      "your",      "order",     "please",   "message",
      "today",   "time",     "price",    "update",    "channel",   "which",    "there",
      "before",  "account",  "between",  "morning",   "delivery",  "because",  "another",
      "report",  "question", "shipment", "customer",  "available", "station",  "weather",
      "through", "minutes",  "company",  "evening",   "product",   "reached",  "platform",
      "changed", "against",  "meeting",  "different", "following", "position", "together",
      "invoice"};
  constexpr uint64_t kSeed = 4;
  base::Prng random(kSeed);
  const size_t end = out.size() + bytes;
  while (out.size() < end) {
    const uint64_t most = random.below(kWords.size()) + 1;
    out.append(kWords[random.below(most)]).append(random.below(8) == 0 ? ", " : " ");
  }
  out.resize(end);
}

}  // namespace

PayloadMaker::PayloadMaker(size_t bytes, std::string_view prefix) {
  MILLRACE_ASSERT(bytes >= kPayloadBytesMin + prefix.size());
  text_ = std::string(prefix) + R"({"m":")" + std::string(kMarker);
  stamp_at_ = text_.size() - kMarker.size();
  text_.resize(stamp_at_ + kStampBytes);
  append_text(text_, bytes - 2 - text_.size());
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
