// The doors of clients without a WebSocket: an HTTP request becomes a StreamConnection, or is
// brought to one, or gets the status that says why not.
//
//   http_stream, sse, uni_*   the response is the stream; it ends with its connection, so that
//                             proxies of HTTP/1.0 and 1.1 pass it on alike
//   long_poll                 the response is what came of the first commands; then polls follow
//   emulation                 commands for a session of one of these
//
// Formats: Protobuf for http_stream and long_poll with `Content-Type: application/octet-stream`;
// JSON otherwise. Source: the Centrifuge client protocol's emulated and unidirectional transports;
// long polling is ours (docs/protocol.md).
#pragma once

#include "edge/core.h"
#include "http/http.h"

namespace millrace::edge {

// Those that are on. `core` must outlive the router.
void add_http_transports(Core& core, http::Router& router);

}  // namespace millrace::edge
