// What a command that is not the server came to.
#pragma once

#include <string>

namespace millrace::app {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitMisuse = 2;

struct CommandResult {
  int exit_code = 0;
  std::string output{};  // for standard output
  std::string error{};   // for standard error
};

inline CommandResult failure(const std::string& why, int exit_code = kExitFailed) {
  return {.exit_code = exit_code, .error = "millrace: " + why + "\n"};
}

}  // namespace millrace::app
