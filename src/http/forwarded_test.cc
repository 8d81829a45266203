#include "http/forwarded.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace millrace::http {
namespace {

net::TrustedPeers trusted() {
  const std::vector<std::string> entries = {"10.0.0.0/8", "2001:db8:1::/48", "unix"};
  return net::TrustedPeers::parse(entries).value();
}

std::string node(std::string_view text) {
  const auto address = parse_forwarded_node(text);
  return address ? address->to_string() : "none";
}

// "192.0.2.1 - 2001:db8::1", or "malformed".
std::string forwarded(std::string_view value) {
  const auto nodes = parse_forwarded(value);
  if (!nodes) return "malformed";
  std::string text;
  for (const auto& each : *nodes)
    text.append(text.empty() ? "" : " ").append(each ? each->to_string() : "-");
  return text;
}

std::string client_of(std::vector<Header> headers, std::string_view peer = "10.0.0.1:4711",
                      std::optional<net::IpAddress> proxied = std::nullopt) {
  const net::TrustedPeers peers = trusted();
  Request request;
  request.peer = peer;
  request.headers = headers;
  request.proxied = proxied;
  request.trusted_proxies = &peers;
  return request.client();
}

TEST(ForwardedNode, is_an_address_with_or_without_a_port) {
  EXPECT_EQ(node("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(node("192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(node("192.0.2.1:_port-1.a"), "192.0.2.1");
  EXPECT_EQ(node("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(node("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(node("[2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(node("[::ffff:192.0.2.1]:1"), "192.0.2.1");
}

TEST(ForwardedNode, is_nothing_else) {
  for (const char* text : {"",
                           "unknown",
                           "_hidden",
                           "_SEVKISEK",
                           "example.org",
                           "192.0.2.1:",
                           "192.0.2.1:123456",
                           "192.0.2.1:x",
                           "192.0.2.1:_",
                           "192.0.2.1:_a b",
                           "192.0.2.1 :80",
                           "192.0.2",
                           "[2001:db8::1",
                           "2001:db8::1]",
                           "[2001:db8::1]80",
                           "[2001:db8::1]:",
                           "[192.0.2.1]",
                           "[]",
                           "[]:80",
                           ":80",
                           "\"192.0.2.1\""}) {
    EXPECT_EQ(node(text), "none") << text;
  }
}

// RFC 7239, sections 4, 6 and 7.1.
TEST(Forwarded, examples_of_the_rfc) {
  EXPECT_EQ(forwarded("for=\"_gazonk\""), "-");
  EXPECT_EQ(forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
  EXPECT_EQ(forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=198.51.100.17"), "192.0.2.43 198.51.100.17");
  EXPECT_EQ(forwarded("for=_hidden, for=_SEVKISEK"), "- -");
  EXPECT_EQ(forwarded("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown"),
            "192.0.2.43 2001:db8:cafe::17 -");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=\"[2001:db8:cafe::17]\";by=\"_a:1\""),
            "192.0.2.43 2001:db8:cafe::17");
}

TEST(Forwarded, quoted_strings_hold_anything) {
  EXPECT_EQ(forwarded("host=\"a,b;c=d\\\"\\\\\";for=192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(forwarded("for=\"192.0.2.1:80\""), "192.0.2.1");
  EXPECT_EQ(forwarded("for=\"192.0.\\2.1\""), "192.0.2.1");
  EXPECT_EQ(forwarded("ext=\"\";for=192.0.2.1"), "192.0.2.1");
}

TEST(Forwarded, elements_and_pairs_may_be_empty_and_spaced) {
  EXPECT_EQ(forwarded(""), "");
  EXPECT_EQ(forwarded(" , for=192.0.2.1 ,,\tfor=192.0.2.2, "), "192.0.2.1 192.0.2.2");
  EXPECT_EQ(forwarded(";proto=http; for=192.0.2.1 ;"), "192.0.2.1");
  EXPECT_EQ(forwarded("proto=https"), "-") << "one who is not named is still there";
}

TEST(Forwarded, what_is_malformed_means_nothing) {
  for (const char* value :
       {"for", "for=", "=192.0.2.1", "for =192.0.2.1", "for= 192.0.2.1", "for=192.0.2.1:80",
        "for=[2001:db8::1]", "for=192.0.2.1 for=192.0.2.2", "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1;FOR=192.0.2.2", "by=_a;by=_b", "for=\"192.0.2.1", "for=\"",
        "for=\"192.0.2.1\\", "for=\"192.0.2.1\\\"", "for=\"192.0.2.1\"x", "for=\"a\x01\"",
        "192.0.2.1", "for=\"x, for=\"[2001:db8::1]\""}) {
    EXPECT_EQ(forwarded(value), "malformed") << value;
  }
  EXPECT_EQ(forwarded("for=\"2001:db8::1\""), "-") << "an IPv6 address has brackets";
}

TEST(Client, is_the_peer_unless_a_trusted_proxy_says_otherwise) {
  const std::vector<Header> headers = {{"X-Forwarded-For", "192.0.2.1"}};
  EXPECT_EQ(client_of({}), "10.0.0.1");
  EXPECT_EQ(client_of({}, "[2001:db8:1::1]:80"), "2001:db8:1::1");
  EXPECT_EQ(client_of(headers), "192.0.2.1");
  EXPECT_EQ(client_of(headers, "[::ffff:10.0.0.1]:80"), "192.0.2.1");
  EXPECT_EQ(client_of(headers, "203.0.113.7:4711"), "203.0.113.7");
  EXPECT_EQ(client_of(headers, "unknown"), "unknown");
  Request nobody_is_trusted;
  nobody_is_trusted.peer = "10.0.0.1:1";
  nobody_is_trusted.headers = headers;
  EXPECT_EQ(nobody_is_trusted.client(), "10.0.0.1");
}

TEST(Client, behind_a_trusted_unix_socket_is_who_the_proxy_says) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "192.0.2.1"}}, "unix"), "192.0.2.1");
  EXPECT_EQ(client_of({}, "unix"), "unix");
}

TEST(Client, of_a_proxy_header_comes_before_the_peer) {
  const auto client = net::IpAddress::parse("203.0.113.7");
  const auto next_proxy = net::IpAddress::parse("10.9.9.9");
  const std::vector<Header> headers = {{"X-Forwarded-For", "192.0.2.1"}};
  EXPECT_EQ(client_of(headers, "10.0.0.1:1", client), "203.0.113.7") << "it is no proxy of ours";
  EXPECT_EQ(client_of(headers, "10.0.0.1:1", next_proxy), "192.0.2.1");
}

TEST(Client, is_the_right_most_address_that_is_not_trusted) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "198.51.100.9, 192.0.2.1, 10.0.0.3,10.0.0.2"}}),
            "192.0.2.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "198.51.100.9, [2001:db8::1]:99, 2001:db8:1::2"}}),
            "2001:db8::1");
  EXPECT_EQ(
      client_of({{"x-forwarded-for", "198.51.100.9"}, {"A", "b"}, {"X-FORWARDED-FOR", "10.0.0.2"}}),
      "198.51.100.9");
  EXPECT_EQ(client_of({{"Forwarded", "for=198.51.100.9, for=192.0.2.1;proto=https, for=10.0.0.2"}}),
            "192.0.2.1");
  EXPECT_EQ(client_of({{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "for=\"10.0.0.2:80\""}}),
            "192.0.2.1");
}

