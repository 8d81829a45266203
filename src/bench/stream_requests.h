// The HTTP requests of those that are not on a WebSocket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/dialect.h"
#include "bench/engine.h"
#include "bench/options.h"
#include "bench/target.h"

namespace millrace::bench {

Carriage carriage_of(const Options& options);

// Opens a stream, or a session that is polled for; `body` is what the client says.
std::string opening_request(const Url& url, const Options& options, std::string_view body);
// Brings a session's pong.
std::string pong_request(const Url& url, const Options& options, const SessionName& session);
// Asks for what comes behind the first `received` answers.
std::string poll_request(const Url& url, const SessionName& session, uint32_t received);

}  // namespace millrace::bench
