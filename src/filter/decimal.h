// Decimal numbers as text, compared exactly: no digit is lost, and none is stored twice.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace millrace::filter {

// decimal := [ "+" / "-" ] 1*digit [ "." 1*digit ]
//
// Views the text it was read from.
class Decimal {
 public:
  // Nothing if the whole of `text` is not a decimal number.
  static std::optional<Decimal> parse(std::string_view text);

  // By value: 1 and 1.00 are equal, and so are 0 and -0.
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == 0; }

 private:
  std::strong_ordering compare_magnitude(const Decimal& other) const;

  bool negative_ = false;
  std::string_view whole_;     // without leading zeros
  std::string_view fraction_;  // without trailing zeros
};

}  // namespace millrace::filter
