// Where in the source a block of eight bytes can be found.
//
// A hash table of lists: each list has the places whose blocks share a hash, in order. A list
// remembers where it was last looked at, and a lookup says where it expects the block: so the
// places near the expected one are found in a few steps, even of a block that is everywhere (the
// key names in an array of objects). A lookup is bounded: kWalkMax steps to get near, kTriesMax
// places to try.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace millrace::delta {

class SourceIndex {
 public:
  static constexpr size_t kBlock = sizeof(uint64_t);
  // A longer source is indexed at every second, third, ... byte only.
  static constexpr size_t kPlacesMax = size_t{1} << 16;
  static constexpr size_t kWalkMax = 16;
  static constexpr size_t kTriesMax = 8;

  // Indexes the blocks that begin in [begin, end) and lie within the source. Views the source only
  // meanwhile.
  void build(std::string_view source, size_t begin, size_t end);

  // Calls try_place(place) for places where the block at `block` (kBlock bytes) may be, those near
  // to `expected` first, until it returns false.
  template <class TryPlace>
  void find(const char* block, size_t expected, TryPlace try_place);

  // How many places were looked at since it was made.
  uint64_t steps() const { return steps_; }

 private:
  // A place is known by its number, from 1; 0 is none.
  using Number = uint32_t;
  struct Place {
    Number before = 0;
    Number after = 0;
  };

  size_t offset_of(Number number) const { return begin_ + (number - 1) * stride_; }
  size_t list_of(const char* block) const {
    uint64_t bytes;
    std::memcpy(&bytes, block, sizeof(bytes));
    return (bytes * 0x9E37'79B9'7F4A'7C15) >> shift_;
  }
  void walk_to(Number& number, size_t expected);

  std::vector<Number> lists_;  // by hash: the place last looked at
  std::vector<Place> places_;  // by number
  size_t begin_ = 0;
  size_t stride_ = 1;
  int shift_ = 0;
  uint64_t steps_ = 0;
};

template <class TryPlace>
void SourceIndex::find(const char* block, size_t expected, TryPlace try_place) {
  ++steps_;
  Number& here = lists_[list_of(block)];
  if (here == 0) return;
  walk_to(here, expected);

  // Outwards from there, in turn to either side.
  Number before = here;
  Number after = places_[here].after;
  for (size_t tries = 0; tries < kTriesMax; ++tries) {
    const bool backward = after == 0 || (before != 0 && tries % 2 == 0);
    Number& next = backward ? before : after;
    if (next == 0) return;
    ++steps_;
    if (!try_place(offset_of(next))) return;
    next = backward ? places_[next].before : places_[next].after;
  }
}

}  // namespace millrace::delta
