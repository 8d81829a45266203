// Assertions: for bugs only, never for input. MILLRACE_ASSERT is on in every build;
// MILLRACE_DEBUG_ASSERT only in debug builds, for checks on a hot path. A failed one prints the
// condition and its place, and aborts.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace millrace::base {

[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace millrace::base

#define MILLRACE_ASSERT(condition)                                        \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::millrace::base::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)

#ifdef NDEBUG
#define MILLRACE_DEBUG_ASSERT(condition) static_cast<void>(0)
#else
#define MILLRACE_DEBUG_ASSERT(condition) MILLRACE_ASSERT(condition)
#endif
