#include "bench/http_answer.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::bench {
namespace {

constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 5\r\nConnection: keep-alive\r\n\r\nhello";

TEST(HttpAnswer, ends_where_its_length_says) {
  HttpAnswer answer;
  const std::string bytes = std::string(kOk) + "HTTP/1.1 204 No Content\r\n\r\nnext";
  ASSERT_EQ(read_answer(bytes, answer), FrameStatus::kWhole);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  ASSERT_EQ(answer.bytes, kOk.size());
  ASSERT_EQ(read_answer(std::string_view(bytes).substr(kOk.size()), answer), FrameStatus::kWhole);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(bytes.substr(kOk.size() + answer.bytes), "next");
}

TEST(HttpAnswer, one_that_is_cut_anywhere_is_partial) {
  HttpAnswer answer;
  for (size_t cut = 0; cut < kOk.size(); ++cut)
    ASSERT_EQ(read_answer(kOk.substr(0, cut), answer), FrameStatus::kPartial) << cut;
}

TEST(HttpAnswer, what_has_no_length_or_is_none_is_broken) {
  HttpAnswer answer;
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "SSH-2.0-x\r\n\r\n"})
    EXPECT_EQ(read_answer(bytes, answer), FrameStatus::kBroken) << bytes;
  EXPECT_EQ(read_answer(std::string(20'000, 'a'), answer), FrameStatus::kBroken);
}

}  // namespace
}  // namespace millrace::bench
