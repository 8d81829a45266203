// The protocol state of one client: commands in, replies and asks out. No sockets, no bytes: its
// Host sends what it says.
//
// Lives on its connection's core, inside its Connection. The state diagram and the table of
// commands are in session.cc.
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "edge/core.h"
#include "edge/fanout.h"
#include "hub/hub.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class Session {
 public:
  // Who carries out what the session decides: its Connection.
  class Host : public Listener {
   public:
    virtual void reply(uint32_t id, const protocol::ReplyBody& body) = 0;
    virtual void close(const model::Disconnect& why) = 0;
    virtual base::ConnectionRef ref() const = 0;
    // The client is connected: pings begin.
    virtual void on_connected() = 0;
    // Whether pings are the protocol's, not WebSocket's own frames.
    virtual bool pings_by_protocol() const = 0;
    // A pong arrived; false if none was due.
    virtual bool on_pong() = 0;
    // Whether the host is closing, so that nothing more is to be said.
    virtual bool closing() const = 0;

   protected:
    ~Host() = default;
  };

  explicit Session(protocol::Format format) : format_(format) {}

  protocol::Format format() const { return format_; }
  bool connected() const { return state_ == State::kConnected; }
  // Asks that the hub has not answered yet.
  size_t asks_in_flight() const { return asks_in_flight_; }

  // One frame of commands from the client.
  void on_frame(Core& core, Host& host, std::string_view frame);
  void on_answer(Core& core, Host& host, hub::Answer& answer);
  void on_moved(const LocalChannel& channel, uint32_t place);

  // A subscription was granted to somebody who does not want it any more.
  static void give_back(Core& core, const hub::Answer& answer);

  // The connection is going: gives back every subscription. What later answers grant is given back
  // by the edge.
  void leave(Core& core, Host& host);

 private:
  enum class State : uint8_t { kNew, kConnected, kLeft };

  void on_command(Core& core, Host& host, const protocol::Command& command);
  void on_connect(Core& core, Host& host, uint32_t id, const protocol::ConnectRequest& request);
  struct Dispatch;

  void ask(Core& core, Host& host, uint32_t id, std::string_view channel,
           decltype(hub::Ask::body) body);
  void fail(Core& core, Host& host, uint32_t id, const model::ReplyError& error);
  std::shared_ptr<const model::ClientInfo> identity() const;
  Fanout::Place* subscription(const Core& core, std::string_view channel);
  // A subscribe that the hub has not answered. The client may take it back before that, and even
  // ask again.
  struct Pending {
    std::string channel;
    uint32_t subscribe_id = 0;
    // not 0: taken back by this command, which is answered after the subscribe
    uint32_t unsubscribe_id = 0;
  };
  // The one for this channel that was not taken back; null if there is none.
  Pending* pending(std::string_view channel);
  Pending take_pending(const hub::Answer& answer);
  void on_subscribed(Core& core, Host& host, const hub::Answer& answer);
  size_t subscriptions() const {
    return subscriptions_.size() + (pending_ == nullptr ? 0 : pending_->size());
  }

  const protocol::Format format_;
  State state_ = State::kNew;
  uint32_t asks_in_flight_ = 0;
  base::Uuid client_{};
  absl::InlinedVector<Fanout::Place, 1> subscriptions_;
  std::unique_ptr<std::vector<Pending>> pending_;  // null while there is none
};

}  // namespace millrace::edge
