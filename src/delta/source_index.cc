#include "delta/source_index.h"

#include <bit>

namespace millrace::delta {

void SourceIndex::build(std::string_view source, size_t begin, size_t end) {
  const size_t last = source.size() < kBlock ? 0 : source.size() - kBlock + 1;
  begin_ = begin;
  end = std::min(end, last);
  const size_t span = end > begin ? end - begin : 0;
  stride_ = std::max(size_t{1}, (span + kPlacesMax - 1) / kPlacesMax);
  const size_t count = (span + stride_ - 1) / stride_;

  const int bits = std::max(static_cast<int>(std::bit_width(count)), 6);
  shift_ = 64 - bits;
  lists_.assign(size_t{1} << bits, 0);
  places_.resize(count + 1);
  // From the back, so that each list is in order and begins with its first place.
  for (size_t left = count; left > 0; --left) {
    const auto number = static_cast<Number>(left);
    Number& first = lists_[list_of(source.data() + offset_of(number))];
    places_[number] = {.before = 0, .after = first};
    if (first != 0) places_[first].before = number;
    first = number;
  }
  steps_ += count;
}

// To the last place that is not behind `expected`, or as near to it as kWalkMax steps get.
void SourceIndex::walk_to(Number& number, size_t expected) {
  for (size_t walked = 0; walked < kWalkMax; ++walked) {
    const Place& place = places_[number];
    if (offset_of(number) > expected) {
      if (place.before == 0) return;
      number = place.before;
    } else {
      if (place.after == 0 || offset_of(place.after) > expected) return;
      number = place.after;
    }
    ++steps_;
  }
}

}  // namespace millrace::delta
