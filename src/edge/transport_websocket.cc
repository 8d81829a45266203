#include "edge/transport_websocket.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "edge/unidirectional.h"
#include "edge/websocket_connection.h"
#include "websocket/websocket.h"

namespace millrace::edge {
namespace {

constexpr std::string_view kProtobuf = "centrifuge-protobuf";
constexpr std::array<std::string_view, 2> kSubprotocols{kProtobuf, "centrifuge-json"};

protocol::Format format_of(const http::Request& request, const websocket::Handshake& handshake) {
  const bool asked =
      request.parameter("format") == "protobuf" || request.parameter("cf_protocol") == "protobuf";
  return asked || handshake.protocol == kProtobuf ? protocol::Format::kProtobuf
                                                  : protocol::Format::kJson;
}

// A publication is compressed once for all its subscribers, so clients that demand a smaller window
// than the others go without compression; an echo compresses for itself.
int window_bits_min(Endpoint endpoint) {
  return endpoint == Endpoint::kEcho ? 9 : 15;
}

Variant variant_of(const Core& core, Endpoint endpoint, const http::Request& request,
                   const websocket::Handshake& handshake) {
  Variant variant{.deflate = handshake.deflate};
  if (endpoint == Endpoint::kClient) variant.format = format_of(request, handshake);
  if (endpoint != Endpoint::kUnidirectional) return variant;
  variant.bare = true;
  if (!core.options.uni_websocket.join_push_messages) variant.framing = Framing::kFrameEach;
  return variant;
}

// Whether the request itself says what a unidirectional client connects with.
bool says_connect(const http::Request& request) {
  return request.parameter("cf_connect") || request.parameter("channel") ||
         request.parameter("token");
}

std::unique_ptr<Connection> make_connection(Core& core, std::unique_ptr<net::Stream> stream,
                                            const WebSocketConnection::Options& options) {
  if (options.variant.bare)
    return std::make_unique<UniWebSocketConnection>(core, std::move(stream), options);
  return std::make_unique<WebSocketConnection>(core, std::move(stream), options);
}

Transport transport_of(Endpoint endpoint) {
  return endpoint == Endpoint::kUnidirectional ? Transport::kUniWebSocket : Transport::kWebSocket;
}

void reject(Core& core, http::Responder& responder, Transport transport,
            metrics::TransportCounter outcome, http::Response response) {
  core.metrics.add(outcome, transport);
  response.close = true;
  responder.send(std::move(response));
}

void reject_handshake(Core& core, http::Responder& responder, Transport transport,
                      const websocket::HandshakeError& why) {
  http::Response response = http::Response::text(why.status, std::string(why.reason) + "\n");
  if (why.status == 426) {
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    response.headers.emplace_back("Upgrade", "websocket");
  }
  reject(core, responder, transport, metrics::TransportCounter::kHandshakeRejected,
         std::move(response));
}

}  // namespace

void accept_websocket(Core& core, const http::Request& request, http::Responder responder,
                      Endpoint endpoint) {
  const Transport transport = transport_of(endpoint);
  responder.count_as(transport);
  const http::JoinedHeader connection = request.joined_header("Connection");
  const http::JoinedHeader protocols = request.joined_header("Sec-WebSocket-Protocol");
  const http::JoinedHeader extensions = request.joined_header("Sec-WebSocket-Extensions");
  const http::JoinedHeader upgrade = request.joined_header("Upgrade");
  const http::JoinedHeader key = request.joined_header("Sec-WebSocket-Key");
  const http::JoinedHeader version = request.joined_header("Sec-WebSocket-Version");
  const auto handshake = websocket::accept_handshake(
      {.method = request.method,
       .http_1_1 = request.http_1_1,
       .upgrade = upgrade.view(),
       .connection = connection.view(),
       .key = key.view(),
       .version = version.view(),
       .protocols = protocols.view(),
       .extensions = extensions.view()},
      {.protocols = endpoint == Endpoint::kClient ? std::span(kSubprotocols)
                                                  : std::span<const std::string_view>{},
       .deflate = endpoint == Endpoint::kUnidirectional ? core.options.uni_websocket.compression
                                                        : core.options.compression,
       .deflate_window_bits_min = window_bits_min(endpoint)});
  if (!handshake) return reject_handshake(core, responder, transport, handshake.error());
  if (!origin_allowed(request.header("Origin"), request.header("Host"),
                      core.options.allowed_origins)) {
    return reject(core, responder, transport, metrics::TransportCounter::kHandshakeOrigin,
                  http::Response::text(403, "origin not allowed\n"));
  }
  auto visitor = core.visitors.of_request(request);
  if (!visitor) {
    const bool large = visitor.error().code == base::ErrorCode::kTooLarge;
    return reject(core, responder, transport, metrics::TransportCounter::kHandshakeRejected,
                  http::Response::text(large ? 431 : 400, visitor.error().message + "\n"));
  }
  if (core.draining || !core.admission.open_connection(core.loop.now(), transport)) {
    http::Response response = http::Response::text(503, "no room for another connection\n");
    response.headers.emplace_back("Retry-After", "1");
    return reject(core, responder, transport, metrics::TransportCounter::kHandshakeLimit,
                  std::move(response));
  }
  const WebSocketConnection::Options options{
      .transport = transport,
      .variant = variant_of(core, endpoint, request, *handshake),
      .echo = endpoint == Endpoint::kEcho,
      .deflate_window_bits = handshake->deflate_window_bits,
      .frame_pings = request.parameter("cf_ws_frame_ping_pong") == "true"};
  // Of a request whose stream was taken nothing is left.
  const bool connects = endpoint == Endpoint::kUnidirectional && says_connect(request);
  const auto begin = [&](const protocol::ConnectRequest* connect) {
    Core::log_client(request, transport);
    std::optional<http::TakenStream> taken = responder.take_stream();
    if (!taken) return core.admission.close_connection(transport);
    core.metrics.add(metrics::TransportCounter::kHandshakeAccepted, transport);
    auto& made = static_cast<WebSocketConnection&>(
        core.adopt(make_connection(core, std::move(taken->stream), options)));
    if (!options.echo) made.introduce(std::move(*visitor));
    made.start(handshake->response, std::move(taken->unread), connect);
  };
  if (!connects) return begin(nullptr);
  const base::Result<> read = read_unidirectional(
      request, [&](const protocol::ConnectRequest& connect) { begin(&connect); });
  if (read) return;
  core.admission.close_connection(transport);
  reject(core, responder, transport, metrics::TransportCounter::kHandshakeRejected,
         http::Response::text(400, read.error().message + "\n"));
}

}  // namespace millrace::edge
