// What is in every message that the generator publishes, so that whoever reads it knows which one
// it is and when it was due, without parsing JSON:
//
//   {"m":"~mrb:01~ stream(8) sequence(8) slot(8) time(16) text"}      (without the blanks)
//
// Numbers are written with the sixteen characters @ A ... O, lowest digit first: the low half of
// each character is the digit, so that eight of them are read with three shifts. They are the same
// in JSON, Protobuf and plain text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::bench {

struct Stamp {
  uint32_t stream = 0;    // what the sequence counts: a publisher's messages, or a channel's
  uint32_t sequence = 0;  // from 0
  uint32_t slot = 0;      // in the window; kNoSlot where there is none
  int64_t time_ns = 0;    // when it was sent, or was due to be; monotonic, of this machine
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

inline constexpr uint32_t kNoSlot = 0xFFFF'FFFF;
inline constexpr std::string_view kMarker = "~mrb:01~";
inline constexpr size_t kStampBytes = 8 + 8 + 8 + 8 + 16;
inline constexpr size_t kPayloadBytesMin = kStampBytes + 8;  // {"m":"..."}

namespace stamp_digits {

inline uint32_t read8(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  word &= 0x0F0F'0F0F'0F0F'0F0F;
  word = (word | (word >> 4)) & 0x00FF'00FF'00FF'00FF;
  word = (word | (word >> 8)) & 0x0000'FFFF'0000'FFFF;
  return static_cast<uint32_t>(word | (word >> 16));
}

inline void write8(char* at, uint32_t number) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>('@' | ((number >> (4 * i)) & 0xF));
}

}  // namespace stamp_digits

// `at` is where the marker begins; kStampBytes can be read there.
inline Stamp read_stamp(const char* at) {
  Stamp stamp;
  stamp.stream = stamp_digits::read8(at + 8);
  stamp.sequence = stamp_digits::read8(at + 16);
  stamp.slot = stamp_digits::read8(at + 24);
  const uint64_t low = stamp_digits::read8(at + 32);
  const uint64_t high = stamp_digits::read8(at + 40);
  stamp.time_ns = static_cast<int64_t>(low | (high << 32));
  return stamp;
}

// Finds stamps. Messages of one run look alike, so it looks first where the last one was.
class StampFinder {
 public:
  // The first marker with a whole stamp behind it, or null.
  const char* find(std::string_view text) {
    if (text.size() < kStampBytes) return nullptr;
    const size_t last = text.size() - kStampBytes;
    if (hint_ <= last && std::memcmp(text.data() + hint_, kMarker.data(), kMarker.size()) == 0)
      return text.data() + hint_;
    const size_t at = text.substr(0, last + kMarker.size()).find(kMarker);
    if (at == std::string_view::npos) return nullptr;
    hint_ = at;
    return text.data() + at;
  }

 private:
  size_t hint_ = 0;
};

// Makes payloads of one size, filled up with words.
class PayloadMaker {
 public:
  // At least kPayloadBytesMin. `prefix` comes before the JSON and counts.
  explicit PayloadMaker(size_t bytes, std::string_view prefix = "");

  // Valid until the next call.
  std::string_view make(const Stamp& stamp);

 private:
  std::string text_;
  size_t stamp_at_;
};

}  // namespace millrace::bench
