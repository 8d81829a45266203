// How a client that only listens is told that it can't connect: there are no errors in what it
// hears.
//
//   an error  ──▶  the response for its code  (SSE and HTTP streaming, where there is one)
//      │ otherwise
//      ▼
//   a disconnect, of the hub, of the server or for that error
//      │  ──▶  the response for its code  (as above)
//      │ otherwise
//      ▼
//   the stream, with the disconnect as its only push; or a WebSocket's close frame
//
// Source: client.connect_code_to_unidirectional_disconnect and connect_code_to_http_response of
// Centrifugo v6, which answers 500 where there is no response for a code. An EventSource that gets
// a 500 never comes back, whatever the code says; so here it gets its stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/edge.h"

namespace millrace::edge {

// The disconnect for an error: one of `own`, or the usual one. Its reason is a view of `own`.
model::Disconnect disconnect_for(const model::ReplyError& error,
                                 std::span<const ErrorToDisconnect> own);

// What a response that is a stream begins with, and what it is instead where the client can't
// connect.
struct Opening {
  std::string head;
  std::vector<std::pair<std::string, std::string>> headers;  // of the other response
  // The responses that there are; they outlive it.
  std::span<const CodeToResponse> refusals;

  // The whole response for this code, or "" if there is none. `meaning` is its body where it has no
  // other.
  std::string refusal(uint32_t code, std::string_view meaning) const;
};

}  // namespace millrace::edge
