// `millrace doctor`: how many connections this machine can hold.
#pragma once

#include <string>

#include "app/command_result.h"
#include "config/config.h"

namespace millrace::app {

// The machine's files are read below `root`. Exit code 1: it can't hold as many as were asked for.
CommandResult doctor(const config::Invocation& invocation, const std::string& root);

}  // namespace millrace::app
