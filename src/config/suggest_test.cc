#include "config/suggest.h"

#include <gtest/gtest.h>

namespace millrace::config {
namespace {

const std::vector<std::string> kKeys = {"client.ping_interval", "client.pong_timeout",
                                        "http_server.port", "client.token.audience"};

TEST(Suggest, distance_counts_letters) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("port", "prot"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("interval", "intervall"), 1U);
}

TEST(Suggest, slip_of_a_letter_finds_the_name) {
  EXPECT_EQ(nearest("client.ping_intervall", kKeys, "._"), "client.ping_interval");
  EXPECT_EQ(nearest("clinet.pong_timeot", kKeys, "._"), "client.pong_timeout");
  EXPECT_EQ(nearest("client_ping_interval", kKeys, "._"), "client.ping_interval");
}

TEST(Suggest, name_in_the_wrong_group_finds_its_own) {
  EXPECT_EQ(nearest("port", kKeys, "._"), "http_server.port");
  EXPECT_EQ(nearest("prot", kKeys, "._"), "http_server.port");
  EXPECT_EQ(nearest("server.port", kKeys, "._"), "http_server.port");
  EXPECT_EQ(nearest("token_audience", kKeys, "._"), "client.token.audience");
}

TEST(Suggest, stranger_finds_nothing) {
  EXPECT_EQ(nearest("zebra", kKeys, "._"), "");
  EXPECT_EQ(nearest("", kKeys, "._"), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), kKeys, "._"), "");
  EXPECT_EQ(did_you_mean("zebra", kKeys), "");
}

}  // namespace
}  // namespace millrace::config
