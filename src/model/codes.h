// Error, disconnect and unsubscribe codes: the table of proto/codes.json in C++.
//
// Ranges (Centrifuge client protocol): disconnect 3000-3499 and 4000-4499 make a client reconnect,
// 3500-3999 and 4500-4999 are final; unsubscribe 2500-2999 makes it subscribe again, 2000-2499 is
// final.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::model {

// A reply's error. Constants are in namespace `errors`: errors::kPermissionDenied.
struct ReplyError {
  uint32_t code = 0;
  std::string_view message;
  bool temporary = false;
};

// Why the server closes a connection. Constants are in namespace `disconnects`:
// disconnects::kShutdown.
struct Disconnect {
  uint16_t code = 0;
  std::string_view reason;
  bool reconnects() const { return (code >= 3000 && code < 3500) || (code >= 4000 && code < 4500); }
};

// Why the server ends a subscription. Constants are in namespace `unsubscribes`:
// unsubscribes::kServer.
struct Unsubscribe {
  uint32_t code = 0;
  std::string_view reason;
};

}  // namespace millrace::model

#include "model/codes_table.h"  // generated from proto/codes.json
