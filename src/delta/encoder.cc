// How a delta is found: what both begin with and what both end with are copies, which for most
// publications leaves little between. That is read from front to back: where a block of eight bytes
// is known to the index of the source, the match is made as long as it can be in both directions,
// and of a few places the longest is taken.
//
// Why not the reference encoder's way (a rolling hash over blocks of 16 at every 16th byte): what
// changes in JSON are short values between short keys, which are shorter than 16 bytes plus what it
// takes to meet one of its blocks.
#include <algorithm>
#include <bit>
#include <cstring>

#include "delta/delta.h"
#include "delta/format.h"
#include "delta/source_index.h"

namespace millrace::delta {
namespace {

// A match this long is taken without a look at other places.
constexpr size_t kLongEnough = 64;
// Besides what changed, so much of the source before and behind it is indexed: new elements of an
// array resemble their neighbours.
constexpr size_t kNeighbourhoodMin = 256;
// Where nothing was found for a while, not every byte is looked up: the step grows by one each
// kPatience bytes, up to a size at which every match of two blocks is still met.
constexpr size_t kPatience = 128;
constexpr size_t kStepMax = SourceIndex::kBlock;
// What it costs to interrupt an insert: the next one's own count.
constexpr size_t kInterruptBytes = 2;

using Word = uint64_t;

Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// How many bytes are equal at the front and at the back of a word, given what differs.
size_t equal_at_front(Word difference) {
  const int bits = std::endian::native == std::endian::little ? std::countr_zero(difference)
                                                              : std::countl_zero(difference);
  return static_cast<size_t>(bits) / 8;
}
size_t equal_at_back(Word difference) {
  const int bits = std::endian::native == std::endian::little ? std::countl_zero(difference)
                                                              : std::countr_zero(difference);
  return static_cast<size_t>(bits) / 8;
}

// How many bytes, up to `limit`, are the same from `a` and `b` on.
size_t common_forward(const char* a, const char* b, size_t limit) {
  size_t same = 0;
  for (; limit - same >= sizeof(Word); same += sizeof(Word)) {
    const Word difference = load(a + same) ^ load(b + same);
    if (difference != 0) return same + equal_at_front(difference);
  }
  while (same < limit && a[same] == b[same]) ++same;
  return same;
}

// How many bytes, up to `limit`, are the same before `a` and `b`.
size_t common_backward(const char* a, const char* b, size_t limit) {
  size_t same = 0;
  for (; limit - same >= sizeof(Word); same += sizeof(Word)) {
    const Word difference = load(a - same - sizeof(Word)) ^ load(b - same - sizeof(Word));
    if (difference != 0) return same + equal_at_back(difference);
  }
  while (same < limit && *(a - same - 1) == *(b - same - 1)) ++same;
  return same;
}

struct Match {
  size_t source = 0;
  size_t target = 0;
  size_t size = 0;

  size_t source_end() const { return source + size; }
  size_t target_end() const { return target + size; }
};

// One delta in the making.
class Encoding {
 public:
  Encoding(std::string_view source, std::string_view target, Text text, SourceIndex& index,
           std::string& patch)
      : source_(source), target_(target), text_(text), index_(index), patch_(patch) {}

  // False when the patch would save too little; then it is not whole.
  bool run();

  uint64_t words_compared() const { return words_compared_; }

 private:
  Match common_prefix();
  Match common_suffix(const Match& prefix);
  void index_around(const Match& prefix, const Match& suffix);
  bool encode_between(size_t begin, size_t end);
  Match longest_match(size_t at, size_t end);
  void extend_backward(Match& match);
  void align(Match& match) const;
  bool is_worth_it(const Match& match) const;
  bool saves_enough(size_t at) const;
  void copy(const Match& match);
  void insert_until(size_t end);
  bool within_character(size_t at) const {
    return at < target_.size() && (static_cast<uint8_t>(target_[at]) & 0xC0) == 0x80;
  }

