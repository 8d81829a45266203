#include <gtest/gtest.h>

#include "http/syntax.h"
#include "http/testing_parse.h"

namespace millrace::http {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kPost = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "5;note=\"a\"\r\nhello\r\n6\r\n world\r\n0\r\nDigest: none\r\n\r\n";

std::string with_header(std::string_view header) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(header) + "\r\n\r\n";
}

TEST(RequestParser, a_request_is_taken_apart) {
  const Outcome outcome = parse(
      "GET /a/b?c=d&e HTTP/1.1\r\nHost: example.org:8000\r\nX-Empty:\r\nX-Spaces: \t a  b "
      "\t\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 1U);
  const ParsedRequest& request = outcome.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a/b?c=d&e");
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d&e");
  EXPECT_TRUE(request.http_1_1);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.upgrade);
  EXPECT_EQ(request.headers,
            (Headers{{"Host", "example.org:8000"}, {"X-Empty", ""}, {"X-Spaces", "a  b"}}));
  EXPECT_EQ(request.body, "");
  EXPECT_FALSE(outcome.in_head);
  EXPECT_FALSE(outcome.in_body);
}

// Lines are looked at in words, then by the byte.
TEST(RequestParser, a_byte_is_judged_the_same_wherever_it_stands) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool fits_a_value = is_field_char(c);
    const bool fits_a_path =
        is_visible(c) && std::string_view("\"<>#\\").find(c) == std::string_view::npos;
    for (size_t place = 0; place < 20; ++place) {
      std::string text(20, 'a');
      text[place] = c;
      const size_t in_header = parse(with_header("X: " + text)).requests.size();
      EXPECT_EQ(in_header, fits_a_value ? 1U : 0U) << byte << " at " << place;
      const size_t in_path = parse("GET /" + text + " HTTP/1.1\r\nHost: x\r\n\r\n").requests.size();
      EXPECT_EQ(in_path, fits_a_path ? 1U : 0U) << byte << " at " << place;
    }
  }
}

TEST(RequestParser, a_body_ends_where_its_length_says) {
  const Outcome outcome = parse(std::string(kPost) + std::string(kGet));
  ASSERT_EQ(outcome.requests.size(), 2U);
  EXPECT_EQ(outcome.requests[0].body, "hello");
  EXPECT_EQ(outcome.requests[1].path, "/a");
  EXPECT_EQ(outcome.requests[1].body, "");
}

