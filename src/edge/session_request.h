// A request that names a session, on its way to the core where that lives, and what is answered.
// Plain values, so that they can cross cores, and nodes (control_codec.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "edge/session_id.h"
#include "metrics/metrics.h"

namespace millrace::edge {

struct SessionRequest {
  enum class Kind : uint8_t {
    kCommands,  // `data` is a frame of them
    kPoll,      // what comes after the first `ack` responses
    kLetGo,     // nobody waits for the answer to the poll with this `ack` any more
    kGoodbye,   // a polling client goes
  };
  SessionId session{};
  Kind kind = Kind::kCommands;
  std::string data{};
  uint64_t ack = 0;
};

struct SessionAnswer {
  int status = 204;  // of HTTP; 200 if there is a body
  std::string body{};
  std::string content_type{};  // of the body
  // Of the session, where there is one: what the request's bytes count as.
  metrics::Transport transport = metrics::Transport::kHttp;
};

// Called once, on the core that asked; or destroyed with that, uncalled.
using SessionAnswered = std::move_only_function<void(SessionAnswer)>;

}  // namespace millrace::edge
