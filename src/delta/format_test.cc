#include "delta/format.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::delta {
namespace {

std::string integer(uint32_t value) {
  std::string text;
  append_integer(text, value);
  return text;
}

TEST(Integer, is_written_in_base_64_without_padding) {
  EXPECT_EQ(integer(0), "0");
  EXPECT_EQ(integer(9), "9");
  EXPECT_EQ(integer(10), "A");
  EXPECT_EQ(integer(35), "Z");
  EXPECT_EQ(integer(36), "_");
  EXPECT_EQ(integer(37), "a");
  EXPECT_EQ(integer(62), "z");
  EXPECT_EQ(integer(63), "~");
  EXPECT_EQ(integer(64), "10");
  EXPECT_EQ(integer(6246), "1Xb");
  EXPECT_EQ(integer(UINT32_MAX), "3~~~~~");
}

TEST(Integer, is_read_as_it_was_written) {
  for (uint64_t value = 1; value <= UINT32_MAX; value = value * 3 + 1) {
    for (const uint64_t near : {value - 1, value}) {
      const std::string written = integer(static_cast<uint32_t>(near));
      EXPECT_EQ(written.size(), integer_digits(static_cast<uint32_t>(near)));
      const std::string more = written + "@1";
      std::string_view text = more;
      uint32_t read = 0;
      ASSERT_TRUE(read_integer(text, read)) << written;
      EXPECT_EQ(read, near);
      EXPECT_EQ(text, "@1");
    }
  }
}

TEST(Integer, of_no_digits_or_too_many_bits_is_refused) {
  for (std::string_view text : {"", "@", "\n", "-1", "400000", "100000000000"}) {
    uint32_t read = 0;
    EXPECT_FALSE(read_integer(text, read)) << text;
  }
}

TEST(Checksum, adds_big_endian_words_and_fills_up_the_last) {
  EXPECT_EQ(checksum(""), 0U);
  EXPECT_EQ(checksum("a"), 0x61000000U);
  EXPECT_EQ(checksum("ab"), 0x61620000U);
  EXPECT_EQ(checksum("abc"), 0x61626300U);
  EXPECT_EQ(checksum("abcd"), 0x61626364U);
  EXPECT_EQ(checksum("abcde"), 0xC6626364U);
}

TEST(Checksum, wraps_around) {
  EXPECT_EQ(checksum("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), 0xFFFFFFFEU);
}

}  // namespace
}  // namespace millrace::delta
