// DEFLATE (RFC 1951) bit by bit, to be obviously right and no more: what fuzz targets hold the fast
// one against.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace::fuzz {

struct TooBig : std::runtime_error {
  TooBig() : std::runtime_error("too big") {}
};
struct Corrupt : std::runtime_error {
  Corrupt() : std::runtime_error("corrupt") {}
};

// The payload of a message with permessage-deflate (RFC 7692, section 7.2.2). Throws TooBig once
// there are more than `bytes_max` bytes, and Corrupt for what is no DEFLATE stream or refers back
// more than `window` bytes.
class InflateReference {
 public:
  InflateReference(std::string_view payload, size_t bytes_max, size_t window = 32'768)
      : payload_bytes_(payload.size()), bytes_max_(bytes_max), window_(window), input_(payload) {
    input_.append("\x00\x00\xFF\xFF", 4);
  }

  std::string run() {
    if (payload_bytes_ == 0) return {};
    for (;;) {
      const bool last = bit() != 0;
      block();
      if (last) at_ = (at_ + 7) / 8 * 8;
      if (last && at_ == payload_bytes_ * 8) return out_;
      if (!last && at_ == input_.size() * 8) return out_;
    }
  }

 private:
  using Lengths = std::vector<unsigned>;  // of each symbol's code; 0 for one that is not used

  unsigned bit() {
    if (at_ == input_.size() * 8) throw Corrupt();
    const auto byte = static_cast<uint8_t>(input_[at_ / 8]);
    return byte >> (at_++ % 8) & 1U;
  }

  unsigned bits(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) value |= bit() << i;
    return value;
  }

  void put(char byte) {
    out_ += byte;
    if (out_.size() > bytes_max_) throw TooBig();
  }

  // Section 3.2.2: the symbols by their codes, each with a 1 in front so that 01 and 001 differ.
  using Codes = std::unordered_map<unsigned, unsigned>;

  static Codes codes(const Lengths& lengths) {
    Codes result;
    unsigned code = 0;
    for (unsigned size = 1; size <= 15; ++size, code <<= 1) {
      for (unsigned s = 0; s < lengths.size(); ++s) {
        if (lengths[s] == size) result[1U << size | code++] = s;
      }
    }
    return result;
  }

  // Reads on until the bits are some symbol's code.
  unsigned symbol(const Codes& known) {
    unsigned code = 1;
    for (unsigned size = 1; size <= 15; ++size) {
      code = code << 1 | bit();
      if (const auto found = known.find(code); found != known.end()) return found->second;
    }
    throw Corrupt();
  }

  // Refuses codes that stand for two symbols, and codes that leave bits without a symbol; a set of
  // one code of one bit, or of none, is allowed where `may_be_small`.
  static void check(const Lengths& lengths, bool may_be_small) {
    int64_t room = 1 << 15;
    for (unsigned size : lengths) {
      if (size != 0) room -= 1 << (15 - size);
    }
    if (room < 0) throw Corrupt();
    const bool small = *std::ranges::max_element(lengths) <= 1;
    if (room > 0 && !(small && may_be_small)) throw Corrupt();
  }

  void block() {
    switch (bits(2)) {
      case 0:
        return stored();
      case 1: {
        static const Codes kLiterals = codes(fixed_lengths());
        static const Codes kDistances = codes(Lengths(30, 5));
        return compressed(kLiterals, kDistances);
      }
      case 2:
        return dynamic();
      default:
        throw Corrupt();
    }
  }

  void stored() {
    at_ = (at_ + 7) / 8 * 8;
    const unsigned size = bits(16);
    if (bits(16) != (~size & 0xFFFFU)) throw Corrupt();
    for (unsigned i = 0; i < size; ++i) put(static_cast<char>(bits(8)));
  }

  static Lengths fixed_lengths() {
    Lengths lengths(288, 8);
    std::fill(lengths.begin() + 144, lengths.begin() + 256, 9);
    std::fill(lengths.begin() + 256, lengths.begin() + 280, 7);
    return lengths;
  }

  void dynamic() {
    static constexpr std::array<unsigned, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                        11, 4,  12, 3, 13, 2, 14, 1, 15};
    const unsigned literals = bits(5) + 257;
    const unsigned distances = bits(5) + 1;
    const unsigned orders = bits(4) + 4;
    if (literals > 286 || distances > 30) throw Corrupt();
    Lengths code_lengths(19, 0);
    for (unsigned i = 0; i < orders; ++i) code_lengths[kOrder[i]] = bits(3);
    check(code_lengths, false);
    const Codes length_codes = codes(code_lengths);

    Lengths all;
    while (all.size() < literals + distances) {
      const unsigned s = symbol(length_codes);
      if (s == 16 && all.empty()) throw Corrupt();
      if (s < 16) all.push_back(s);
      if (s == 16) all.insert(all.end(), 3 + bits(2), all.back());
      if (s == 17) all.insert(all.end(), 3 + bits(3), 0);
      if (s == 18) all.insert(all.end(), 11 + bits(7), 0);
    }
    if (all.size() > literals + distances || all[256] == 0) throw Corrupt();
    const Lengths literal(all.begin(), all.begin() + literals);
    const Lengths distance(all.begin() + literals, all.end());
    check(literal, true);
    check(distance, true);
    compressed(codes(literal), codes(distance));
  }

  // Section 3.2.5.
  void compressed(const Codes& literals, const Codes& distances) {
    for (unsigned s = symbol(literals); s != 256; s = symbol(literals)) {
      if (s < 256) {
        put(static_cast<char>(s));
        continue;
      }
      const size_t length = match_length(s);
      const size_t distance = match_distance(symbol(distances));
      if (distance > out_.size() || distance > window_) throw Corrupt();
      for (size_t i = 0; i < length; ++i) put(out_[out_.size() - distance]);
    }
  }

  size_t match_length(unsigned s) {
    if (s > 285) throw Corrupt();
    if (s == 285) return 258;
    if (s < 265) return s - 254;
    const unsigned extra = (s - 261) / 4;
    return 3 + ((4 + (s - 265) % 4) << extra) + bits(extra);
  }

  size_t match_distance(unsigned s) {
    if (s < 4) return s + 1;
    const unsigned extra = (s - 2) / 2;
    return 1 + ((2 + s % 2) << extra) + bits(extra);
  }

  size_t payload_bytes_;
  size_t bytes_max_;
  size_t window_;
  std::string input_;
  size_t at_ = 0;  // in bits
  std::string out_;
};

}  // namespace millrace::fuzz
