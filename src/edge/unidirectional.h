// What a unidirectional client connects with: a ConnectRequest as JSON in `cf_connect` or in the
// body, and for those that have no JSON at hand (curl, EventSource) query parameters:
//
//   channel=NAME         a channel to subscribe to; may be repeated
//   token=TOKEN          the connection's token
//   last_event_id=ID     as the header Last-Event-ID, which comes first: where to go on
#pragma once

#include "base/function_ref.h"
#include "base/result.h"
#include "http/http.h"
#include "protocol/protocol.h"

namespace millrace::edge {

// Calls `on_connect` once, with views that live until it returns; or fails, with kInvalid and why.
base::Result<> read_unidirectional(
    const http::Request& request,
    base::FunctionRef<void(const protocol::ConnectRequest&)> on_connect);

}  // namespace millrace::edge
