// Fossil deltas: a publication as what changed since the one before it.
//
//   delta   := size "\n" command* checksum ";"
//   copy    := count "@" offset ","        takes `count` bytes of the source, from `offset`
//   insert  := count ":" <count raw bytes>
//
// size, count, offset and checksum are base-64 integers (format.h); size and checksum are those of
// the target. Source: the Fossil project's delta format, which the Centrifuge client protocol uses
// for its `delta: "fossil"` subscriptions. Any delta that gives the target is a good one: how it is
// found is the encoder's business.
//
// Called by hub/ on a channel's home core, once per publication. Nothing here blocks or does I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::delta {

// Longer sources and targets get no delta: clients read the integers into 32 bits.
inline constexpr size_t kBytesMax = size_t{1} << 30;

// What a patch costs a subscriber beside its own bytes: `,"delta":true` in JSON, and a backslash
// for its line break. Only a patch that saves more than this is worth having.
inline constexpr size_t kMarkBytes = 14;

// A patch up to this size is made in memory that stays.
inline constexpr size_t kPatchBytesKept = 64 * 1024;

enum class Text : uint8_t {
  kBytes,  // anything goes
  kUtf8,   // source and target are valid UTF-8, and so is the patch: it can stand in a JSON string
};

// Makes deltas. One per core, which keeps its tables from one publication to the next.
//
// Time       Linear in source and target, whatever they hold: each byte of the target is looked up
//            at a bounded number of places. After the parts that both begin and end with, it is
//            linear in what is left between.
// Memory     What is kept: tables that grow to 1 MiB at most, and kPatchBytesKept.
class Encoder {
 public:
  Encoder();
  ~Encoder();
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;

  // The delta that makes `target` of `source`, or nothing when it would not save more than
  // kMarkBytes: then the target itself is to be sent. With Text::kUtf8 both must be valid UTF-8;
  // if they are not, the delta is still right, but need not be UTF-8.
  std::optional<std::string> create(std::string_view source, std::string_view target, Text text);

  // How much work the last create() was: places looked at, and words of eight bytes compared. For
  // tests, which hold it against the size of the input.
  uint64_t steps() const;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

// What a client does: the target that `patch` makes of `source`. For tests, fuzzing and tools; the
// server itself never applies a delta.
//
// Limits     Memory: `target_bytes_max`, whatever the patch claims.
// Failure    kInvalid if the patch is not well-formed, reaches outside of the source, or gives
//            something of another size or checksum than it says; kTooLarge if the target is.
base::Result<std::string> apply(std::string_view source, std::string_view patch,
                                size_t target_bytes_max = kBytesMax);

}  // namespace millrace::delta
