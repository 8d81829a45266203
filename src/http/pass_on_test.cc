#include <gtest/gtest.h>

#include <string_view>

#include "http/client.h"

namespace millrace::http {
namespace {

TEST(SpelledHeader, names_that_differ_in_case_only_are_spelled_alike) {
  for (const std::string_view name : {"x-real-ip", "X-Real-IP", "X-REAL-IP"})
    EXPECT_EQ(spelled_header(name), "X-Real-Ip");
  EXPECT_EQ(spelled_header("cookie"), "Cookie");
  EXPECT_EQ(spelled_header("a--b-"), "A--B-");
  EXPECT_EQ(spelled_header(""), "");
}

TEST(PassOn, headers_of_a_client_may_go_on) {
  for (const std::string_view name :
       {"Cookie", "origin", "Authorization", "USER-AGENT", "X-Real-Ip", "Hostname", "Contents"})
    EXPECT_TRUE(may_pass_on(name)) << name;
}

TEST(PassOn, headers_of_a_connection_or_a_message_stay_where_they_are) {
  for (const std::string_view name :
       {"Host", "connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade",
        "Proxy-Authorization", "proxy-connection", "Content-Length", "content-type", "Expect",
        "Sec-WebSocket-Key", "HTTP2-Settings", "Accept-Encoding"})
    EXPECT_FALSE(may_pass_on(name)) << name;
}

TEST(PassOn, what_is_no_name_is_not_passed_on) {
  using namespace std::string_view_literals;
  for (const std::string_view name : {""sv, "a b"sv, "a:"sv, "a\r\nb"sv, "\0"sv, "ü"sv})
    EXPECT_FALSE(may_pass_on(name)) << name;
}

TEST(PassOn, a_value_is_one_line) {
  using namespace std::string_view_literals;
  for (const std::string_view value : {""sv, "a"sv, "a b\tc"sv, "a=1; b=2"sv, "\xc3\xa9"sv})
    EXPECT_TRUE(is_header_value(value)) << value;
  for (const std::string_view value :
       {"a\r\nX: y"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, " a"sv, "a\t"sv, "\x7f"sv, "\x01"sv})
    EXPECT_FALSE(is_header_value(value)) << value;
}

}  // namespace
}  // namespace millrace::http
