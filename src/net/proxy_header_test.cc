#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "net/testing_proxy_header.h"

namespace millrace::net {
namespace {

using namespace std::string_literals;

constexpr unsigned kProxy = 0x21;
constexpr unsigned kLocal = 0x20;
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;

// 203.0.113.7:50000 to 192.0.2.1:443
const std::string kBlock4 = "\xcb\x00\x71\x07\xc0\x00\x02\x01\xc3\x50\x01\xbb"s;
// [2001:db8::7]:50000 to [2001:db8::1]:443
const std::string kBlock6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07\x20\x01\x0d\xb8"s +
                            std::string(11, '\0') + "\x01\xc3\x50\x01\xbb"s;

std::string outcome(const std::string& bytes) {
  return read_proxy_header(bytes).text;
}

std::vector<std::string> good_headers() {
  return {
      "PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n",
      "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
      "PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n",
      "PROXY TCP6 :: :: 0 0\r\n",
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "65535 65535\r\n",
      "PROXY UNKNOWN\r\n",
      "PROXY UNKNOWN anything at all\r\n",
      "PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n",
      binary_header(kProxy, kTcp4, kBlock4),
      binary_header(kProxy, kTcp6, kBlock6),
      binary_header(kProxy, kTcp4, kBlock4 + "\x04\x00\x03nop\xea\x00\x00"s),
      binary_header(kProxy, 0x31, std::string(216, '/')),
      binary_header(kProxy, 0, "ignored"),
      binary_header(kLocal, 0, ""),
      binary_header(kLocal, kTcp4, kBlock4),
      binary_header(kProxy, 0, std::string(ProxyHeaderDecoder::kBlockBytesMax, 'x')),
  };
}

TEST(ProxyHeader, version_1_names_the_client) {
  EXPECT_EQ(outcome("PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n"), "203.0.113.7");
  EXPECT_EQ(outcome("PROXY TCP6 2001:DB8::7 2001:db8::1 50000 443\r\n"), "2001:db8::7");
  EXPECT_EQ(outcome("PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 1 2\r\n"), "203.0.113.7");
}

TEST(ProxyHeader, version_2_names_the_client) {
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4)), "203.0.113.7");
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp6, kBlock6)), "2001:db8::7");
  EXPECT_EQ(outcome(binary_header(kProxy, 0x12, kBlock4)), "203.0.113.7") << "a datagram protocol";
}

TEST(ProxyHeader, who_is_not_named_keeps_the_address_of_the_connection) {
  EXPECT_EQ(outcome("PROXY UNKNOWN\r\n"), "own");
  EXPECT_EQ(outcome("PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n"), "own");
  EXPECT_EQ(outcome(binary_header(kLocal, 0, "")), "own");
  EXPECT_EQ(outcome(binary_header(kLocal, kTcp4, kBlock4)), "own") << "a health check";
  EXPECT_EQ(outcome(binary_header(kLocal, 0xff, "\x01"s)), "own") << "its family is ignored";
  EXPECT_EQ(outcome(binary_header(kProxy, 0x00, "")), "own");
  EXPECT_EQ(outcome(binary_header(kProxy, 0x10, kBlock4)), "own") << "no protocol";
  EXPECT_EQ(outcome(binary_header(kProxy, 0x31, std::string(216, '\0'))), "own") << "AF_UNIX";
}

TEST(ProxyHeader, a_header_may_be_cut_at_every_byte) {
  for (const std::string& header : good_headers()) {
    const ProxyHeaderOutcome whole = read_proxy_header(header + "GET / HTTP/1.1\r\n");
    EXPECT_EQ(whole.read, header.size()) << header;
    for (size_t cut = 1; cut < header.size(); ++cut) {
      bool first = true;
      const auto outcome = read_proxy_header(header + "GET / HTTP/1.1\r\n", [&] {
        return std::exchange(first, false) ? cut : header.size();
      });
      ASSERT_EQ(outcome, whole) << header << " cut at " << cut;
      ASSERT_EQ(read_proxy_header(header.substr(0, cut)).text, "more")
          << header << " up to " << cut;
    }
  }
}

TEST(ProxyHeader, a_header_may_come_byte_by_byte_and_what_follows_is_left) {
  for (const std::string& header : good_headers()) {
    const auto outcome = read_proxy_header(header + header, [] { return 1; });
    EXPECT_EQ(outcome, read_proxy_header(header)) << header;
    EXPECT_EQ(outcome.read, header.size()) << header;
  }
}

