// The protocol state of one client: commands in, replies and asks out. No sockets, no bytes: its
// Host sends what it says.
//
// Lives on its connection's core, inside its Connection. The state diagram is in session.cc; the
// parts of it: session_connect.cc (coming in, and what a token lets in), session_commands.cc (what
// a client says), session_subscriptions.cc (what it is subscribed to), session_orders.cc (what the
// server does to it).
#pragma once

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "edge/core.h"
#include "edge/fanout.h"
#include "filter/filter.h"
#include "hub/hub.h"
#include "protocol/protocol.h"

namespace millrace::edge {

class Session {
 public:
  // Who carries out what the session decides: its Connection.
  class Host : public Listener {
   public:
    virtual void reply(uint32_t id, const protocol::ReplyBody& body) = 0;
    virtual void push(std::string_view channel, const protocol::PushBody& body) = 0;
    virtual void close(const model::Disconnect& why) = 0;
    virtual base::ConnectionRef ref() const = 0;
    virtual Transport transport() const = 0;
    // How its messages are framed.
    virtual Variant variant() const = 0;
    // What requests name this session by, where the connection itself carries none; "" for others.
    virtual std::string session_id() const = 0;
    // The client is connected: pings begin.
    virtual void on_connected() = 0;
    // Whether pings are the protocol's, not WebSocket's own frames; and whether they are answered.
    virtual bool pings_by_protocol() const = 0;
    virtual bool wants_pongs() const = 0;
    // A pong arrived; false if none was due.
    virtual bool on_pong() = 0;
    // Whether the host is closing, so that nothing more is to be said.
    virtual bool closing() const = 0;
    // Whether so much waits to be sent that the client should get nothing more that it can wait
    // for.
    virtual bool backlogged() const = 0;
    // Whether it closes because the connection broke, and nobody said goodbye.
    virtual bool broken() const = 0;
    // Calls on_deadline() then, and not at another time.
    virtual void wake_after(base::Duration delay) = 0;

   protected:
    ~Host() = default;
  };

  explicit Session(protocol::Format format) : format_(format) {}

  protocol::Format format() const { return format_; }
  bool connected() const { return state_ == State::kConnected; }
  // Asks that the hub has not answered yet.
  size_t asks_in_flight() const { return asks_in_flight_; }
  // Whether what the client says has to wait until it is connected.
  bool connecting() const { return state_ == State::kConnecting; }
  bool is_client(std::string_view client) const;

  // Before it connects: what is known of it. May be null.
  void introduce(std::unique_ptr<hub::Visitor> visitor);
  // The connect of a client that is not to send commands. It is the only thing it says.
  void connect(Core& core, Host& host, const protocol::ConnectRequest& request);
  void on_bare_connect(Core& core, Host& host, std::string_view json);
  // One frame of commands from the client.
  void on_frame(Core& core, Host& host, std::string_view frame);
  void on_answer(Core& core, Host& host, hub::Answer& answer);
  void on_order(Core& core, Host& host, const hub::Order& order);
  void on_deadline(Core& core, Host& host);
  // The host is backlogged no more. To be called if waits_for_room().
  void on_room(Core& core, Host& host);
  bool waits_for_room() const { return deferred_ != nullptr; }
  void on_moved(const LocalChannel& channel, uint32_t place);
  // The session's position in this channel is lost.
  void on_interrupted(Core& core, Host& host, std::string_view channel);

  // Something was granted to somebody who does not want it any more.
  static void give_back(Core& core, const hub::Answer& answer);

  // The connection is going: gives back every subscription. What later answers grant is given back
  // by the edge.
  void leave(Core& core, Host& host);

 private:
  enum class State : uint8_t { kNew, kConnecting, kConnected, kRefused, kLeft };

  // Who the client is, as its token says; anonymous clients without one have none.
  struct Identity {
    std::shared_ptr<const model::ClientInfo> who;
    std::string token_id;
    int64_t issued_at = 0;
    int64_t expire_at = 0;                // of the connection, Unix seconds; 0: never
    std::vector<std::string> channels{};  // to which its token subscribes it
  };

  struct Subscription {
    Fanout::Place place{};
    bool server_side = false;
    bool tracked = false;  // the hub has to be told who goes
    struct Details {
      base::SharedBytes chan_info;
      int64_t expire_at = 0;  // Unix seconds; 0: never
    };
    std::unique_ptr<Details> details{};  // null where it would be empty
  };

  // A subscribe that the hub has not answered. The client may take it back before that, and even
  // ask again.
  struct Pending {
    enum class For : uint8_t { kClient, kConnect, kOrder };
    std::string channel{};
    uint32_t subscribe_id = 0;
    // not 0: taken back by this command, which is answered after the subscribe
    uint32_t unsubscribe_id = 0;
    For whom = For::kClient;
    bool from_token = false;  // the connection's
    bool alone = false;       // the only one that the client connects with
    bool compact = false;
    bool recovers = false;  // it is one of recovering_
    std::unique_ptr<const filter::Filter> filter{};
  };

