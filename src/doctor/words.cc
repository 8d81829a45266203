#include "doctor/words.h"

#include <limits>

namespace millrace::doctor {
namespace {

// The power of ten in which `number` is below `end`.
uint64_t unit_of(uint64_t number, uint64_t end) {
  uint64_t unit = 1;
  while (number / unit >= end) unit *= 10;
  return unit;
}

}  // namespace

std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string grouped(Number number) {
  if (!number) return "unknown";
  return *number == kNoLimit ? "unlimited" : grouped(*number);
}

std::string bytes_text(uint64_t bytes) {
  constexpr uint64_t kMebi = 1024UL * 1024;
  constexpr uint64_t kGibi = 1024 * kMebi;
  if (bytes == kNoLimit) return "none";
  if (bytes < kGibi) return grouped(bytes / kMebi) + " MiB";
  const uint64_t rest = bytes % kGibi;
  return grouped(bytes / kGibi) + "." + std::to_string(rest * 10 / kGibi) + " GiB";
}

uint64_t rounded_up(uint64_t number) {
  const uint64_t unit = unit_of(number, 100);
  const uint64_t rest = number % unit;
  if (rest == 0 || number > std::numeric_limits<uint64_t>::max() - unit) return number;
  return number - rest + unit;
}

uint64_t rounded_down(uint64_t number) {
  return number - number % unit_of(number, 1000);
}

}  // namespace millrace::doctor
