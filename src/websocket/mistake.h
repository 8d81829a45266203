// What a peer did wrong, as it goes into our close frame.
#pragma once

#include <string_view>

#include "websocket/websocket.h"

namespace millrace::websocket {

struct Mistake {
  CloseCode code = CloseCode::kProtocolError;
  std::string_view reason;  // a literal
};

}  // namespace millrace::websocket
