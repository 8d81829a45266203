// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "doctor/doctor.h"

namespace millrace::doctor {

// "1,048,576"
std::string grouped(uint64_t number);
// grouped(), or "unlimited"; "unknown" without a value.
std::string grouped(Number number);
// "22.7 GiB"; below a GiB "512 MiB". "none" for kNoLimit.
std::string bytes_text(uint64_t bytes);

// To the next number of two digits and zeros: 10,256 gives 11,000.
uint64_t rounded_up(uint64_t number);
// To the number of three digits and zeros below: 19,744 gives 19,700.
uint64_t rounded_down(uint64_t number);

}  // namespace millrace::doctor
