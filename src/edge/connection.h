// One client's connection: its stream, its pending output and its deadlines, from the first byte
// that is the client's to the last.
//
// Lives on one core, owned by that core's table; destroyed only at the end of a turn. What the
// messages mean is the Session's business. How they travel is that of the kinds of connection:
// WebSocketConnection, and StreamConnection for HTTP. The life of a connection is drawn in
// connection.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "edge/core.h"
#include "edge/outbox.h"
#include "edge/session.h"
#include "net/net.h"

namespace millrace::edge {

class StreamConnection;

class Connection : public net::StreamHandler, public net::Timer, public Session::Host {
 public:
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Called by Core, at the end of the turn: writes what is pending, and goes on with closing. And
  // before destruction.
  void flush();
  // Fetches what flush() will look at into the cache: first the connection, then its stream.
  void prefetch() const {
    __builtin_prefetch(&stream_);
    __builtin_prefetch(&session_);
  }
  void prefetch_stream() const { __builtin_prefetch(stream_.get()); }
  void leave();
  // Called by Core: what was to wait for more has waited long enough.
  void on_write_delay_over();
  // Called by KeepAlive: writes a filler if nothing was written since the last call.
  void keep_alive();

  void set_ref(const base::ConnectionRef& ref) { ref_ = ref; }
  // Before the client says anything: what its request has said already. May be null.
  void introduce(std::unique_ptr<hub::Visitor> visitor) { session_.introduce(std::move(visitor)); }
  void answer(hub::Answer& answer);
  void carry_out(const hub::Order& order);

  // Null unless it is one whose commands come in requests of their own.
  virtual StreamConnection* emulated() { return nullptr; }

  // Session::Host
  base::ConnectionRef ref() const override { return ref_; }
  Transport transport() const final { return transport_; }
  void reply(uint32_t id, const protocol::ReplyBody& body) override;
  void push(std::string_view channel, const protocol::PushBody& body) override;
  void close(const model::Disconnect& why) override;
  void on_connected() override;
  bool pings_by_protocol() const override { return true; }
  bool wants_pongs() const override { return !variant_.bare; }
  bool on_pong() override;
  bool closing() const override { return state_ != State::kOpen; }
  bool backlogged() const override;
  bool broken() const override { return broken_; }
  Variant variant() const override { return variant_; }
  void wake_after(base::Duration delay) override;
  // Listener
  void on_publications(const base::SharedBytes& frames, uint32_t messages) override;
  void on_not_json() override { close(model::disconnects::kInappropriateProtocol); }
  void on_interrupted(std::string_view channel) override {
    session_.on_interrupted(core_, *this, channel);
  }
  bool is_client(std::string_view client) const override { return session_.is_client(client); }
  void on_moved(const LocalChannel& channel, uint32_t place) override {
    session_.on_moved(channel, place);
  }

  // net::StreamHandler
  void on_readable() final;
  void on_writable() final { mark_dirty(); }
  // net::Timer
  void on_timer() final;

 protected:
  enum class State : uint8_t { kOpen, kClosing, kFinishing, kLingering, kDone };

  Connection(Core& core, std::unique_ptr<net::Stream> stream, Transport transport, Variant variant);

  // What the kinds of connection differ in: what to do with bytes of an open or closing connection,
  // how a client is told why it is left, how it is pinged, and how it is kept from saying more.
  virtual void take_input(std::span<char> bytes) = 0;
  virtual void say_goodbye(const model::Disconnect& why) = 0;
  // Of a unidirectional client: answers a connect that failed with this code as only this kind can.
  // False: it can't.
  virtual bool refuse(uint32_t /*code*/, std::string_view /*meaning*/) { return false; }
  virtual void ping();
  virtual void update_input() = 0;

  // Without a session, what comes is echoed.
  bool echoes() const { return echo_; }
  void set_echo() { echo_ = true; }
  // The time that a new connection has to say who it is.
  void expect_connect();
  // Everything it has to say is pending: what follows is the end of the stream.
  void begin_close(State state);
  void finish();
  void done();
  void push_frame(base::SharedBytes frame, uint32_t messages);
  bool too_many_in_flight(bool already) const;
  protocol::Shape shape() const {
    return variant_.bare ? protocol::Shape::kBare : protocol::Shape::kReply;
  }

  Core& core_;
  // What a delivery and its flush look at stands together, up to the session's first line.
  std::unique_ptr<net::Stream> stream_;
  Outbox outbox_;

 private:
  // Deadlines of the session, which few connections have.
  struct SessionTimer final : net::Timer {
    explicit SessionTimer(Connection& of) : connection(of) {}
    void on_timer() override { connection.session_.on_deadline(connection.core_, connection); }
    Connection& connection;
  };
  // Publications that came before the reply to the client's connect, and go after it.
  struct Held {
    std::vector<std::pair<base::SharedBytes, uint32_t>> frames;
    size_t bytes = 0;
  };

  void append_message(base::FunctionRef<void(std::string&)> append);
  void push_connected(const protocol::ConnectResult& result);
  void tell_unidirectional(const protocol::ReplyBody& body);
  void hold(const base::SharedBytes& frames, uint32_t messages);
  void release_held();
  void let_wait(const base::SharedBytes& frames, uint32_t messages);
  void seal_replies();
  void discard_input();
  void mark_dirty();
  void await_pong();
  void on_open_timer();
  bool moving();
  void make_room();
  void note_outbox_bytes(size_t bytes);

  int64_t noted_outbox_bytes_ = 0;  // of ours in the gauge
  // messages of this turn, to leave as one frame; null while there are none
  std::unique_ptr<std::string> replies_;

 protected:
  State state_ = State::kOpen;
  bool reading_paused_ = false;
  bool broken_ = false;      // nobody said goodbye: the client may be back soon
  bool peer_ended_ = false;  // its FIN was read while we still had something to send

 private:
  bool dirty_ = false;
  bool quiet_ = false;  // nothing was written since keep_alive() was called last
  bool echo_ = false;
  bool awaiting_pong_ = false;
  bool pong_window_ = false;  // the timer runs for the time a pong has, not for the next ping
  bool left_ = false;
  bool delayed_ = false;  // the core will call when output has waited long enough
  const Transport transport_;
  const Variant variant_;
  // messages that the outbox was given since it was flushed last
  uint32_t messages_to_flush_ = 0;

 protected:
  Session session_;

 private:
  std::unique_ptr<SessionTimer> session_timer_;  // null while there is no deadline
  std::unique_ptr<Held> held_;                   // null unless connecting
  size_t unread_at_ping_ = 0;                    // what waited for the client when it was pinged
  base::ConnectionRef ref_;                      // last: what is behind it has room for more
};

}  // namespace millrace::edge