TEST(RequestParser, a_chunked_body_is_joined_and_its_trailers_are_ignored) {
  const Outcome outcome = parse(std::string(kChunked) + std::string(kGet));
  ASSERT_EQ(outcome.requests.size(), 2U);
  EXPECT_EQ(outcome.requests[0].body, "hello world");
  EXPECT_EQ(outcome.requests[0].headers,
            (Headers{{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}));
}

TEST(RequestParser, chunk_sizes_may_be_upper_case_and_have_leading_zeros) {
  const Outcome outcome = parse(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n00A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 1U);
  EXPECT_EQ(outcome.requests[0].body, "01234567890123456789");
}

TEST(RequestParser, every_cut_gives_the_same_outcome) {
  const std::vector<std::string> streams = {
      std::string(kPost) + std::string(kChunked) + std::string(kGet) + std::string(kGet),
      std::string(kGet) + "\r\n" + std::string(kPost) + "GET / HTTP/1.1\r\nHost: x\n",
      std::string(kChunked) +
          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n",
      std::string(kPost) + "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
      std::string(kGet) + "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(kGet),
      "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
  };
  for (const std::string& bytes : streams) {
    const Outcome whole = parse(bytes);
    EXPECT_FALSE(whole.requests.empty() && whole.error == 0);
    EXPECT_EQ(parse(bytes, {}, [] { return size_t{1}; }), whole) << bytes;
    for (size_t first = 1; first < bytes.size(); ++first) {
      size_t piece = 0;
      EXPECT_EQ(parse(bytes, {}, [&] { return piece++ == 0 ? first : bytes.size(); }), whole)
          << bytes << first;
    }
  }
}

TEST(RequestParser, it_tells_the_head_from_the_body_while_it_waits) {
  RequestParser parser({});
  EXPECT_FALSE(parser.in_head());
  parser.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-");
  EXPECT_EQ(parser.next(), RequestParser::Step::kNeedMore);
  EXPECT_TRUE(parser.in_head());
  EXPECT_FALSE(parser.in_body());
  parser.feed("Length: 2\r\n\r\na");
  EXPECT_EQ(parser.next(), RequestParser::Step::kNeedMore);
  EXPECT_FALSE(parser.in_head());
  EXPECT_TRUE(parser.in_body());
  parser.feed("b");
  EXPECT_EQ(parser.next(), RequestParser::Step::kRequest);
  EXPECT_EQ(parser.next(), RequestParser::Step::kNeedMore);
  EXPECT_FALSE(parser.in_head());
  EXPECT_FALSE(parser.in_body());
}

TEST(RequestParser, connections_stay_or_close_as_version_and_header_say) {
  const auto stays = [](std::string_view head) {
    const Outcome outcome = parse(std::string(head) + "Host: x\r\n\r\n");
    EXPECT_EQ(outcome.requests.size(), 1U) << head;
    return !outcome.requests.empty() && outcome.requests[0].keep_alive;
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nConnection: Close\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nConnection: foo, close\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n"));
}

TEST(RequestParser, an_upgrade_needs_both_headers_and_http_1_1) {
  const auto upgrades = [](std::string_view version, std::string_view headers) {
    const Outcome outcome =
        parse("GET / " + std::string(version) + "\r\nHost: x\r\n" + std::string(headers) + "\r\n");
    EXPECT_EQ(outcome.requests.size(), 1U) << headers;
    return !outcome.requests.empty() && outcome.requests[0].upgrade;
  };
  EXPECT_TRUE(upgrades("HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("HTTP/1.1", "Connection: Upgrade\r\n"));
  EXPECT_FALSE(upgrades("HTTP/1.1", "Upgrade: websocket\r\n"));
  EXPECT_FALSE(upgrades("HTTP/1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
}

TEST(RequestParser, bytes_behind_an_upgrade_are_left_for_its_taker) {
  RequestParser parser({});
  parser.feed(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x80");
  ASSERT_EQ(parser.next(), RequestParser::Step::kRequest);
  EXPECT_TRUE(parser.request().upgrade);
  EXPECT_EQ(parser.take_unread(), "\x81\x80");
  EXPECT_EQ(parser.request().path, "/");
}

TEST(RequestParser, an_upgrade_that_nobody_takes_is_an_ordinary_request) {
  const Outcome outcome =
      parse("GET /1 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" +
            std::string(kGet));
  ASSERT_EQ(outcome.requests.size(), 2U);
  EXPECT_EQ(outcome.requests[1].path, "/a");
}

TEST(RequestParser, absolute_form_gives_its_path) {
  const auto path_of = [](std::string_view target) {
    const Outcome outcome =
        parse("GET " + std::string(target) + " HTTP/1.1\r\nHost: x.org:80\r\n\r\n");
    return outcome.requests.empty() ? std::to_string(outcome.error)
                                    : outcome.requests[0].path + "|" + outcome.requests[0].query;
  };
  EXPECT_EQ(path_of("http://x.org:80/a?b"), "/a|b");
  EXPECT_EQ(path_of("HTTPS://X.ORG:80/a"), "/a|");
  EXPECT_EQ(path_of("http://x.org:80"), "/|");
  EXPECT_EQ(path_of("http://x.org:80?q"), "/|q");
  EXPECT_EQ(path_of("http://other.org/a"), "400");
  EXPECT_EQ(path_of("http://user@x.org:80/"), "400");
  EXPECT_EQ(path_of("http:///a"), "400");
  EXPECT_EQ(path_of("ftp://x.org:80/a"), "400");
}

TEST(RequestParser, http_1_0_needs_no_host) {
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").requests.size(), 1U);
}

TEST(RequestParser, one_empty_line_before_a_request_is_forgiven) {
  const Outcome outcome = parse(std::string(kPost) + "\r\n" + std::string(kGet));
  ASSERT_EQ(outcome.requests.size(), 2U);
  EXPECT_EQ(outcome.requests[1].method, "GET");
  EXPECT_EQ(parse("\r\n\r\n" + std::string(kGet)).error, 400);
}

TEST(RequestParser, bytes_beyond_ascii_may_stand_in_values_only) {
  const Outcome outcome = parse(with_header("X-Name: J\xc3\xbcrgen"));
  ASSERT_EQ(outcome.requests.size(), 1U);
  EXPECT_EQ(outcome.requests[0].headers[1].second, "J\xc3\xbcrgen");
  EXPECT_EQ(parse(with_header("X-J\xc3\xbcrgen: 1")).error, 400);
  EXPECT_EQ(parse("GET /\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n").error, 400);
}

TEST(RequestParser, a_head_has_bounds) {
  const Options options{.head_bytes_max = 64, .headers_max = 3};
  const std::string fits = "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(32, 'a') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), 64U);
  EXPECT_EQ(parse(fits, options).requests.size(), 1U);
  EXPECT_EQ(
      parse("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(33, 'a') + "\r\n\r\n", options).error,
      431);
  EXPECT_EQ(parse("GET /" + std::string(64, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", options).error,
            414);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n", options).requests.size(),
            1U);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", options).error, 431);
}

TEST(RequestParser, a_head_larger_than_the_librarys_own_bound_is_for_the_options_to_allow) {
  const Options options{.head_bytes_max = 200'000};
  const std::string value(150'000, 'v');
  const Outcome outcome = parse(with_header("X: " + value), options);
  ASSERT_EQ(outcome.requests.size(), 1U);
  EXPECT_EQ(outcome.requests[0].headers[1].second, value);
}

TEST(RequestParser, a_body_has_a_bound_that_is_seen_before_the_body_comes) {
  const Options options{.body_bytes_max = 10};
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(parse(head + "Content-Length: 10\r\n\r\n0123456789", options).requests.size(), 1U);
  EXPECT_EQ(parse(head + "Content-Length: 11\r\n\r\n", options).error, 413);
  EXPECT_EQ(parse(head + "Content-Length: 99999999999999999999999999\r\n\r\n", options).error, 413);
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(parse(chunked + "a\r\n0123456789\r\n0\r\n\r\n", options).requests.size(), 1U);
  EXPECT_EQ(parse(chunked + "b\r\n", options).error, 413);
  EXPECT_EQ(parse(chunked + "5\r\n01234\r\n6\r\n", options).error, 413);
  EXPECT_EQ(parse(chunked + "ffffffffffffffff\r\n", options).error, 413);
  EXPECT_EQ(parse(chunked + "0000000000000000f\r\n", options).error, 400);
}

TEST(RequestParser, chunk_extensions_and_trailers_have_bounds) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(parse(head + "1;" + std::string(4096, 'e') + "\r\na\r\n0\r\n\r\n").requests.size(), 1U);
  EXPECT_EQ(parse(head + "1;" + std::string(4097, 'e')).error, 400);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;extension\r\na\r\n";
  EXPECT_EQ(parse(head + many).error, 400);
  EXPECT_EQ(parse(head + "0\r\nT: " + std::string(4000, 't') + "\r\n\r\n").requests.size(), 1U);
  EXPECT_EQ(parse(head + "0\r\nT: " + std::string(4096, 't')).error, 431);
}

TEST(RequestParser, a_peer_that_expects_100_continue_is_found_out_once) {
  RequestParser parser({});
  parser.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(parser.next(), RequestParser::Step::kNeedMore);
  EXPECT_TRUE(parser.take_expect_continue());
  EXPECT_FALSE(parser.take_expect_continue());
  parser.feed("a");
  EXPECT_EQ(parser.next(), RequestParser::Step::kRequest);
  EXPECT_FALSE(parser.take_expect_continue());
}

TEST(RequestParser, a_peer_that_did_not_wait_for_100_continue_is_not_told) {
  RequestParser parser({});
  parser.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\na");
  EXPECT_EQ(parser.next(), RequestParser::Step::kNeedMore);
  EXPECT_FALSE(parser.take_expect_continue());
}

TEST(RequestParser, other_expectations_fail_but_not_those_of_http_1_0) {
  EXPECT_EQ(parse(with_header("Expect: tea")).error, 417);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nExpect: tea\r\n\r\n").requests.size(), 1U);
}

TEST(RequestParser, after_an_error_nothing_more_is_read) {
  RequestParser parser({});
  parser.feed("nonsense\r\n");
  EXPECT_EQ(parser.next(), RequestParser::Step::kError);
  parser.feed(kGet);
  EXPECT_EQ(parser.next(), RequestParser::Step::kError);
  EXPECT_EQ(parser.error().status, 400);
  EXPECT_FALSE(parser.in_head());
}

}  // namespace
}  // namespace millrace::http
