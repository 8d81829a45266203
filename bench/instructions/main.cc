// instructions SCENARIO   runs one, and prints `operations OPERATION`
// instructions            prints the names of all of them
// instructions --compiler prints what compiled it
//
// check.py counts the instructions.
#include <cstdio>
#include <string_view>

#include "bench/instructions/scenarios.h"

int main(int count, char** arguments) {
  using millrace::instructions::Scenario;
  using millrace::instructions::scenarios;
  if (count == 1) {
    for (const Scenario& each : scenarios()) std::printf("%s\n", each.name.data());
    return 0;
  }
  if (arguments[1] == std::string_view("--compiler")) {
    std::printf("g++ %s\n", __VERSION__);
    return 0;
  }
  for (const Scenario& each : scenarios()) {
    if (each.name != arguments[1]) continue;
    std::printf("%zu %s\n", each.run(), each.operation.data());
    return 0;
  }
  std::fprintf(stderr, "instructions: no scenario %s\n", arguments[1]);
  return 2;
}
