#include "filter/decimal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::filter {
namespace {

TEST(Decimal, what_is_not_a_plain_decimal_number_is_refused) {
  for (std::string_view text : {"", "+", "-", ".", "1.", ".5", "-.5", "1.2.3", "--1", "1-", "1e5",
                                "0x1", " 1", "1 ", "1,5", "NaN", "inf", "one", "\xD9\xA1"}) {
    EXPECT_FALSE(Decimal::parse(text).has_value()) << text;
  }
}

TEST(Decimal, is_ordered_by_value) {
  const std::vector<std::string> ascending = {"-100000000000000000000000000000000000000000",
                                              "-18446744073709551616",
                                              "-10.5",
                                              "-10.49",
                                              "-9",
                                              "-0.1",
                                              "-0.0000000000000000000000000000000000000001",
                                              "0",
                                              "0.0000000000000000000000000000000000000001",
                                              "0.09",
                                              "0.1",
                                              "0.10000000000000000001",
                                              "0.2",
                                              "1",
                                              "9",
                                              "10",
                                              "9007199254740992",
                                              "9007199254740993",
                                              "9007199254740993.1",
                                              "100000000000000000000000000000000000000000"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(*Decimal::parse(ascending[i]) <=> *Decimal::parse(ascending[j]), i <=> j)
          << ascending[i] << " and " << ascending[j];
    }
  }
}

TEST(Decimal, is_equal_however_it_is_written) {
  const std::vector<std::vector<std::string>> groups = {
      {"0", "-0", "+0", "000", "0.0", "-00.000"},
      {"1", "+1", "01", "1.0", "001.000"},
      {"-20.5", "-020.50"},
  };
  for (const auto& group : groups) {
    for (const std::string& text : group) {
      EXPECT_EQ(*Decimal::parse(text), *Decimal::parse(group[0])) << text;
    }
  }
}

}  // namespace
}  // namespace millrace::filter
