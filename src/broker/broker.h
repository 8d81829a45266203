// A Broker is the doorbell between nodes: it tells every node with interest in a channel that
// something happened there.
//
// It may ring twice, late, out of order, or not at all: who needs more reads the store's log. The
// memory broker rings within one node only. One Broker object per core serves the channels whose
// home is that core.
//
// Cores      Every method is called on the broker's core and returns without blocking; every
//            callback and every call of the Sink comes there in a later turn or before the method
//            returns. `done` is called exactly once.
// Order      Messages of one publisher core to one channel arrive in the order they were published,
//            or not at all.
// Interest   After subscribe()'s `done` was told success, every message published to the channel
//            from then on is delivered, but for interruptions. Interest is a set: subscribing twice
//            is once.
// Control    Besides, one core may send a message to one core of any node. It arrives at most once,
//            and nowhere else; it may be lost, and no interruption tells of that. Those of one
//            sender to one receiver arrive in the order they were sent, or not at all. What is in
//            them is the Sink's business; one that is empty is one as well.
// Limits     A message is at most kMessageBytesMax, encoded; larger ones fail with kTooLarge. A
//            control message is at most kControlBytesMax.
// Failure    kUnavailable: the engine does not answer; may be retried. The Sink hears of every
//            interruption.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.h"
#include "base/result.h"
#include "model/model.h"

namespace millrace::broker {

inline constexpr size_t kMessageBytesMax = 32UL * 1024 * 1024;
// An engine has to carry messages of this size anyway.
inline constexpr size_t kControlBytesMax = kMessageBytesMax;

// One core of one node, among all that share an engine.
struct Address {
  std::string node;  // the node's uid: is_node_uid()
  base::CoreId core;
  friend bool operator==(const Address&, const Address&) = default;
};

// Engines make names of their own from uids: they are 1 to 64 letters, digits and dashes.
constexpr bool is_node_uid(std::string_view text) {
  constexpr size_t kCharsMax = 64;
  if (text.empty() || text.size() > kCharsMax) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

// A publication on its way: what the log has of it, and what only those need who hear it now.
struct Published {
  model::Publication publication{};
  std::string epoch{};    // of the log that numbered it; "": none did
  bool delta = false;     // may be sent as a delta against the one before
  std::string exclude{};  // a client that is not to hear it; "": none
};
struct Join {
  std::shared_ptr<const model::ClientInfo> info;  // never null; shared by all who hear of it
};
struct Leave {
  std::shared_ptr<const model::ClientInfo> info;
};
using Message = std::variant<Published, Join, Leave>;

// Who hears the bell. One per core.
class Sink {
 public:
  virtual void on_message(std::string_view channel, const Message& message) = 0;
  // Somebody sent this to our address.
  virtual void on_control(std::string_view bytes) = 0;
  // Messages of any channel may have been lost since the last call of on_message().
  virtual void on_interruption() = 0;

 protected:
  ~Sink() = default;
};

using Done = std::move_only_function<void(base::Result<>)>;

class Broker {
 public:
  virtual ~Broker() = default;

  // Before anything else. `sink` outlives the broker's last callback.
  virtual void set_sink(Sink& sink) = 0;

  virtual void subscribe(std::string_view channel, Done done) = 0;
  virtual void unsubscribe(std::string_view channel) = 0;

  // `done` says that the engine took the message, not that anyone heard it.
  virtual void publish(std::string_view channel, Message message, Done done) = 0;

  // Who we are for the others.
  virtual const Address& address() const = 0;
  // To one core of one node, which may be this one; `to.node` is a node's uid. `done` says that the
  // engine took the message; kNotFound that nobody is there, which an engine need not know.
  virtual void send_control(const Address& to, std::string bytes, Done done) = 0;

  // For health checks: whether the engine answers, in words if not.
  virtual base::Result<> health() const = 0;
};

}  // namespace millrace::broker
