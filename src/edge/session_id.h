// What requests name a session by: where it lives, and a secret that only its client knows.
//
// "<slot>-<generation>-<core>-<secret>", numbers in hexadecimal, the secret as a UUID. Who has it
// may speak for the client, so the secret is from the operating system's randomness.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/random.h"

namespace millrace::edge {

struct SessionId {
  base::ConnectionRef connection;
  base::Uuid secret{};
  friend bool operator==(const SessionId&, const SessionId&) = default;
};

std::string to_string(const SessionId& id);
// nullopt for anything that to_string() does not write. The connection may be none that there is.
std::optional<SessionId> parse_session_id(std::string_view text);

}  // namespace millrace::edge
