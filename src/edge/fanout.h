// Fan-out on one core: which of its sessions hear a channel, and how one publication becomes one
// frame for all of them.
//
// The events of a turn are encoded and framed once for each way in which they are wanted: by wire
// format, framing, compression, how the channel is named, whether as deltas, and which of them.
// Then every subscriber that wants them in this way gets a reference to the same bytes. Nearly
// always that is one or two ways.
//
// Compression is bounded by that: whatever the number of subscribers, a frame is compressed once
//            for each way, where somebody wants it so, and from Compression::bytes_min on. The
//            core's one compressor keeps no context (websocket.h), and connections keep nothing.
//
// Deltas     A patch is sent to a subscriber only if it was sent the channel's publication just
//            before: after a gap, which a filter makes too, it gets the whole payload.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/name_table.h"
#include "base/shared_bytes.h"
#include "edge/local_channel.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class Fanout {
 public:
  struct Compression {
    int level = 1;
    size_t bytes_min = 0;
  };
  struct Options {
    Compression compression;
    Compression uni_compression;  // for clients that only listen
  };

  Fanout(const Options& options, metrics::Core& metrics) : options_(options), metrics_(metrics) {}

  // Null if nobody on this core listens.
  LocalChannel* find(std::string_view channel) const;

  struct Place {
    LocalChannel* channel = nullptr;
    uint32_t place = 0;
  };
  Place add(std::string_view channel, Member member);
  void remove(const Place& place);

  // Hands the events, in order, to every listener. Returns how many deliveries of publications that
  // was.
  size_t deliver(std::string_view channel, std::span<const hub::Event> events);

  size_t channels() const { return channels_.size(); }

  // Messages for one client, joined as the protocol joins them, in the framing of this variant; one
  // message where each stands alone.
  base::SharedBytes frame_of(Variant variant, std::string_view messages) const {
    return frame_of(variant, messages, metrics::Counter::kCompressedReplies);
  }

 private:
  // Which events of a batch: bit i for event i.
  using Mask = uint64_t;
  static constexpr size_t kBatchMax = 64;
  static constexpr size_t kWaysMax = 64;

  struct Encoded {
    base::SharedBytes frames;
    uint32_t messages = 0;
    uint32_t publications = 0;  // that were wanted
    bool cut_short = false;     // a publication that is not JSON stood in the way
  };
  // One way in which a batch is wanted.
  struct Way {
    Variant variant;
    bool has_base = false;
    Mask mask = 0;
    friend bool operator==(const Way&, const Way&) = default;
  };
  struct Batch {
    std::span<const hub::Event> events;
    Mask publications = 0;
    Mask excluding = 0;  // those that somebody is not to hear
    absl::InlinedVector<std::pair<Way, Encoded>, 4> encoded{};  // kWaysMax at most
    Encoded odd{};                                              // for one subscriber alone
  };

  size_t deliver_batch(LocalChannel& channel, std::span<const hub::Event> events);
  Mask wanted(const Member& member, const Batch& batch);
  const Encoded& encoded(const LocalChannel& channel, Batch& batch, const Way& way);
  Encoded encode(const LocalChannel& channel, const Batch& batch, const Way& way);
  void append_event(const LocalChannel& channel, const hub::Event& event, bool patched,
                    Variant variant);
  // `compressed` counts, if it is compressed.
  base::SharedBytes frame_of(Variant variant, std::string_view messages,
                             metrics::Counter compressed) const;
  void append_frame(std::string& out, Variant variant, std::string_view messages,
                    metrics::Counter compressed) const;
  const Compression& compression_of(Variant variant) const {
    return variant.bare ? options_.uni_compression : options_.compression;
  }
  bool compresses(Variant variant, std::string_view messages) const {
    return variant.deflate && messages.size() >= compression_of(variant).bytes_min;
  }
  void interrupt(LocalChannel& channel);

  const Options options_;
  metrics::Core& metrics_;
  base::NameTable<LocalChannel> channels_;
  int64_t next_id_ = 1;
  std::string batch_;   // scratch: the messages of one frame
  std::string frames_;  // scratch: the frames of one turn
};

}  // namespace millrace::edge
