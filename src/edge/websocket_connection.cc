#include "edge/websocket_connection.h"

#include <utility>

namespace millrace::edge {

// What the decoder has found. Not a part of the connection, which would be larger by a pointer.
class WebSocketConnection::Input final : public websocket::Receiver {
 public:
  explicit Input(WebSocketConnection& connection) : to_(connection) {}

  bool on_message(websocket::Opcode opcode, std::string_view payload) override {
    if (to_.state_ == State::kOpen) to_.on_message(opcode, payload);
    return true;
  }
  bool on_ping(std::string_view payload) override {
    note_control();
    if (to_.state_ == State::kOpen) to_.push_control(websocket::Opcode::kPong, payload);
    return true;
  }
  bool on_pong(std::string_view) override {
    note_control();
    // An unsolicited pong is allowed (RFC 6455, section 5.5.3).
    if (to_.pings_by_frame()) to_.on_pong();
    return true;
  }
  void on_close(uint16_t code, std::string_view) override {
    note_control();
    to_.on_peer_close(code);
  }
  void on_error(websocket::CloseCode code, std::string_view reason) override {
    to_.on_error(code, reason);
  }

 private:
  void note_control() { to_.core_.metrics.add(metrics::Counter::kControlInbound); }
  WebSocketConnection& to_;
};

WebSocketConnection::WebSocketConnection(Core& core, std::unique_ptr<net::Stream> stream,
                                         const Options& options)
    : Connection(core, std::move(stream), options.transport, options.variant),
      deflate_window_bits_(static_cast<uint8_t>(options.deflate_window_bits)),
      frame_pings_(options.frame_pings) {
  if (options.echo) set_echo();
}

void WebSocketConnection::start(std::string_view handshake, std::string unread,
                                const protocol::ConnectRequest* connect) {
  push_frame(base::SharedBytes::copy_of(handshake), 0);
  if (!echoes()) expect_connect();
  if (connect != nullptr) session_.connect(core_, *this, *connect);
  if (!unread.empty()) take_input(unread);
}

// ---- Input ----

void WebSocketConnection::take_input(std::span<char> bytes) {
  Input input(*this);
  decoder_.feed(bytes, core_.websocket_options(echoes(), variant()), core_.websocket_scratch,
                input);
  update_input();
}

void WebSocketConnection::on_message(websocket::Opcode opcode, std::string_view payload) {
  if (echoes()) return echo(opcode, payload);
  if (variant().bare) return session_.on_bare_connect(core_, *this, payload);
  session_.on_frame(core_, *this, payload);
}

void WebSocketConnection::echo(websocket::Opcode opcode, std::string_view payload) {
  core_.metrics.add(metrics::Counter::kEchoMessages);
  std::string frame;
  if (!variant().deflate ||
      !websocket::append_deflated(frame, opcode, payload, core_.options.compression_level,
                                  deflate_window_bits_)) {
    websocket::append_frame(frame, opcode, payload);
  }
  push_frame(base::SharedBytes::copy_of(frame), 0);
}

void WebSocketConnection::on_peer_close(uint16_t code) {
  if (state_ != State::kOpen) return finish();
  const auto no_status = static_cast<uint16_t>(websocket::CloseCode::kNoStatus);
  push_close(code == 0 ? no_status : code, {}, State::kFinishing);
}

void WebSocketConnection::on_error(websocket::CloseCode code, std::string_view reason) {
  if (state_ != State::kOpen) return finish();
  core_.metrics.add(metrics::CodeCounter::kDisconnects, static_cast<uint32_t>(code));
  push_close(static_cast<uint16_t>(code), reason, State::kFinishing);
}

// A client that is not to be heard now is not read from either.
void WebSocketConnection::update_input() {
  if (state_ != State::kOpen) return;
  // Frames of a client that is still connecting would have to be kept.
  const bool pause = session_.connecting() || too_many_in_flight(reading_paused_);
  if (pause == reading_paused_) return;
  reading_paused_ = pause;
  stream_->pause_reading(pause);
}

// ---- Output ----

void WebSocketConnection::push_control(websocket::Opcode opcode, std::string_view payload) {
  std::string frame;
  websocket::append_frame(frame, opcode, payload);
  core_.metrics.add(metrics::Counter::kControlOutbound);
  push_frame(base::SharedBytes::copy_of(frame), 0);
}

void WebSocketConnection::ping() {
  if (!frame_pings_) Connection::ping();
  if (pings_by_frame()) push_control(websocket::Opcode::kPing, {});
}

// ---- Closing ----

// A unidirectional client may know no close codes: it is told by a push too.
void WebSocketConnection::say_goodbye(const model::Disconnect& why) {
  if (variant().bare) {
    const UniWebSocketTransport& options = core_.options.uni_websocket;
    if (options.disconnect_push) push({}, protocol::DisconnectPush{why});
    if (!options.closing_handshake) return begin_close(State::kFinishing);
  }
  push_close(why.code, why.reason, State::kClosing);
}

void WebSocketConnection::push_close(uint16_t code, std::string_view reason, State state) {
  std::string frame;
  websocket::append_close(frame, code, reason);
  core_.metrics.add(metrics::Counter::kControlOutbound);
  push_frame(base::SharedBytes::copy_of(frame), 0);
  begin_close(state);
}

}  // namespace millrace::edge
