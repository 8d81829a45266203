// One WebSocket connection: its stream, its frames, its pending output and its deadlines, from the
// upgrade to the last byte.
//
// Lives on one core, owned by that core's table; destroyed only at the end of a turn. What the
// messages mean is the Session's business; a connection without one echoes. The life of a
// connection is drawn in connection.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "edge/core.h"
#include "edge/outbox.h"
#include "edge/session.h"
#include "net/net.h"
#include "websocket/websocket.h"

namespace millrace::edge {

class Connection final : public net::StreamHandler,
                         public net::Timer,
                         public websocket::Receiver,
                         public Session::Host {
 public:
  struct Options {
    std::optional<protocol::Format> format;  // of the client's session; nullopt: an echo
    bool deflate = false;                    // as negotiated
    int deflate_window_bits = 15;            // of what we send
    bool frame_pings = false;                // WebSocket's own pings instead of the protocol's
  };

  Connection(Core& core, std::unique_ptr<net::Stream> stream, const Options& options);
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Once, after it was adopted: sends the handshake's response and takes the bytes that came behind
  // the request.
  void start(std::string_view handshake, std::string unread);

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

  void set_ref(const base::ConnectionRef& ref) { ref_ = ref; }
  void answer(hub::Answer& answer);

  void carry_out(const hub::Order& order);

  // Session::Host
  base::ConnectionRef ref() const override { return ref_; }
  void reply(uint32_t id, const protocol::ReplyBody& body) override;
  void push(std::string_view channel, const protocol::PushBody& body) override;
  void close(const model::Disconnect& why) override;
  void on_connected() override;
  bool pings_by_protocol() const override { return !frame_pings_; }
  bool on_pong() override;
  bool closing() const override { return state_ != State::kOpen; }
  bool backlogged() const override;
  bool broken() const override { return broken_; }
  bool deflates() const override { return deflate_; }
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
  void on_readable() override;
  void on_writable() override { mark_dirty(); }
  // net::Timer
  void on_timer() override;

  // websocket::Receiver
  bool on_message(websocket::Opcode opcode, std::string_view payload) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view payload) override;
  void on_close(uint16_t code, std::string_view reason) override;
  void on_error(websocket::CloseCode code, std::string_view reason) override;

 private:
  enum class State : uint8_t { kOpen, kClosing, kFinishing, kLingering, kDone };

  void feed(std::span<char> bytes);
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
  void hold(const base::SharedBytes& frames, uint32_t messages);
  void release_held();
  void push_frame(base::SharedBytes frame, uint32_t messages);
  void let_wait(const base::SharedBytes& frames, uint32_t messages);
  void push_control(websocket::Opcode opcode, std::string_view payload);
  void seal_replies();
  void begin_close(uint16_t code, std::string_view reason, bool wait_for_peer);
  void finish();
  void discard_input();
  void done();
  void mark_dirty();
  void ping();
  void on_open_timer();
  bool moving();
  void update_reading();
  void make_room();
  void note_outbox_bytes(size_t bytes);

  Core& core_;
  // What a delivery and its flush look at stands together, up to the session's first line.
  std::unique_ptr<net::Stream> stream_;
  Outbox outbox_;
  int64_t noted_outbox_bytes_ = 0;  // of ours in the gauge
  // messages of this turn, to leave as one frame; null while there are none
  std::unique_ptr<std::string> replies_;
  State state_ = State::kOpen;
  bool dirty_ = false;
  bool reading_paused_ = false;
  const bool echo_;  // the session is not used
  bool deflate_ = false;
  uint8_t deflate_window_bits_ = 15;
  bool frame_pings_ = false;
  bool awaiting_pong_ = false;
  bool pong_window_ = false;  // the timer runs for the time a pong has, not for the next ping
  bool left_ = false;
  bool broken_ = false;      // nobody said goodbye: the client may be back soon
  bool peer_ended_ = false;  // its FIN was read while we still had something to send
  bool delayed_ = false;     // the core will call when output has waited long enough
  // messages that the outbox was given since it was flushed last
  uint32_t messages_to_flush_ = 0;
  Session session_;
  websocket::Decoder decoder_;
  std::unique_ptr<SessionTimer> session_timer_;  // null while there is no deadline
  std::unique_ptr<Held> held_;                   // null unless connecting
  base::ConnectionRef ref_;
  size_t unread_at_ping_ = 0;  // what waited for the client when it was pinged
};
static_assert(sizeof(Connection) <= 288, "one for each client");

}  // namespace millrace::edge