  // A subscribe that the hub is not asked yet: a client that comes back to many channels at once
  // would be brought more than it has room for.
  struct Deferred {
    std::string channel;
    uint32_t id = 0;
    hub::SubscribeAsk what;
  };

  // What waits while the hub is asked whether the client may come in; and what is known of it
  // before that.
  struct Connecting {
    std::unique_ptr<hub::Visitor> visitor{};  // until the hub is asked; null if nothing is known
    uint32_t id = 0;
    size_t missing = 0;                                            // server-side subscriptions
    std::vector<std::pair<std::string, hub::SubscribeAsk>> asked;  // by the client, in its connect
    std::vector<std::pair<std::string, protocol::SubscribeResult>> subs;
    base::SharedBytes data{};  // from its backend
    // Frames that came meanwhile; the first `skip` commands of the first one are done.
    std::vector<std::string> frames;
    size_t skip = 0;
  };

  struct Dispatch;
  struct CarryOut;

  // session.cc
  void take_frame(Core& core, Host& host, std::string_view frame, size_t skip);
  void on_command(Core& core, Host& host, const protocol::Command& command);
  // How a publish is answered: the protocol's way, with the position too, or as an RPC.
  enum class Note : uint8_t { kPlain, kPosition, kRpc };
  void ask(Core& core, Host& host, uint32_t id, std::string_view channel, hub::AskBody body,
           Note note = Note::kPlain);
  void fail(Core& core, Host& host, uint32_t id, const model::ReplyError& error);
  std::shared_ptr<const model::ClientInfo> identity() const;
  void on_reply(Core& core, Host& host, hub::Answer& answer);
  void answer_question(Core& core, Host& host, const hub::Answer& answer);
  void answer_publish(Host& host, const hub::Answer& answer, const hub::PublishAnswer& published);

  // session_connect.cc
  void on_connect(Core& core, Host& host, uint32_t id, const protocol::ConnectRequest& request);
  void on_admitted(Core& core, Host& host, hub::ConnectAnswer& answer);
  void on_turned_away(Core& core, Host& host, const hub::TurnedAway& why);
  void subscribe_at_connect(Core& core, Host& host, hub::ConnectAnswer& answer);
  void on_subscribed_at_connect(Core& core, Host& host, const std::string& channel,
                                protocol::SubscribeResult result);
  void on_not_subscribed_at_connect(Core& core, Host& host, const Pending& pending,
                                    const model::ReplyError& error);
  void finish_connect(Core& core, Host& host);
  void refuse_connect(Core& core, Host& host, const model::ReplyError& error);
  void on_refreshed(Core& core, Host& host, uint32_t id, const hub::RefreshAnswer& answer);
  void set_info(const base::SharedBytes& info);

  // session_subscriptions.cc
  Subscription* subscription(const Core& core, std::string_view channel);
  // The one for this channel that was not taken back; null if there is none.
  Pending* pending(std::string_view channel);
  Pending take_pending(const hub::Answer& answer);
  void subscribe(Core& core, Host& host, Pending pending, hub::SubscribeAsk what);
  void on_subscribe_answer(Core& core, Host& host, hub::Answer& answer);
  void on_subscribed(Core& core, Host& host, hub::Answer& answer, Pending pending);
  void on_not_subscribed(Core& core, Host& host, const Pending& refused,
                         const model::ReplyError& error);
  int64_t add(Core& core, Host& host, const std::string& channel,
              const hub::SubscribeAnswer& granted, Pending& pending);
  void end(Core& core, Host& host, Subscription& subscription, uint32_t id);
  void on_sub_refreshed(Core& core, Host& host, const hub::Answer& answer);
  size_t subscriptions() const {
    return subscriptions_.size() + (pending_ == nullptr ? 0 : pending_->size());
  }
  void set_details(Subscription& subscription, const base::SharedBytes& chan_info,
                   int64_t expire_at);
  void arm(const Core& core, Host& host);

  // First what a delivery looks at.
  const protocol::Format format_;
  State state_ = State::kNew;
  uint8_t recovering_ = 0;    // recoveries that the hub is asked for
  bool making_room_ = false;  // on_room() is at work
  uint32_t asks_in_flight_ = 0;
  std::unique_ptr<std::deque<Deferred>> deferred_;  // null while there is none
  absl::InlinedVector<Subscription, 1> subscriptions_;
  base::Uuid client_{};
  std::unique_ptr<Identity> identity_;  // null for a plain anonymous client
  // null unless kConnecting, or kNew and introduced
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<std::vector<Pending>> pending_;  // null while there is none
};

}  // namespace millrace::edge
