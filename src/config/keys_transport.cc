// The keys of the transports: how clients reach the server.
#include <chrono>

#include "config/bind.h"

namespace millrace::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConnectionLimitText =
    "Connections of this transport that this node accepts; 0: only client.connection_limit counts.";

using ConfigKeys = std::vector<Key<Config>>;

// What both WebSockets have, whatever their struct.
template <auto Member, class WebSocket>
void add_compression(ConfigKeys& keys, const std::string& group) {
  add<Member, &WebSocket::compression>(keys, group + "compression",
                                       "Offers permessage-deflate to clients that ask for it.");
  add<Member, &WebSocket::compression_min_size>(keys, group + "compression_min_size",
                                                "Bytes from which on a message is compressed.")
      .range(0, 64 * kMiB);
  add<Member, &WebSocket::compression_level>(keys, group + "compression_level",
                                             "From 1, fast, to 9, small.")
      .range(1, 9);
}

void add_websocket(ConfigKeys& keys) {
  constexpr auto kWebSocket = &Config::websocket;
  add<kWebSocket, &WebSocket::disabled>(keys, "websocket.disabled",
                                        "Turns the WebSocket endpoint off.");
  add<kWebSocket, &WebSocket::handler_prefix>(keys, "websocket.handler_prefix",
                                              "Path of the WebSocket endpoint.");
  add_compression<kWebSocket, WebSocket>(keys, "websocket.");
  add<kWebSocket, &WebSocket::message_size_limit>(
      keys, "websocket.message_size_limit",
      "Bytes of a message from a client; over it: close code 1009.")
      .range(1, 64 * kMiB);
  add<kWebSocket, &WebSocket::message_fragments_limit>(
      keys, "websocket.message_fragments_limit",
      "Frames that one message may come in; over it: close code 1009.")
      .range(1, kMiB)
      .ours();
  add<kWebSocket, &WebSocket::write_timeout>(
      keys, "websocket.write_timeout",
      "How long the kernel may take none of what waits for a client, before it is closed.")
      .range(10ms, 1h)
      .later();
  add<kWebSocket, &WebSocket::connection_limit>(keys, "websocket.connection_limit",
                                                kConnectionLimitText)
      .range(0, kCountMax)
      .ours();
}

// What all transports over HTTP have, whatever their struct.
template <auto Member, class Transport>
void add_common(ConfigKeys& keys, const std::string& group, std::string_view enabled_text,
                std::string_view path_text) {
  add<Member, &Transport::enabled>(keys, group + "enabled", enabled_text);
  add<Member, &Transport::handler_prefix>(keys, group + "handler_prefix", path_text);
}

template <auto Member, class Transport>
void add_body_limit(ConfigKeys& keys, const std::string& group) {
  add<Member, &Transport::max_request_body_size>(
      keys, group + "max_request_body_size",
      "Bytes of a request's body; over it, or over http_server.body_bytes_max: 413.")
      .range(1, 64 * kMiB);
}

template <auto Member, class Transport>
void add_connection_limit(ConfigKeys& keys, const std::string& group) {
  add<Member, &Transport::connection_limit>(keys, group + "connection_limit", kConnectionLimitText)
      .range(0, kCountMax)
      .ours();
}

template <auto Member>
void add_http_transport(ConfigKeys& keys, const std::string& group, std::string_view enabled_text,
                        std::string_view path_text) {
  add_common<Member, HttpTransport>(keys, group, enabled_text, path_text);
  add_body_limit<Member, HttpTransport>(keys, group);
  add_connection_limit<Member, HttpTransport>(keys, group);
  add<Member, &HttpTransport::keep_alive_interval>(
      keys, group + "keep_alive_interval",
      "A stream on which nothing was said for so long gets bytes that clients do not notice, so "
      "that no proxy takes it for dead; less than the proxies on the way wait. 0: it does not.")
      .range(0ms, 1h)
      .ours();
  add<Member, &HttpTransport::padding_bytes>(
      keys, group + "padding_bytes",
      "Bytes that clients do not notice at the beginning of each stream, for proxies and virus "
      "scanners that hold back the first kilobytes of a response; 2048 is usual where it is "
      "needed.")
      .range(0, 64 * kKiB)
      .ours();
}

void add_fallbacks(ConfigKeys& keys) {
  add_http_transport<&Config::http_stream>(
      keys, "http_stream.",
      "HTTP streaming for clients that a WebSocket is denied (off by default in Centrifugo).",
      "Path of the HTTP streaming endpoint.");
  add_http_transport<&Config::sse>(
      keys, "sse.",
      "Server-sent events for clients that a WebSocket is denied (off by default in Centrifugo).",
      "Path of the endpoint for server-sent events.");
}

