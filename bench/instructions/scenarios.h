// Fixed pieces of work of a server's core, whose instructions are counted.
//
// Each is a process of its own, does what it does many times, and says how many times that was. It
// also makes sure that the work was done: a scenario that counts nothing would be a fast one.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace::instructions {

struct Scenario {
  std::string_view name;
  std::string_view operation;  // of which there are so many; what is counted is shared out to them
  size_t (*run)();             // returns how many operations
};

std::span<const Scenario> scenarios();

}  // namespace millrace::instructions
