// A channel with at least one subscriber on this core: who they are, and what each of them wants.
//
// Owned by Fanout; its address is good while there is a subscriber.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/shared_bytes.h"
#include "filter/filter.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class LocalChannel;

// How messages are put on the wire.
enum class Framing : uint8_t {
  kFrames,     // WebSocket frames, with as many messages in each as there are
  kFrameEach,  // WebSocket frames of one message each
  kLines,      // JSON: each on a line of its own; Protobuf: each behind its length
  kEvents,     // server-sent events, one for each message; JSON only
};

// How a connection wants its messages framed, and a subscription its messages.
struct Variant {
  protocol::Format format = protocol::Format::kJson;
  Framing framing = Framing::kFrames;
  bool deflate : 1 = false;
  bool compact : 1 = false;  // the channel is named by its id
  bool delta : 1 = false;    // payloads are carried as deltas are
  bool bare : 1 = false;     // unidirectional: pushes without a reply around them
  bool ids : 1 = false;      // events have the publication's position as their id
  friend bool operator==(const Variant&, const Variant&) = default;
};

// Who hears a channel: a connection, with one subscription.
class Listener {
 public:
  // Whole frames, lines or events that hold `messages` messages of the channel.
  virtual void on_publications(const base::SharedBytes& frames, uint32_t messages) = 0;
  // A publication that is not JSON would have to go to this JSON connection: it is closed (3506).
  virtual void on_not_json() = 0;
  // Its position in the channel is lost. It may leave the channel now.
  virtual void on_interrupted(std::string_view channel) = 0;
  // The place of this listener among the listeners of `channel` has changed.
  virtual void on_moved(const LocalChannel& channel, uint32_t place) = 0;
  // Whether this is the client with this id.
  virtual bool is_client(std::string_view client) const = 0;

 protected:
  ~Listener() = default;
};

// What one subscriber wants.
struct Member {
  Listener* listener = nullptr;  // never null
  Variant variant{};
  bool joins = false;       // joins and leaves
  bool positioned = false;  // can't go on when something was missed
  // It has what the next delta is made against: the channel's publication before that.
  bool has_base = false;
  std::unique_ptr<const filter::Filter> filter{};  // null: all publications
};
static_assert(sizeof(Member) <= 24, "one for each subscription of a node");

class LocalChannel {
 public:
  LocalChannel(std::string_view channel, int64_t id) : name(channel), id_(id) {}

  const std::string name;
  // Names the channel in pushes to clients that asked for it; of no other channel of this core,
  // ever.
  int64_t id() const { return id_; }

 private:
  friend class Fanout;
  const int64_t id_;
  absl::InlinedVector<Member, 1> members_;  // one is what most channels have
};
static_assert(sizeof(LocalChannel) <= 72, "one for each channel of a core");

}  // namespace millrace::edge
