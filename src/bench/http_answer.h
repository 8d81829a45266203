// Answers to HTTP requests, as far as a load generator has to understand them: a status, and a body
// whose length is said.
#pragma once

#include <cstddef>
#include <string_view>

#include "bench/frames.h"

namespace millrace::bench {

// A head that is longer is none.
inline constexpr size_t kHttpHeadBytesMax = 16UL * 1024;

struct HttpAnswer {
  int status = 0;
  std::string_view body{};  // within what was read
  size_t bytes = 0;         // with its head
};

// The answer that `bytes` begin with. Broken is one that is none, that is longer than
// kFrameBytesMax, or that comes in chunks.
FrameStatus read_answer(std::string_view bytes, HttpAnswer& answer);

}  // namespace millrace::bench
