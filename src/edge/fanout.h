// Fan-out on one core: which of its sessions hear a channel, and how one publication becomes one
// frame for all of them.
//
// A Listener hears frames of one Variant (wire format, compressed or not). For each variant that
// somebody listens in, the publications of a turn are encoded and framed once; then every listener
// gets a reference to the same bytes.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "base/string_hash.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class LocalChannel;

// How a connection wants its frames.
struct Variant {
  protocol::Format format = protocol::Format::kJson;
  bool deflate = false;
  size_t index() const { return static_cast<size_t>(format) * 2 + (deflate ? 1 : 0); }
};
inline constexpr size_t kVariants = protocol::kFormats * 2;

class Listener {
 public:
  virtual Variant variant() const = 0;
  // Whole WebSocket frames that hold `messages` publications.
  virtual void on_publications(const base::SharedBytes& frames, uint32_t messages) = 0;
  // A publication that is not JSON would have to go to this JSON connection: it is closed (3506).
  virtual void on_not_json() = 0;
  // The place of this listener among the listeners of `channel` has changed.
  virtual void on_moved(const LocalChannel& channel, uint32_t place) = 0;

 protected:
  ~Listener() = default;
};

// A channel with at least one listener on this core. Its address is good while there is one.
class LocalChannel {
 public:
  explicit LocalChannel(std::string_view name) : name_(name) {}
  const std::string& name() const { return name_; }

 private:
  friend class Fanout;
  const std::string name_;
  std::vector<Listener*> listeners_;
  std::array<uint32_t, kVariants> in_variant_{};
};

class Fanout {
 public:
  struct Options {
    bool compression = false;
    int compression_level = 1;
    size_t compression_bytes_min = 0;
  };

  Fanout(const Options& options, metrics::Core& metrics) : options_(options), metrics_(metrics) {}

  // Null if nobody on this core listens.
  LocalChannel* find(std::string_view channel) const;

  struct Place {
    LocalChannel* channel = nullptr;
    uint32_t place = 0;
  };
  Place add(std::string_view channel, Listener& listener);
  void remove(const Place& place);

  // Hands the publications, in order, to every listener. Returns how many deliveries that was.
  size_t deliver(std::string_view channel, std::span<const model::Publication> publications);

  size_t channels() const { return channels_.size(); }

  // Appends one message to `out` as a WebSocket frame of this variant.
  void append_frame(std::string& out, Variant variant, std::string_view message) const;

 private:
  struct Encoded {
    base::SharedBytes frames;
    uint32_t messages = 0;
    bool cut_short = false;  // a publication that is not JSON stood in the way
  };
  Encoded encode(Variant variant, std::string_view channel,
                 std::span<const model::Publication> publications);

  const Options options_;
  metrics::Core& metrics_;
  absl::flat_hash_map<std::string, std::unique_ptr<LocalChannel>, base::StringHash,
                      base::StringEqual>
      channels_;
  std::string batch_;   // scratch: the messages of one frame
  std::string frames_;  // scratch: the frames of one turn
};

}  // namespace millrace::edge