void add_long_poll(ConfigKeys& keys) {
  constexpr auto kLongPoll = &Config::long_poll;
  const size_t first = keys.size();
  add_common<kLongPoll, LongPoll>(
      keys, "long_poll.", "Long polling for clients behind proxies that hold responses back.",
      "Path of the long polling endpoint; polls go to the path /poll below it.");
  add_body_limit<kLongPoll, LongPoll>(keys, "long_poll.");
  add<kLongPoll, &LongPoll::hold>(keys, "long_poll.hold",
                                  "How long a poll waits for messages before it is answered "
                                  "without any; less than the proxies on the way wait, and than "
                                  "clients do (timeout in clients/js: 30s).")
      .range(1s, 1h - 1s);
  add<kLongPoll, &LongPoll::poll_timeout>(
      keys, "long_poll.poll_timeout",
      "How long a client may be without a poll before it is taken for gone.")
      .range(1s, 10min);
  add_connection_limit<kLongPoll, LongPoll>(keys, "long_poll.");
  for (size_t i = first; i < keys.size(); ++i) keys[i].ours();
}

void add_emulation(ConfigKeys& keys) {
  add<&Config::emulation, &Emulation::handler_prefix>(
      keys, "emulation.handler_prefix",
      "Path that clients of http_stream, sse and long_poll send their commands to.");
  add_body_limit<&Config::emulation, Emulation>(keys, "emulation.");
}

template <auto Member>
void add_http_responses(ConfigKeys& keys, const std::string& transport) {
  using Responses = Transforms<CodeToHttpResponse>;
  constexpr auto kResponses = &HttpTransport::connect_code_to_http_response;
  const std::string group = transport + "connect_code_to_http_response.";
  add<Member, kResponses, &Responses::enabled>(
      keys, group + "enabled",
      "Answers a connect that fails with the HTTP response for its code; a code without one is "
      "told "
      "on a stream, as without this. Streams begin when it is known who may connect.");
  add<Member, kResponses, &Responses::transforms>(
      keys, group + "transforms",
      "The responses for codes of errors and of disconnects; with an empty body, the body is what "
      "the code means.");
}

void add_disconnects(ConfigKeys& keys) {
  using Disconnects = Transforms<ErrorToDisconnect>;
  constexpr auto kDisconnects = &Client::connect_code_to_unidirectional_disconnect;
  const std::string group = "client.connect_code_to_unidirectional_disconnect.";
  add<&Config::client, kDisconnects, &Disconnects::enabled>(
      keys, group + "enabled",
      "Unidirectional clients, which can't be told an error, get the disconnect that is said here "
      "for it when they can't connect.");
  add<&Config::client, kDisconnects, &Disconnects::transforms>(
      keys, group + "transforms",
      "The disconnects for codes of errors; other errors have the usual ones.");
}

void add_unidirectional(ConfigKeys& keys) {
  constexpr auto kUniWebSocket = &Config::uni_websocket;
  add_common<kUniWebSocket, UniWebSocket>(
      keys, "uni_websocket.", "A WebSocket on which clients only listen; --dev turns it on.",
      "Path of the unidirectional WebSocket endpoint.");
  add_compression<kUniWebSocket, UniWebSocket>(keys, "uni_websocket.");
  add<kUniWebSocket, &UniWebSocket::message_size_limit>(
      keys, "uni_websocket.message_size_limit",
      "Bytes of the message that a client connects with; over it: close code 1009.")
      .range(1, 64 * kMiB);
  add<kUniWebSocket, &UniWebSocket::join_push_messages>(
      keys, "uni_websocket.join_push_messages",
      "Puts pushes that leave together into one frame, a line for each.");
  add<kUniWebSocket, &UniWebSocket::disable_disconnect_push>(
      keys, "uni_websocket.disable_disconnect_push",
      "Tells clients why they are closed by the close frame only, not by a push before it.");
  add<kUniWebSocket, &UniWebSocket::disable_closing_handshake>(
      keys, "uni_websocket.disable_closing_handshake",
      "Closes clients without a WebSocket close frame, as Centrifugo before 6.5.1.");
  add_connection_limit<kUniWebSocket, UniWebSocket>(keys, "uni_websocket.");
  add_http_transport<&Config::uni_sse>(
      keys, "uni_sse.",
      "Server-sent events for clients that only listen, as EventSource does; --dev turns it on.",
      "Path of the unidirectional endpoint for server-sent events.");
  add_http_responses<&Config::uni_sse>(keys, "uni_sse.");
  add_http_transport<&Config::uni_http_stream>(
      keys, "uni_http_stream.",
      "HTTP streaming for clients that only listen, such as curl; --dev turns it on.",
      "Path of the unidirectional HTTP streaming endpoint.");
  add_http_responses<&Config::uni_http_stream>(keys, "uni_http_stream.");
  add_disconnects(keys);
}

void add_init(ConfigKeys& keys) {
  add<&Config::init, &Init::enabled>(
      keys, "init.enabled",
      "Answers {} there, to open connections and to set a balancer's cookies before clients "
      "connect; 503 while the server stops.");
  add<&Config::init, &Init::handler_prefix>(keys, "init.handler_prefix", "Path of that endpoint.");
}

}  // namespace

void add_transport_keys(std::vector<Key<Config>>& keys) {
  add_websocket(keys);
  add_fallbacks(keys);
  add_long_poll(keys);
  add_emulation(keys);
  add_unidirectional(keys);
  add_init(keys);
}

}  // namespace millrace::config
