// What a command that is not the server came to.
#pragma once

#include <string>

namespace millrace::app {

struct CommandResult {
  int exit_code = 0;
  std::string output{};  // for standard output
  std::string error{};   // for standard error
};

}  // namespace millrace::app