TEST(ProxyHeader, a_connection_that_begins_otherwise_is_an_error_at_once) {
  EXPECT_EQ(outcome("GET / HTTP/1.1\r\n"), "error: neither version of the protocol");
  EXPECT_EQ(outcome("\x16\x03\x01\x02"s), "error: neither version of the protocol");
  EXPECT_EQ(outcome("\r\nG"), "error: neither version of the protocol");
  EXPECT_EQ(outcome("PROXY\t"), "error: neither version of the protocol");
  EXPECT_EQ(outcome("proxy TCP4"), "error: neither version of the protocol");
}

TEST(ProxyHeader, version_1_is_one_spelling_and_no_other) {
  for (const std::string line : {"PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 50000\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 3\r\n",
                                 "PROXY TCP4  203.0.113.7 192.0.2.1 1 2\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 1 2 \r\n",
                                 "PROXY TCP4 203.0.113.7\t192.0.2.1 1 2\r\n",
                                 "PROXY TCP4 203.0.113.07 192.0.2.1 1 2\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 01 2\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 1 65536\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 -1 2\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 1 x\r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.1 1 \r\n",
                                 "PROXY TCP4 203.0.113.7 192.0.2.256 1 2\r\n",
                                 "PROXY TCP4 ::1 ::1 1 2\r\n",
                                 "PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n",
                                 "PROXY TCP4 203.0.113.7 ::1 1 2\r\n",
                                 "PROXY TCP6 [::1] ::1 1 2\r\n",
                                 "PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n",
                                 "PROXY TCP5 203.0.113.7 192.0.2.1 1 2\r\n",
                                 "PROXY UNKNOWNS\r\n",
                                 "PROXY \r\nUNKNOWN\r\n",
                                 "PROXY UNKNOWN a\rb\r\n"}) {
    EXPECT_TRUE(outcome(line + "GET / HTTP/1.1\r\n").starts_with("error: ")) << line;
  }
}

TEST(ProxyHeader, a_line_has_107_bytes_at_most) {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 16, 'x');
  EXPECT_EQ(outcome(longest + "\r\n"), "own");
  const ProxyHeaderOutcome longer = read_proxy_header(longest + "x\r\n");
  EXPECT_EQ(longer.text, "error: a line of more than 107 bytes");
  EXPECT_LE(longer.read, 107U);
}

TEST(ProxyHeader, version_2_takes_what_the_text_defines_and_no_more) {
  EXPECT_EQ(outcome(binary_header(0x11, kTcp4, kBlock4)), "error: an unknown version");
  EXPECT_EQ(outcome(binary_header(0x31, kTcp4, kBlock4)), "error: an unknown version");
  EXPECT_EQ(outcome(binary_header(0x22, kTcp4, kBlock4)), "error: an unknown command");
  EXPECT_EQ(outcome(binary_header(kProxy, 0x41, kBlock4)), "error: an unknown family");
  EXPECT_EQ(outcome(binary_header(kProxy, 0x13, kBlock4)), "error: an unknown protocol");
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4.substr(1))),
            "error: too short for its addresses");
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp6, kBlock4)), "error: too short for its addresses");
  EXPECT_EQ(outcome(binary_header(kProxy, 0x31, kBlock6)), "error: too short for its addresses");
}

TEST(ProxyHeader, a_block_has_4_kib_at_most) {
  const size_t most = ProxyHeaderDecoder::kBlockBytesMax;
  EXPECT_EQ(outcome(binary_header(kLocal, 0, std::string(most, 'x'))), "own");
  const auto more = read_proxy_header(binary_header(kLocal, 0, std::string(most + 1, 'x')));
  EXPECT_EQ(more.text, "error: a header of more than 4 KiB");
  EXPECT_EQ(more.read, 16U) << "it is refused by its length";
}

TEST(ProxyHeader, tlvs_fit_into_the_block) {
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4 + "\x04\x00"s)),
            "error: a TLV that is cut off");
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4 + "\x04\x00\x02x"s)),
            "error: a TLV that is cut off");
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4 + "\x04\x00\x00\x02\x00\x03o.g"s)),
            "203.0.113.7");
}

// The checksum was computed by another implementation, of which the check value of CRC-32C
// (0xe3069283 of "123456789") is known to come out.
TEST(ProxyHeader, a_checksum_is_looked_at) {
  const std::string before = kBlock4 + "\x04\x00\x01-\x03\x00\x04"s;
  const std::string good = before + "\x72\xc5\x9f\x11"s;
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, good)), "203.0.113.7");
  for (size_t at = 0; at < kBlock4.size(); ++at) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, changed)), "error: a wrong checksum") << at;
  }
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4 + "\x03\x00\x03xyz"s)),
            "error: a malformed checksum");
  const std::string two = "\x03\x00\x04"s + "\xc7\x89\x22\x2b"s + "\x03\x00\x04xxxx"s;
  EXPECT_EQ(outcome(binary_header(kProxy, kTcp4, kBlock4 + two)), "error: a malformed checksum");
}

}  // namespace
}  // namespace millrace::net
