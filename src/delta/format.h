// The parts of the delta format: its integers and its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::delta {

// Integers are base-64 digits, most significant first, without padding; zero is "0". The alphabet
// is in the order of its ASCII codes: 0-9 A-Z _ a-z ~.
void append_integer(std::string& out, uint32_t value);

// How many digits append_integer() writes.
size_t integer_digits(uint32_t value);

// Takes an integer off the front of `text`. False if there is none, or one of more than 32 bits.
bool read_integer(std::string_view& text, uint32_t& value);

// The sum of the big-endian 32-bit words of `bytes`, modulo 2^32; the last word is filled up with
// zeros.
uint32_t checksum(std::string_view bytes);

}  // namespace millrace::delta
