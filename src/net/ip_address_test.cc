#include "net/ip_address.h"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

TrustedPeers trusted(std::vector<std::string> entries) {
  const base::Result<TrustedPeers> result = TrustedPeers::parse(entries);
  EXPECT_TRUE(result);
  return result.value_or(TrustedPeers{});
}

bool holds(const TrustedPeers& peers, std::string_view address) {
  return peers.contains(IpAddress::parse(address).value());
}

TEST(IpAddress, addresses_are_read_and_written_in_their_shortest_form) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0::1")->to_string(), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("::")->to_string(), "::");
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_v4());
  EXPECT_FALSE(IpAddress::parse("::1")->is_v4());
}

TEST(IpAddress, an_ipv4_address_in_ipv6_form_is_the_ipv4_address) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(IpAddress::parse("::ffff:c000:201")->to_string(), "192.0.2.1");
}

TEST(IpAddress, what_is_not_exactly_an_address_is_refused) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "01.2.3.4"sv, "1.2.3.4 "sv, "1.2.3.4:80"sv,
        "[::1]"sv, "::1%lo"sv, "1::2::3"sv, ":::"sv, "12345::"sv, "localhost"sv, "0x7f.1"sv,
        "1.2.3.4\0"sv, "1:2:3:4:5:6:7:8:9"sv,
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555555"sv}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, a_peer_has_a_port_unless_it_is_a_unix_socket) {
  EXPECT_EQ(IpAddress::of_peer("192.0.2.1:4711")->to_string(), "192.0.2.1");
  EXPECT_EQ(IpAddress::of_peer("[::1]:80")->to_string(), "::1");
  EXPECT_EQ(IpAddress::of_peer("[::ffff:127.0.0.1]:80")->to_string(), "127.0.0.1");
  EXPECT_FALSE(IpAddress::of_peer("unix"));
  EXPECT_FALSE(IpAddress::of_peer("unknown"));
}

TEST(TrustedPeers, an_empty_list_holds_nobody) {
  EXPECT_FALSE(holds(TrustedPeers{}, "127.0.0.1"));
  EXPECT_FALSE(TrustedPeers{}.contains_peer("unix"));
}

TEST(TrustedPeers, networks_hold_what_begins_with_their_prefix) {
  const TrustedPeers peers =
      trusted({"10.0.0.0/8", "192.0.2.128/25", "203.0.113.7", "2001:db8::/33"});
  for (const char* inside : {"10.0.0.0", "10.255.255.255", "192.0.2.128", "192.0.2.255",
                             "203.0.113.7", "::ffff:10.1.2.3", "2001:db8:7fff::1"}) {
    EXPECT_TRUE(holds(peers, inside)) << inside;
  }
  for (const char* outside : {"11.0.0.0", "9.255.255.255", "192.0.2.127", "203.0.113.6",
                              "::10.1.2.3", "2001:db8:8000::1", "2001:db7::1"}) {
    EXPECT_FALSE(holds(peers, outside)) << outside;
  }
}

TEST(TrustedPeers, everything_of_one_family_is_not_everything_of_the_other) {
  EXPECT_TRUE(holds(trusted({"0.0.0.0/0"}), "198.51.100.1"));
  EXPECT_FALSE(holds(trusted({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_TRUE(holds(trusted({"::/0"}), "2001:db8::1"));
  EXPECT_FALSE(holds(trusted({"::/0"}), "198.51.100.1"));
}

TEST(TrustedPeers, peers_are_looked_up_as_streams_name_them) {
  const TrustedPeers peers = trusted({"127.0.0.1", "unix"});
  EXPECT_TRUE(peers.contains_peer("127.0.0.1:4711"));
  EXPECT_TRUE(peers.contains_peer("[::ffff:127.0.0.1]:4711"));
  EXPECT_TRUE(peers.contains_peer("unix"));
  EXPECT_FALSE(peers.contains_peer("127.0.0.2:4711"));
  EXPECT_FALSE(peers.contains_peer("unknown"));
  EXPECT_FALSE(trusted({"127.0.0.1"}).contains_peer("unix"));
}

TEST(TrustedPeers, an_entry_that_is_none_is_named) {
  for (const char* entry : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8",
                            "10.0.0.1/8", "::/129", "2001:db8::1/64", "::ffff:10.0.0.1/104",
                            "localhost", "UNIX", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8"}) {
    const std::vector<std::string> entries = {"127.0.0.1", entry};
    const base::Result<TrustedPeers> result = TrustedPeers::parse(entries);
    ASSERT_FALSE(result) << entry;
    EXPECT_NE(result.error().message.find('"' + std::string(entry) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::net
