// Every shape with which a request was ever smuggled past a proxy that the literature and RFC 9112
// (section 11.2) name: each must be refused before anything that follows it is taken for a request.
#include <gtest/gtest.h>

#include "http/testing_parse.h"

namespace millrace::http {
namespace {

struct Shape {
  const char* name;
  std::string bytes;
  int status = 400;
};

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view headers, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
std::string chunks(std::string_view body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
std::string line(std::string_view request_line) {
  return std::string(request_line) + "\r\nHost: x\r\n\r\n";
}

void expect_refused(const std::vector<Shape>& shapes) {
  for (const Shape& shape : shapes) {
    const Outcome whole = parse(shape.bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(whole.error, shape.status) << shape.name << ": " << whole.reason;
    EXPECT_TRUE(whole.requests.empty()) << shape.name;
    const Outcome bytewise = parse(shape.bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", {},
                                   [] { return size_t{1}; });
    EXPECT_EQ(bytewise, whole) << shape.name;
  }
}

TEST(Smuggling, two_ways_to_tell_the_length_are_refused) {
  expect_refused({
      {"CL.TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
      {"CL.CL different", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
      {"CL.CL the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
      {"CL list", post("Content-Length: 5, 5\r\n", "hello")},
      {"CL zero and TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
  });
}

TEST(Smuggling, lengths_that_are_not_plain_digits_are_refused) {
  expect_refused({
      {"plus", post("Content-Length: +5\r\n", "hello")},
      {"minus", post("Content-Length: -5\r\n", "hello")},
      {"hexadecimal", post("Content-Length: 0x5\r\n", "hello")},
      {"empty", post("Content-Length:\r\n", "hello")},
      {"inner space", post("Content-Length: 1 0\r\n", "hello")},
      {"decimal point", post("Content-Length: 5.0\r\n", "hello")},
      {"exponent", post("Content-Length: 1e1\r\n", "hello")},
      {"quoted", post("Content-Length: \"5\"\r\n", "hello")},
      {"underscore", post("Content-Length: 1_0\r\n", "hello")},
      {"beyond 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello"), 413},
  });
}

TEST(Smuggling, transfer_codings_other_than_one_chunked_are_refused) {
  expect_refused({
      {"twice in a list", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
      {"twice in headers",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"with another", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
      {"not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
      {"identity", post("Transfer-Encoding: identity\r\n", "0\r\n\r\n")},
      {"prefixed", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
      {"suffixed", post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n")},
      {"empty", post("Transfer-Encoding:\r\n", "0\r\n\r\n")},
      {"with a comma", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n")},
      {"with a parameter", post("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n")},
      {"quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
      {"behind a vertical tab", post("Transfer-Encoding: \x0b"
                                     "chunked\r\n",
                                     "0\r\n\r\n")},
      {"in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
  });
}

TEST(Smuggling, lines_that_end_in_anything_but_crlf_are_refused) {
  expect_refused({
      {"LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n"},
      {"LF after a header", "GET / HTTP/1.1\r\nHost: x\n\r\n"},
      {"LF for the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\n"},
      {"CR in a value", get("X: a\rb\r\n")},
      {"CR CR LF", get("X: a\r\r\n")},
      {"CR in the request line", "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CR for the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\rX"},
      {"a LF first", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a CR first", "\rGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
  });
}

TEST(Smuggling, folded_and_misshapen_headers_are_refused) {
  expect_refused({
      {"folded with a space", get("X: a\r\n b\r\n")},
      {"folded with a tab", get("X: a\r\n\tb\r\n")},
      {"folded transfer coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
      {"a space before the first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"a space before the colon", post("Content-Length : 5\r\n", "hello")},
      {"a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")},
      {"no colon", get("Content-Length 5\r\n")},
      {"no name", get(": 5\r\n")},
      {"a space in a name", get("Content Length: 5\r\n")},
      {"NUL in a name", get(std::string("Content-Length\0: 5\r\n", 20))},
      {"NUL in a value", get(std::string("X: a\0b\r\n", 8))},
      {"DEL in a value", get("X: a\x7f\r\n")},
      {"escape in a value", get("X: \x1b[2J\r\n")},
      {"backspace in a value", get("X: a\bb\r\n")},
      {"a bracket in a name", get("X[0]: a\r\n")},
      {"a byte beyond ASCII in a name", get("X\xa0: a\r\n")},
  });
}

TEST(Smuggling, hosts_that_are_not_exactly_one_are_refused) {
  expect_refused({
      {"none", "GET / HTTP/1.1\r\n\r\n"},
      {"two", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
      {"two the same", "GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n"},
      {"two in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n"},
      {"a list", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"},
      {"a list without a space", "GET / HTTP/1.1\r\nHost: x,y\r\n\r\n"},
      {"with user information", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"},
      {"with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"},
      {"with a bad port", "GET / HTTP/1.1\r\nHost: x:8a\r\n\r\n"},
      {"with two ports", "GET / HTTP/1.1\r\nHost: x:80:80\r\n\r\n"},
      {"with a space", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n"},
      {"with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {"with a bad escape", "GET / HTTP/1.1\r\nHost: %zz\r\n\r\n"},
      {"not the target's", "GET http://x/ HTTP/1.1\r\nHost: y\r\n\r\n"},
      {"empty beside the target's", "GET http://x/ HTTP/1.1\r\nHost:\r\n\r\n"},
  });
}

TEST(Smuggling, request_lines_of_another_shape_are_refused) {
  expect_refused({
      {"HTTP/0.9", line("GET /")},
      {"no target", line("GET  HTTP/1.1")},
      {"two spaces", line("GET  / HTTP/1.1")},
      {"a space in the target", line("GET /a b HTTP/1.1")},
      {"a tab for a space", line("GET\t/ HTTP/1.1")},
      {"a space at the end", line("GET / HTTP/1.1 ")},
      {"a space first", line(" GET / HTTP/1.1")},
      {"an illegal method", line("G@T / HTTP/1.1")},
      {"a fragment", line("GET /a#b HTTP/1.1")},
      {"a quote", line("GET /a\"b HTTP/1.1")},
      {"a backslash", line("GET /a\\b HTTP/1.1")},
      {"NUL", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28)},
      {"asterisk form", line("OPTIONS * HTTP/1.1")},
      {"authority form", line("CONNECT x:443 HTTP/1.1")},
      {"authority form of another method", line("GET x:443 HTTP/1.1")},
      {"relative", line("GET a HTTP/1.1")},
      {"lower-case version", line("GET / http/1.1")},
      {"a version with a tail", line("GET / HTTP/1.1x")},
      {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7)},
      {"a method nobody knows", line("BREW / HTTP/1.1"), 501},
      {"a lower-case method", line("get / HTTP/1.1"), 501},
  });
}

TEST(Smuggling, other_versions_are_told_so) {
  expect_refused({
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/2", line("GET / HTTP/2"), 505},
      {"HTTP/1.2", line("GET / HTTP/1.2"), 505},
      {"HTTP/1.10", line("GET / HTTP/1.10"), 505},
      {"HTTP/0.9", line("GET / HTTP/0.9"), 505},
      {"HTTP/9.9", line("GET / HTTP/9.9"), 505},
  });
}

TEST(Smuggling, chunked_bodies_of_another_shape_are_refused) {
  expect_refused({
      {"LF after a size", chunks("5\nhello\r\n0\r\n\r\n")},
      {"LF after data", chunks("5\r\nhello\n0\r\n\r\n")},
      {"LF at the end", chunks("0\r\n\n")},
      {"LF in an extension", chunks("5;a\nhello\r\n0\r\n\r\n")},
      {"CR in an extension", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n")},
      {"a control character in an extension", chunks("5;\x01\r\nhello\r\n0\r\n\r\n")},
      {"a space behind a size", chunks("5 \r\nhello\r\n0\r\n\r\n")},
      {"a space before a size", chunks(" 5\r\nhello\r\n0\r\n\r\n")},
      {"0x", chunks("0x5\r\nhello\r\n0\r\n\r\n")},
      {"plus", chunks("+5\r\nhello\r\n0\r\n\r\n")},
      {"minus", chunks("-5\r\nhello\r\n0\r\n\r\n")},
      {"underscore", chunks("0_5\r\nhello\r\n0\r\n\r\n")},
      {"no size", chunks("\r\nhello\r\n0\r\n\r\n")},
      {"an extension without size", chunks(";a\r\nhello\r\n0\r\n\r\n")},
      {"a size that wraps around", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), 413},
      {"more data than the size", chunks("5\r\nhello!\r\n0\r\n\r\n")},
      {"less data than the size", chunks("6\r\nhello\r\n0\r\n\r\n")},
      {"a trailer without colon", chunks("0\r\nX\r\n\r\n")},
      {"a folded trailer", chunks("0\r\nX: a\r\n b\r\n\r\n")},
      {"a space before a trailer's colon", chunks("0\r\nX : a\r\n\r\n")},
      {"LF after a trailer", chunks("0\r\nX: a\n\r\n")},
      {"NUL in a trailer", chunks(std::string("0\r\nX: \0\r\n\r\n", 11))},
  });
}

// What the head decided stays decided (RFC 9112, section 7.1.2).
TEST(Smuggling, a_trailer_does_not_change_its_request) {
  for (const char* trailer :
       {"Connection: close", "Host: y", "Transfer-Encoding: chunked", "Content-Length: 40"}) {
    const Outcome outcome = parse(chunks("0\r\n" + std::string(trailer) + "\r\n\r\n") +
                                  "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(outcome.error, 0) << trailer;
    ASSERT_EQ(outcome.requests.size(), 2U) << trailer;
    EXPECT_EQ(outcome.requests[0].body, "") << trailer;
    EXPECT_EQ(outcome.requests[0].headers.size(), 2U) << trailer;
    EXPECT_TRUE(outcome.requests[0].keep_alive) << trailer;
    EXPECT_EQ(outcome.requests[1].path, "/next") << trailer;
  }
}

}  // namespace
}  // namespace millrace::http