  std::string_view source_;
  std::string_view target_;
  Text text_;
  SourceIndex& index_;
  std::string& patch_;
  size_t written_ = 0;      // so much of the target is in the patch
  size_t source_next_ = 0;  // where the last copy ended
  uint64_t words_compared_ = 0;
};

bool Encoding::run() {
  append_integer(patch_, static_cast<uint32_t>(target_.size()));
  patch_ += '\n';
  const Match prefix = common_prefix();
  const Match suffix = common_suffix(prefix);
  if (prefix.size > 0) copy(prefix);
  if (suffix.target - written_ >= SourceIndex::kBlock) {
    index_around(prefix, suffix);
    if (!encode_between(written_, suffix.target)) return false;
  }
  if (suffix.size > 0) copy(suffix);
  insert_until(target_.size());
  append_integer(patch_, checksum(target_));
  patch_ += ';';
  return saves_enough(target_.size());
}

Match Encoding::common_prefix() {
  Match prefix;
  prefix.size =
      common_forward(source_.data(), target_.data(), std::min(source_.size(), target_.size()));
  words_compared_ += prefix.size / sizeof(Word) + 1;
  align(prefix);
  return is_worth_it(prefix) ? prefix : Match{};
}

Match Encoding::common_suffix(const Match& prefix) {
  const size_t limit = std::min(source_.size(), target_.size()) - prefix.size;
  const size_t size =
      common_backward(source_.data() + source_.size(), target_.data() + target_.size(), limit);
  words_compared_ += size / sizeof(Word) + 1;
  Match suffix{source_.size() - size, target_.size() - size, size};
  align(suffix);
  return is_worth_it(suffix) ? suffix : Match{source_.size(), target_.size(), 0};
}

void Encoding::index_around(const Match& prefix, const Match& suffix) {
  const size_t changed = suffix.target - prefix.target_end();
  const size_t around = std::max(kNeighbourhoodMin, changed * 4);
  const size_t begin = prefix.source_end() - std::min(prefix.source_end(), around);
  index_.build(source_, begin, suffix.source + around);
}

bool Encoding::encode_between(size_t begin, size_t end) {
  size_t at = begin;
  while (at + SourceIndex::kBlock <= end) {
    Match match = longest_match(at, end);
    if (match.size >= SourceIndex::kBlock) {
      extend_backward(match);
      align(match);
      if (is_worth_it(match)) {
        copy(match);
        at = match.target_end();
        continue;
      }
    }
    at += std::min((at - written_) / kPatience + 1, kStepMax);
    if (!saves_enough(at)) return false;
  }
  return true;
}

// Of the places that are tried the first of the longest; it may be shorter than a block.
Match Encoding::longest_match(size_t at, size_t end) {
  Match best;
  const char* const block = target_.data() + at;
  index_.find(block, source_next_ + (at - written_), [&](size_t place) {
    const size_t limit = std::min(source_.size() - place, end - at);
    const size_t size = common_forward(source_.data() + place, block, limit);
    words_compared_ += size / sizeof(Word) + 1;
    if (size > best.size) best = {place, at, size};
    return size < kLongEnough;
  });
  return best;
}

// Into what would be inserted otherwise.
void Encoding::extend_backward(Match& match) {
  const size_t limit = std::min(match.source, match.target - written_);
  const size_t more =
      common_backward(source_.data() + match.source, target_.data() + match.target, limit);
  words_compared_ += more / sizeof(Word) + 1;
  match = {match.source - more, match.target - more, match.size + more};
}

// Takes off parts of characters at either end. What is left begins and ends between characters, in
// the target and so in the source as well, where the same bytes stand. No character has more than
// three bytes within.
void Encoding::align(Match& match) const {
  if (text_ != Text::kUtf8) return;
  for (int i = 0; i < 3 && match.size > 0 && within_character(match.target); ++i) {
    ++match.source;
    ++match.target;
    --match.size;
  }
  for (int i = 0; i < 3 && match.size > 0 && within_character(match.target_end()); ++i) {
    --match.size;
  }
}

bool Encoding::is_worth_it(const Match& match) const {
  const size_t cost = integer_digits(static_cast<uint32_t>(match.size)) +
                      integer_digits(static_cast<uint32_t>(match.source)) + 2;
  return match.size > cost + kInterruptBytes;
}

// Whether the patch so far, with all up to `at` inserted, still leaves something to save.
bool Encoding::saves_enough(size_t at) const {
  return patch_.size() + (at - written_) + kMarkBytes < target_.size();
}

void Encoding::copy(const Match& match) {
  insert_until(match.target);
  append_integer(patch_, static_cast<uint32_t>(match.size));
  patch_ += '@';
  append_integer(patch_, static_cast<uint32_t>(match.source));
  patch_ += ',';
  written_ = match.target_end();
  source_next_ = match.source_end();
}

void Encoding::insert_until(size_t end) {
  if (end == written_) return;
  append_integer(patch_, static_cast<uint32_t>(end - written_));
  patch_ += ':';
  patch_ += target_.substr(written_, end - written_);
  written_ = end;
}

}  // namespace

struct Encoder::Scratch {
  SourceIndex index;
  std::string patch;
  uint64_t steps = 0;
};

Encoder::Encoder() : scratch_(std::make_unique<Scratch>()) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;

std::optional<std::string> Encoder::create(std::string_view source, std::string_view target,
                                           Text text) {
  scratch_->steps = 0;
  if (source.size() > kBytesMax || target.size() > kBytesMax) return std::nullopt;
  const uint64_t steps_before = scratch_->index.steps();
  std::string& patch = scratch_->patch;
  patch.clear();
  Encoding encoding(source, target, text, scratch_->index, patch);
  std::optional<std::string> made;
  if (encoding.run()) made = patch;
  if (patch.capacity() > kPatchBytesKept) patch = std::string();
  scratch_->steps = encoding.words_compared() + (scratch_->index.steps() - steps_before);
  return made;
}

uint64_t Encoder::steps() const {
  return scratch_->steps;
}

}  // namespace millrace::delta
