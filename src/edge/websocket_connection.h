// A client behind a WebSocket: frames in, frames out, and both close frames at the end (RFC 6455).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/connection.h"
#include "edge/session_id.h"
#include "websocket/websocket.h"

namespace millrace::edge {

class WebSocketConnection : public Connection {
 public:
  struct Options {
    Transport transport = Transport::kWebSocket;
    Variant variant{};
    bool echo = false;             // no session: what comes is sent back
    int deflate_window_bits = 15;  // of what we send, if that is deflated
    bool frame_pings = false;      // WebSocket's own pings instead of the protocol's
  };

  WebSocketConnection(Core& core, std::unique_ptr<net::Stream> stream, const Options& options);

  // Once, after it was adopted: sends the handshake's response and takes the bytes that came behind
  // the request. `connect` is what a unidirectional client said in its request; null if it is to
  // say it in its first message.
  void start(std::string_view handshake, std::string unread,
             const protocol::ConnectRequest* connect = nullptr);

  // Session::Host
  std::string session_id() const override { return {}; }
  bool pings_by_protocol() const override { return !frame_pings_; }
  // Every WebSocket answers its own pings, also of a client that only listens.
  bool wants_pongs() const override { return true; }

 private:
  class Input;
  bool pings_by_frame() const { return frame_pings_ || variant().bare; }
  void take_input(std::span<char> bytes) override;
  void say_goodbye(const model::Disconnect& why) override;
  void ping() override;
  void update_input() override;

  void on_message(websocket::Opcode opcode, std::string_view payload);
  void on_peer_close(uint16_t code);
  void on_error(websocket::CloseCode code, std::string_view reason);
  void echo(websocket::Opcode opcode, std::string_view payload);
  void push_control(websocket::Opcode opcode, std::string_view payload);
  void push_close(uint16_t code, std::string_view reason, State state);

  uint8_t deflate_window_bits_ = 15;
  bool frame_pings_ = false;
  websocket::Decoder decoder_;
};
static_assert(sizeof(WebSocketConnection) <= 288, "one for each client");

// A client that only listens. It has a session id, for the server API.
class UniWebSocketConnection final : public WebSocketConnection {
 public:
  UniWebSocketConnection(Core& core, std::unique_ptr<net::Stream> stream, const Options& options)
      : WebSocketConnection(core, std::move(stream), options), secret_(make_uuid(core.random)) {}
  std::string session_id() const override { return to_string(SessionId{ref(), secret_}); }

 private:
  const base::Uuid secret_;
};

}  // namespace millrace::edge
