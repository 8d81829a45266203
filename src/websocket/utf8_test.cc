#include "websocket/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::websocket {
namespace {

// Encodes any number below 2^21, valid or not.
std::string encode(uint32_t code_point, size_t size) {
  static constexpr uint8_t kLeads[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
  std::string result(size, '\0');
  for (size_t i = size; i-- > 1; code_point >>= 6)
    result[i] = static_cast<char>(0x80 | (code_point & 0x3F));
  result[0] = static_cast<char>(kLeads[size] | code_point);
  return result;
}

size_t shortest(uint32_t code_point) {
  if (code_point < 0x80) return 1;
  if (code_point < 0x800) return 2;
  return code_point < 0x10000 ? 3 : 4;
}

// After how many bytes the check fails, fed one at a time; SIZE_MAX if never.
size_t fails_after(std::string_view bytes) {
  Utf8Check check;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!check.add(bytes.substr(i, 1))) return i + 1;
  }
  return SIZE_MAX;
}

TEST(Utf8, takes_every_code_point_and_no_surrogate) {
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const std::string bytes = encode(code_point, shortest(code_point));
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    ASSERT_EQ(fails_after(bytes), surrogate ? 2 : SIZE_MAX) << code_point;
  }
}

TEST(Utf8, overlong_forms_fail_as_soon_as_they_are_told) {
  for (uint32_t code_point : {0x0U, 0x2FU, 0x7FU})
    EXPECT_EQ(fails_after(encode(code_point, 2)), 1U);
  for (uint32_t code_point : {0x0U, 0x7FU, 0x7FFU})
    EXPECT_EQ(fails_after(encode(code_point, 3)), 2U);
  for (uint32_t code_point : {0x0U, 0x7FFU, 0xFFFFU})
    EXPECT_EQ(fails_after(encode(code_point, 4)), 2U);
}

TEST(Utf8, numbers_past_the_last_code_point_fail) {
  EXPECT_EQ(fails_after(encode(0x10FFFF, 4)), SIZE_MAX);
  EXPECT_EQ(fails_after(encode(0x110000, 4)), 2U);
  for (int lead = 0xF5; lead <= 0xFF; ++lead)
    EXPECT_EQ(fails_after(std::string(1, static_cast<char>(lead))), 1U);
}

TEST(Utf8, a_continuation_needs_a_lead_and_a_lead_its_continuations) {
  for (int byte = 0x80; byte <= 0xBF; ++byte)
    EXPECT_EQ(fails_after(std::string(1, static_cast<char>(byte))), 1U);
  EXPECT_EQ(fails_after("\xCE\x41"), 2U);
  EXPECT_EQ(fails_after("\xE2\x82\x41"), 3U);
  EXPECT_EQ(fails_after("\xF0\x90\x80\xC0"), 4U);
}

TEST(Utf8, a_text_may_not_end_within_a_character) {
  for (std::string_view bytes : {"\xCE", "a\xE2\x82", "\xF0", "\xF0\x90", "\xF0\x90\x80"}) {
    Utf8Check check;
    EXPECT_TRUE(check.add(bytes));
    EXPECT_FALSE(check.complete());
  }
  Utf8Check check;
  EXPECT_TRUE(check.add("\xF0\x90\x80"));
  EXPECT_TRUE(check.add(""));
  EXPECT_TRUE(check.add("\x80"));
  EXPECT_TRUE(check.complete());
}

// A long text, so that the vectors are used, with one byte changed to each of some values at each
// place.
TEST(Utf8, pieces_of_any_size_say_what_single_bytes_say) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "ab\xC2\xA2\xE2\x82\xAC\xF0\x90\x8D\x88z";
  for (size_t place = 0; place < text.size(); ++place) {
    for (int value : {0x41, 0x80, 0xA0, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xF0, 0xF4, 0xFF}) {
      std::string bytes = text;
      bytes[place] = static_cast<char>(value);
      const size_t expected = fails_after(bytes);
      for (size_t step : {2, 3, 5, 64, 200}) {
        Utf8Check check;
        size_t at = 0;
        bool good = true;
        for (; good && at < bytes.size(); at += step)
          good = check.add(std::string_view(bytes).substr(at, step));
        ASSERT_EQ(good, expected == SIZE_MAX) << place << " " << value << " " << step;
        // The piece that holds the first bad byte is the one that fails.
        if (!good) {
          ASSERT_EQ((expected - 1) / step, at / step - 1) << place << " " << value << " " << step;
        }
      }
    }
  }
}

}  // namespace
}  // namespace millrace::websocket
