#include "config/duration.h"

#include <array>
#include <cstdint>
#include <limits>

namespace millrace::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};

constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xC2\xB5s", 1'000},  // the micro sign
                                         {"\xCE\xBCs", 1'000},  // the letter mu
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};
constexpr int64_t kNanosecondsPerMs = 1'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes "12" or "1.5" and its unit off the front of `text`; the nanoseconds, exactly, or nullopt.
std::optional<int64_t> take_part(std::string_view& text) {
  __int128 digits = 0;
  __int128 scale = 1;
  bool any = false;
  bool fraction = false;
  for (; !text.empty() && (is_digit(text[0]) || (text[0] == '.' && !fraction));
       text.remove_prefix(1)) {
    if (text[0] == '.') {
      fraction = true;
      continue;
    }
    any = true;
    digits = digits * 10 + (text[0] - '0');
    if (fraction) scale *= 10;
    if (digits > std::numeric_limits<int64_t>::max() || scale > 1'000'000'000'000)
      return std::nullopt;
  }
  if (!any) return std::nullopt;
  size_t length = 0;
  while (length < text.size() && !is_digit(text[length]) && text[length] != '.') ++length;
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    const __int128 product = digits * unit.nanoseconds;
    if (product % scale != 0 || product / scale > std::numeric_limits<int64_t>::max())
      return std::nullopt;
    return static_cast<int64_t>(product / scale);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return Milliseconds{0};
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {
    const std::optional<int64_t> part = take_part(text);
    if (!part || *part > std::numeric_limits<int64_t>::max() - total) return std::nullopt;
    total += *part;
  }
  if (total % kNanosecondsPerMs != 0) return std::nullopt;
  return Milliseconds{total / kNanosecondsPerMs};
}

std::string format_duration(Milliseconds duration) {
  int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  const auto take = [&](int64_t unit, std::string_view name) {
    if (rest < unit) return;
    text += std::to_string(rest / unit);
    text += name;
    rest %= unit;
  };
  take(3'600'000, "h");
  take(60'000, "m");
  take(1'000, "s");
  take(1, "ms");
  return text;
}

}  // namespace millrace::config
