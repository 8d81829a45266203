// `millrace publish CHANNEL DATA`: one publication through the API of a server that runs.
#pragma once

#include <cstdio>

#include "app/command_result.h"
#include "config/config.h"

namespace millrace::app {

// `input` is where data that is "-" comes from. Blocks until the server has answered.
CommandResult publish(const config::Invocation& invocation, std::FILE* input);

}  // namespace millrace::app
