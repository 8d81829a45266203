// One pass over the payload in the compiler's vectors, 64 bytes a step, with AVX2 where the machine
// has it and the payload is long enough to repay the choice. The end is done with loads that
// overlap the last whole step: taken before that step stores, stored after it, so there is no loop
// over single bytes from 4 bytes up.
#include "websocket/unmask.h"

#include <cstring>

namespace millrace::websocket {
namespace {

template <class V>
V load(const char* from) {
  V value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <class V>
[[gnu::always_inline]] inline void store(char* to, const V& value) {
  std::memcpy(to, &value, sizeof(value));
}

constexpr uint64_t twice(uint32_t key) {
  return uint64_t{key} << 32 | key;
}
constexpr uint64_t kHighBits = 0x8080'8080'8080'8080;

// From sizeof(V) up to twice that: the first V and the last, which may overlap.
template <class V>
uint64_t unmask_ends(char* data, size_t size, uint32_t key) {
  const auto pattern = static_cast<V>(twice(key));
  const auto last_pattern = static_cast<V>(twice(key_at(key, size)));
  const V first = load<V>(data) ^ pattern;
  const V last = load<V>(data + size - sizeof(V)) ^ last_pattern;
  store(data, first);
  store(data + size - sizeof(V), last);
  return uint64_t{first} | uint64_t{last};
}

uint64_t unmask_short(char* data, size_t size, uint32_t key) {
  if (size >= 8) return unmask_ends<uint64_t>(data, size, key);
  if (size >= 4) return unmask_ends<uint32_t>(data, size, key);
  uint64_t seen = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte =
        static_cast<uint8_t>(static_cast<uint8_t>(data[i]) ^ static_cast<uint8_t>(key_at(key, i)));
    data[i] = static_cast<char>(byte);
    seen |= byte;
  }
  return seen;
}

// Vectors are passed by reference: by value, those of AVX2 would depend on what their caller was
// compiled for.
template <class Words>
[[gnu::always_inline]] inline void load_unmasked(Words& to, const char* from,
                                                 const Words& pattern) {
  std::memcpy(&to, from, sizeof(to));
  to ^= pattern;
}

using Words16 = uint64_t __attribute__((vector_size(16)));
using Words32 = uint64_t __attribute__((vector_size(32)));

// size >= sizeof(Words).
template <class Words>
[[gnu::always_inline]] inline uint64_t unmask_words(char* data, size_t size, uint32_t key) {
  constexpr size_t kWidth = sizeof(Words);
  const Words pattern = Words{} + twice(key);
  const Words last_pattern = Words{} + twice(key_at(key, size));
  char* const end = data + size;
  Words last;
  load_unmasked(last, end - kWidth, last_pattern);
  Words seen = last;
  // The last vector, or what of it is missing, is `last`'s.
  for (; static_cast<size_t>(end - data) > 4 * kWidth; data += 4 * kWidth) {
    Words a, b, c, d;
    load_unmasked(a, data, pattern);
    load_unmasked(b, data + kWidth, pattern);
    load_unmasked(c, data + 2 * kWidth, pattern);
    load_unmasked(d, data + 3 * kWidth, pattern);
    store(data, a);
    store(data + kWidth, b);
    store(data + 2 * kWidth, c);
    store(data + 3 * kWidth, d);
    seen |= (a | b) | (c | d);
  }
  for (; static_cast<size_t>(end - data) > kWidth; data += kWidth) {
    Words words;
    load_unmasked(words, data, pattern);
    store(data, words);
    seen |= words;
  }
  store(end - kWidth, last);
  uint64_t any = 0;
  for (size_t i = 0; i < kWidth / sizeof(uint64_t); ++i) any |= seen[i];
  return any;
}

#if defined(__x86_64__)
constexpr size_t kAvx2BytesMin = 256;

[[gnu::target("avx2")]] uint64_t unmask_avx2(char* data, size_t size, uint32_t key) {
  return unmask_words<Words32>(data, size, key);
}

// Read once, before main: the compiler's own answer is a load from memory, but needs a constructor
// to have run.
const bool kHasAvx2 = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}();
#endif

}  // namespace

bool unmask(std::span<char> bytes, uint32_t key) {
  const size_t size = bytes.size();
  uint64_t seen;
  if (size < sizeof(Words16)) {
    seen = unmask_short(bytes.data(), size, key);
#if defined(__x86_64__)
  } else if (size >= kAvx2BytesMin && kHasAvx2) {
    seen = unmask_avx2(bytes.data(), size, key);
#endif
  } else {
    seen = unmask_words<Words16>(bytes.data(), size, key);
  }
  return (seen & kHighBits) == 0;
}

}  // namespace millrace::websocket
