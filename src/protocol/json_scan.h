// Finding where a JSON string needs attention: its closing quote, an escape, or a control
// character.
//
// Most bytes of most frames are inside strings, so this is the reader's inner loop: 16 bytes at a
// time with SSE2, which every x86-64 has, 8 at a time elsewhere. Both are here so that a test can
// hold one against the other.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::protocol {

constexpr bool stops_string(char c) {
  return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20;
}

// The first byte of [at, end) that stops a string, or `end`.
inline const char* find_string_stop_portable(const char* at, const char* end) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = kOnes * 0x80;
  // A byte's high bit is set in (x - n) & ~x if the byte is below n (n <= 128), or if a lower
  // byte's borrow reached it: exact for the question "is there any?", which is all that is asked
  // here.
  while (end - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const uint64_t quote = word ^ (kOnes * '"');
    const uint64_t backslash = word ^ (kOnes * '\\');
    const uint64_t stops = ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) |
                           ((word - kOnes * 0x20) & ~word);
    if ((stops & kHighBits) != 0) break;
    at += 8;
  }
  while (at != end && !stops_string(*at)) ++at;
  return at;
}

#if defined(__SSE2__)

inline const char* find_string_stop(const char* at, const char* end) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i special =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(special, control)));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
  return find_string_stop_portable(at, end);
}

#else

inline const char* find_string_stop(const char* at, const char* end) {
  return find_string_stop_portable(at, end);
}

#endif

}  // namespace millrace::protocol
