#include "hub/namespaces.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::hub {
namespace {

class NamespacesTest : public testing::Test {
 protected:
  uint32_t error_of(std::string_view channel) const {
    const auto resolved = namespaces.resolve(channel);
    const auto* error = std::get_if<model::ReplyError>(&resolved);
    return error == nullptr ? 0 : error->code;
  }
  const ChannelOptions& options_of(std::string_view channel) const {
    return *std::get<const ChannelOptions*>(namespaces.resolve(channel));
  }
  const Namespaces namespaces{
      {.max_length = 20},
      {.allow_subscribe_for_client = true},
      {{"chat", {.allow_publish_for_client = true}}, {"room", {.channel_regex = "^[a-z]+$"}}}};
};

TEST_F(NamespacesTest, a_channel_has_the_options_of_its_namespace) {
  EXPECT_TRUE(options_of("news").allow_subscribe_for_client);
  EXPECT_TRUE(options_of("chat:1").allow_publish_for_client);
  EXPECT_TRUE(options_of("$chat:1").allow_publish_for_client)
      << "the private prefix stands before the namespace";
  EXPECT_TRUE(options_of("chat:a:b").allow_publish_for_client) << "only the first boundary counts";
}

TEST_F(NamespacesTest, the_options_of_a_channel_that_exists_are_those_it_was_let_in_with) {
  for (const std::string_view channel : {"news", "chat:1", "$chat:1", "room:abc"})
    EXPECT_EQ(&namespaces.options_of(channel), &options_of(channel)) << channel;
}

TEST_F(NamespacesTest, unknown_namespaces_and_bad_names_are_told_apart) {
  EXPECT_EQ(error_of("nothing:1"), 102U);
  EXPECT_EQ(error_of(":1"), 102U);
  EXPECT_EQ(error_of(""), 107U);
  EXPECT_EQ(error_of(std::string(20, 'x')), 0U);
  EXPECT_EQ(error_of(std::string(21, 'x')), 107U);
  EXPECT_EQ(error_of("caf\xC3\xA9"), 107U) << "ASCII only without a pattern";
  EXPECT_EQ(error_of("room:abc"), 0U);
  EXPECT_EQ(error_of("room:ABC"), 107U);
}

TEST_F(NamespacesTest, user_limited_channels_know_their_users) {
  EXPECT_EQ(namespaces.allows_user("news", "1"), std::nullopt);
  EXPECT_EQ(namespaces.allows_user("d#1,22", "22"), true);
  EXPECT_EQ(namespaces.allows_user("d#1,22", "2"), false);
  EXPECT_EQ(namespaces.allows_user("d#", ""), false) << "anonymous users are in no list";
}

TEST_F(NamespacesTest, the_private_prefix_is_recognised) {
  EXPECT_TRUE(namespaces.is_private("$secret"));
  EXPECT_FALSE(namespaces.is_private("news"));
}

}  // namespace
}  // namespace millrace::hub
