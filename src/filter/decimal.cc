#include "filter/decimal.h"

#include <algorithm>

namespace millrace::filter {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal number;
  if (text.starts_with('-') || text.starts_with('+')) {
    number.negative_ = text[0] == '-';
    text.remove_prefix(1);
  }
  const size_t point = text.find('.');
  number.whole_ = text.substr(0, point);
  if (!is_digits(number.whole_)) return std::nullopt;
  if (point != std::string_view::npos) {
    number.fraction_ = text.substr(point + 1);
    if (!is_digits(number.fraction_)) return std::nullopt;
  }
  number.whole_.remove_prefix(std::min(number.whole_.find_first_not_of('0'), number.whole_.size()));
  number.fraction_ = number.fraction_.substr(0, number.fraction_.find_last_not_of('0') + 1);
  if (number.whole_.empty() && number.fraction_.empty()) number.negative_ = false;
  return number;
}

std::strong_ordering Decimal::compare_magnitude(const Decimal& other) const {
  if (whole_.size() != other.whole_.size()) return whole_.size() <=> other.whole_.size();
  const std::strong_ordering by_whole = whole_ <=> other.whole_;
  return by_whole != 0 ? by_whole : fraction_ <=> other.fraction_;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.negative_ != b.negative_) return b.negative_ <=> a.negative_;
  return a.negative_ ? b.compare_magnitude(a) : a.compare_magnitude(b);
}

}  // namespace millrace::filter
