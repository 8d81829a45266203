// Randomness, passed in: the operating system's for what must not be guessed, a seeded generator
// where a run must repeat.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace millrace::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<uint8_t> bytes) = 0;

  uint64_t next_u64();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
};

// getrandom(2), read ahead in blocks of 4 KiB. One per core; not thread-safe.
class OsRandom final : public Random {
 public:
  void fill(std::span<uint8_t> bytes) override;

 private:
  std::array<uint8_t, 4096> block_{};
  size_t used_ = 4096;
};

// xoshiro256** seeded with splitmix64: fast, repeatable, predictable. Never for ids that a client
// must not guess.
class Prng final : public Random {
 public:
  explicit Prng(uint64_t seed);
  void fill(std::span<uint8_t> bytes) override;

 private:
  uint64_t step();
  std::array<uint64_t, 4> state_{};
};

// RFC 9562 version 4, as 16 bytes and as its 36 characters.
using Uuid = std::array<uint8_t, 16>;
Uuid make_uuid(Random& random);
std::string to_string(const Uuid& uuid);
// Whether `text` is to_string(uuid).
bool spells(std::string_view text, const Uuid& uuid);

}  // namespace millrace::base
