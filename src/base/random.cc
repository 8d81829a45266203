#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace millrace::base {

uint64_t Random::next_u64() {
  std::array<uint8_t, 8> bytes{};
  fill(bytes);
  return std::bit_cast<uint64_t>(bytes);
}

uint64_t Random::below(uint64_t bound) {
  MILLRACE_DEBUG_ASSERT(bound > 0);
  // Numbers at the top that would favour the low remainders are drawn again.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t drawn = next_u64();
  while (drawn >= limit) drawn = next_u64();
  return drawn % bound;
}

void OsRandom::fill(std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    if (used_ == block_.size()) {
      size_t got = 0;
      while (got < block_.size()) {
        const ssize_t n = ::getrandom(block_.data() + got, block_.size() - got, 0);
        if (n > 0) got += static_cast<size_t>(n);
      }
      used_ = 0;
    }
    const size_t count = std::min(bytes.size(), block_.size() - used_);
    std::memcpy(bytes.data(), block_.data() + used_, count);
    used_ += count;
    bytes = bytes.subspan(count);
  }
}

Prng::Prng(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15U;
    uint64_t z = seed;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    word = z ^ (z >> 31U);
  }
}

uint64_t Prng::step() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void Prng::fill(std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const uint64_t word = step();
    const size_t count = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, count);
    bytes = bytes.subspan(count);
  }
}

Uuid make_uuid(Random& random) {
  Uuid uuid{};
  random.fill(uuid);
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0FU) | 0x40U);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3FU) | 0x80U);
  return uuid;
}

namespace {

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

std::string to_string(const Uuid& uuid) {
  std::array<char, 36> text;
  size_t at = 0;
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    text[at++] = kHex[uuid[i] >> 4U];
    text[at++] = kHex[uuid[i] & 0x0FU];
  }
  return {text.data(), text.size()};
}

bool spells(std::string_view text, const Uuid& uuid) {
  if (text.size() != 36) return false;
  size_t at = 0;
  for (size_t i = 0; i < uuid.size(); ++i) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return false;
    if (text[at] != kHex[uuid[i] >> 4U] || text[at + 1] != kHex[uuid[i] & 0x0FU]) return false;
    at += 2;
  }
  return true;
}

}  // namespace millrace::base
