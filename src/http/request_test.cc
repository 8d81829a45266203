#include <gtest/gtest.h>

#include <array>

#include "http/http.h"
#include "http/response.h"
#include "http/syntax.h"

namespace millrace::http {
namespace {

TEST(Request, headers_are_found_without_case_and_joined_in_order) {
  const std::array<Header, 3> headers = {{{"Accept", "a"}, {"X-Other", "o"}, {"ACCEPT", "b"}}};
  Request request;
  request.headers = headers;
  EXPECT_EQ(request.header("accept"), "a");
  EXPECT_EQ(request.joined_header("Accept").view(), "a, b");
  EXPECT_EQ(request.header("accep"), "");
  EXPECT_EQ(request.joined_header("none").view(), "");
}

TEST(Request, parameters_are_decoded) {
  Request request;
  request.query = "a=1&b=x%20y+z&c&%64=D&a=2&bad=%4&worse=%zz&empty=";
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("b"), "x y z");
  EXPECT_EQ(request.parameter("c"), "");
  EXPECT_EQ(request.parameter("d"), "D");
  EXPECT_EQ(request.parameter("empty"), "");
  EXPECT_EQ(request.parameter("bad"), std::nullopt);
  EXPECT_EQ(request.parameter("worse"), std::nullopt);
  EXPECT_EQ(request.parameter("absent"), std::nullopt);
}

TEST(Syntax, hosts_are_names_addresses_and_ports) {
  for (const char* host : {"", "example.org", "example.org:8000", "127.0.0.1:80", "[::1]",
                           "[::1]:8000", "a_b", "%41"}) {
    EXPECT_TRUE(is_host(host)) << host;
  }
  for (const char* host :
       {"a b", "a/b", "a:b", "[]", "[::1", "[::1]x", "::1", "a:123456", "%4", "\xc3\xbc"}) {
    EXPECT_FALSE(is_host(host)) << host;
  }
}

TEST(Response, status_line_headers_and_body_leave_as_http_1_1) {
  Response response = Response::text(404, "gone");
  response.headers.emplace_back("X-Reason", "moved");
  EXPECT_EQ(serialized(response, {}, "DATE"),
            "HTTP/1.1 404 Not Found\r\nDate: DATE\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 4\r\n"
            "X-Reason: moved\r\n\r\ngone");
}

TEST(Response, head_gets_everything_but_the_body) {
  EXPECT_EQ(serialized(Response::json(200, "{}"), {.head = true}, "DATE"),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: application/json\r\nContent-Length: "
            "2\r\n\r\n");
}

TEST(Response, no_content_has_no_length) {
  Response response;
  response.status = 204;
  response.body = "ignored";
  EXPECT_EQ(serialized(response, {}, "DATE"), "HTTP/1.1 204 No Content\r\nDate: DATE\r\n\r\n");
}

TEST(Response, a_header_cannot_forge_another) {
  Response response;
  response.status = 302;
  response.headers.emplace_back("Location", "/a\r\nSet-Cookie: b");
  response.headers.emplace_back("X\r\nY", "c");
  const std::string text = serialized(response, {}, "DATE");
  EXPECT_NE(text.find("\r\nLocation: /a  Set-Cookie: b\r\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\r\nX__Y: c\r\n"), std::string::npos) << text;
}

TEST(DateLine, a_date_has_the_form_of_rfc_9110) {
  DateLine date;
  EXPECT_EQ(date.at(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(784111777999), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(784111778000), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.at(1709210096000), "Thu, 29 Feb 2024 12:34:56 GMT");
}

}  // namespace
}  // namespace millrace::http
