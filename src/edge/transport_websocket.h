// The door: an HTTP request that asks for a WebSocket becomes a Connection, or gets the HTTP status
// that says why not.
#pragma once

#include "edge/core.h"
#include "http/http.h"

namespace millrace::edge {

enum class Endpoint : uint8_t { kClient, kUnidirectional, kEcho };

// In this order: is it a sound handshake (400, 405, 426), may this origin (403), is there room (503
// with Retry-After). The protocol's format comes from the subprotocol, `?format=protobuf` or
// `?cf_protocol=protobuf`; JSON otherwise, and for unidirectional clients. These connect with their
// first message, or with what their request says (unidirectional.h).
void accept_websocket(Core& core, const http::Request& request, http::Responder responder,
                      Endpoint endpoint);

}  // namespace millrace::edge
