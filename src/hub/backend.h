// What the hub asks of the application's backend. Declared here, implemented by webhook/; part of
// hub.h, which includes this.
//
// Cores      One for each hub, on its core. `done` runs there, exactly once, within the call or
//            later. It must not destroy the backend. Destroying that drops who waits, without a
//            call.
// Limits     The implementation's: over them errors::kTooManyRequests, so that clients come back
//            later.
// Failure    Of the backend, whatever it is: errors::kInternal; of what the client brought to be
//            told there: errors::kBadRequest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "auth/auth.h"
#include "model/model.h"

namespace millrace::hub {

// What is said of a client that comes without a token.
struct Visitor {
  std::string_view transport{};  // "websocket": a constant
  bool binary = false;           // it speaks Protobuf: `data` is bytes rather than JSON
  std::string name{};
  std::string version{};
  std::string data{};
  std::vector<std::string> channels{};  // that it asks for
  // Of the request that brought it and of its connect command, those that may be passed on; checked
  // to be headers of HTTP.
  std::vector<std::pair<std::string, std::string>> headers{};
  // Who it is, as a proxy in front that is trusted has said; "": none has. Not the backend's
  // business.
  std::string user{};
};

// The backend's own words for a client that it does not let in.
struct TurnedAway {
  enum class How : uint8_t { kError, kDisconnect };
  How how = How::kError;
  uint32_t code = 0;  // of a disconnect: 3000 to 4999
  std::string text{};
  bool temporary = false;  // of an error
};

// The backend does not say who it is.
struct Unknown {};

class Backend {
 public:
  using Verdict = std::variant<Unknown, auth::Grant, TurnedAway, model::ReplyError>;
  using Done = std::move_only_function<void(Verdict)>;

  // May this client come in, and who is it? `client` is its id. Nothing of the visitor is looked at
  // after the call.
  virtual void connect(std::string_view client, const Visitor& visitor, Done done) = 0;

 protected:
  ~Backend() = default;
};

}  // namespace millrace::hub
