// `millrace bench`: the load generator. It opens connections as clients do, publishes, counts what
// arrives, and tells what that cost the server.
//
// Called by app/'s main with the words behind `bench`. One thread; where more files have to be open
// than one process may have, it forks into several, which share one page of figures.
//
// Limits     kProcessesMax generator processes; a window of kWindowMax messages in flight.
// Failure    Bad options: one line for standard error and exit code 2. Lost or repeated messages,
//            failed connections and the like: exit code 1, after the figures.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace millrace::bench {

inline constexpr size_t kProcessesMax = 256;
inline constexpr size_t kWindowMax = 65'536;

// Runs what the words ask for; blocks until it is done. Returns the exit code of the program.
// Prints the table to standard output, progress and complaints to standard error.
int run_command(std::span<const std::string> words);

}  // namespace millrace::bench
