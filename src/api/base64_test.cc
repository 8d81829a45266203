#include "api/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace millrace::api {
namespace {

// RFC 4648, section 10, and bytes that are no text.
const std::pair<std::string, std::string> kPairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {std::string("\x00\xff\xfe\xfb", 4), "AP/++w=="},
};

TEST(Base64, is_written_and_read) {
  for (const auto& [bytes, text] : kPairs) {
    std::string out;
    append_base64(out, bytes);
    EXPECT_EQ(out, text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(Base64, of_every_length_and_byte_comes_back) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    std::string text;
    append_base64(text, bytes);
    EXPECT_EQ(decode_base64(text), bytes);
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base64, anything_else_is_refused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm9v\n",
                           "Zm 9v", "Zm9-", "Zm9_", "Zg==Zg==", "Z===", "\xc3\xa9==", "=m9v"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace millrace::api
