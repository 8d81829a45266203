#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::base {
namespace {

std::string url(std::string_view text) {
  return decode_base64url(text).value_or("refused");
}

std::string standard(std::string_view text) {
  return decode_base64(text).value_or("refused");
}

TEST(Base64, vectors_of_rfc_4648) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(standard(text), bytes);
    const std::string bare = text.substr(0, text.find('='));
    EXPECT_EQ(url(bare), bytes);
    std::string out;
    append_base64url(out, bytes);
    EXPECT_EQ(out, bare);
    out.clear();
    append_base64(out, bytes);
    EXPECT_EQ(out, text);
  }
}

TEST(Base64, every_byte_comes_back) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    std::string text;
    append_base64url(text, bytes);
    EXPECT_EQ(url(text), bytes);
    text.clear();
    append_base64(text, bytes);
    EXPECT_EQ(standard(text), bytes);
  }
}

TEST(Base64, alphabets_are_not_mixed) {
  EXPECT_EQ(url("-_-_"), "\xFB\xFF\xBF");
  EXPECT_EQ(url("+/+/"), "refused");
  EXPECT_EQ(standard("+/+/"), "\xFB\xFF\xBF");
  EXPECT_EQ(standard("-_-_"), "refused");
}

TEST(Base64, every_other_spelling_is_refused) {
  for (const char* text : {"Zg==", "Zg=", "Zm8=", "Z", "Zm9vY", "Zm 9", "Zm9\n", "Zh", "Zm9", "=",
                           "Zm9v=", "Z\xFFg"}) {
    EXPECT_EQ(url(text), "refused") << text;
  }
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Zm8", "Zh==", "Zm9=", "====", "Z===", "=g==", "Zg=g", "Zm9v\n"}) {
    EXPECT_EQ(standard(text), "refused") << text;
  }
}

}  // namespace
}  // namespace millrace::base