TEST(Client, is_the_left_most_address_if_all_are_trusted) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "10.0.0.9, 10.0.0.2"}}), "10.0.0.9");
  EXPECT_EQ(client_of({{"X-Forwarded-For", ", 10.0.0.9 ,, "}}), "10.0.0.9");
}

TEST(Client, beyond_what_is_malformed_nobody_is_believed) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "192.0.2.1, nonsense, 10.0.0.2"}}), "10.0.0.2");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "192.0.2.1, unknown"}}), "10.0.0.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-For", "nonsense"}}),
            "10.0.0.1");
  EXPECT_EQ(client_of({{"Forwarded", "for=192.0.2.1, for=_hidden, for=10.0.0.2"}}), "10.0.0.2");
  EXPECT_EQ(client_of({{"Forwarded", "for=192.0.2.1, for=\"10.0.0.2"}}), "10.0.0.1");
  EXPECT_EQ(client_of({{"Forwarded", "for=192.0.2.1"}, {"Forwarded", "proto=http"}}), "10.0.0.1");
}

// A proxy that adds to X-Forwarded-For lets the client's own Forwarded pass.
TEST(Client, cannot_choose_the_header_that_counts) {
  EXPECT_EQ(client_of({{"Forwarded", "for=198.51.100.9"}, {"X-Forwarded-For", "192.0.2.1"}}),
            "192.0.2.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "nonsense"}, {"Forwarded", "for=198.51.100.9"}}),
            "10.0.0.1");
}

}  // namespace
}  // namespace millrace::http
