#include "websocket/close.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::websocket {
namespace {

TEST(Close, codes_that_a_peer_may_send) {
  for (int code = 0; code <= 0xFFFF; ++code) {
    const bool expected = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                          (code >= 3000 && code <= 4999);
    ASSERT_EQ(valid_close_code(static_cast<uint16_t>(code)), expected) << code;
  }
}

TEST(Close, an_empty_payload_means_no_status) {
  const auto close = parse_close("");
  ASSERT_TRUE(close.has_value());
  EXPECT_EQ(close->code, 1005);
  EXPECT_EQ(close->reason, "");
}

TEST(Close, code_and_reason_come_back_as_written) {
  std::string bytes;
  append_close(bytes, 4000, "bye");
  EXPECT_EQ(bytes,
            "\x88\x05\x0F\xA0"
            "bye");
  const auto close = parse_close(std::string_view(bytes).substr(2));
  ASSERT_TRUE(close.has_value());
  EXPECT_EQ(close->code, 4000);
  EXPECT_EQ(close->reason, "bye");
}

TEST(Close, no_status_is_written_as_an_empty_frame) {
  std::string bytes = "before";
  append_close(bytes, 1005, "not written");
  EXPECT_EQ(bytes, std::string_view("before\x88\x00", 8));
}

TEST(Close, a_long_reason_is_cut_at_a_characters_border) {
  // 121 bytes and a character of 1 to 4 bytes, of which 2 would fit.
  for (const std::string& character :
       {std::string("\xC3\xA9"), std::string("\xE2\x82\xAC"), std::string("\xF0\x90\x8D\x88")}) {
    std::string bytes;
    append_close(bytes, 1000, std::string(121, 'r') + character + "tail");
    const size_t kept = character.size() <= 2 ? 123 : 121;
    EXPECT_EQ(bytes.size(), 2 + 2 + kept);
    const auto close = parse_close(std::string_view(bytes).substr(2));
    ASSERT_TRUE(close.has_value());
    EXPECT_EQ(close->reason.size(), kept);
  }
  std::string bytes;
  append_close(bytes, 1000, std::string(123, 'r'));
  EXPECT_EQ(bytes.size(), 2U + 125U);
}

}  // namespace
}  // namespace millrace::websocket
