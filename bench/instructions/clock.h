// A clock that moves only when it is told to. The whole program tells the time by it, libraries
// included: clock.cc stands in for the C library's clock_gettime().
#pragma once

#include "base/clock.h"

namespace millrace::instructions {

void advance_clock(base::Duration duration);

}  // namespace millrace::instructions
