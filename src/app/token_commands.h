// `millrace gen-token` and `millrace check-token`: for people who try tokens out, or wonder why one
// is refused.
#pragma once

#include <cstdint>

#include "app/command_result.h"
#include "config/config.h"

namespace millrace::app {

// `now` is in Unix seconds.
CommandResult generate_token(const config::Invocation& invocation, int64_t now);

// Blocks while a key set is fetched.
CommandResult check_token(const config::Invocation& invocation, int64_t now);

}  // namespace millrace::app
