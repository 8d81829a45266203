#include "api/results.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "protocol/protocol.h"

namespace millrace::api {
namespace {

base::SharedBytes bytes(std::string_view text) {
  return base::SharedBytes::copy_of(text);
}

std::shared_ptr<const model::ClientInfo> client(std::string_view info = "") {
  return std::make_shared<model::ClientInfo>(
      model::ClientInfo{.user = "42", .client = "c-1", .conn_info = bytes(info), .chan_info = {}});
}

TEST(Results, of_publish_has_a_position_only_with_history) {
  EXPECT_EQ(publish_result({}), "{}");
  EXPECT_EQ(publish_result({"e", model::Offset{7}}), R"({"offset":7,"epoch":"e"})");
}

TEST(Results, of_broadcast_says_each_channels_fate) {
  const std::vector<Outcome> outcomes = {publish_result({"e", model::Offset{1}}),
                                         std::unexpected(Failure{102, "unknown channel"}), "{}"};
  EXPECT_EQ(broadcast_result(outcomes),
            R"({"responses":[{"result":{"offset":1,"epoch":"e"}},)"
            R"({"error":{"code":102,"message":"unknown channel"}},{"result":{}}]})");
}

TEST(Results, of_presence_always_has_its_fields) {
  EXPECT_EQ(presence_result({}), R"({"presence":{}})");
  EXPECT_EQ(presence_result({.members = {client(R"({"n":"A"})")}}),
            R"({"presence":{"c-1":{"user":"42","client":"c-1","conn_info":{"n":"A"}}}})");
  EXPECT_EQ(presence_stats_result({}), R"({"num_clients":0,"num_users":0})");
}

TEST(Results, of_history_have_json_as_it_is_and_bytes_in_base64) {
  const auto publications =
      std::make_shared<const std::vector<model::Publication>>(std::vector<model::Publication>{
          {.offset = model::Offset{1}, .data = bytes(R"({"a": 1})"), .info = client()},
          {.offset = model::Offset{2},
           .data = bytes(std::string_view("\x00\x01\xff", 3)),
           .tags = {{"lang", "en"}, {"q\"", "1"}},
           .is_json = false}});
  EXPECT_EQ(history_result({.publications = publications, .top = {"e", model::Offset{2}}}),
            R"({"publications":[{"data":{"a": 1},"info":{"user":"42","client":"c-1"},"offset":1},)"
            R"({"b64data":"AAH/","offset":2,"tags":{"lang":"en","q\"":"1"}}],)"
            R"("epoch":"e","offset":2})");
  const auto none = std::make_shared<const std::vector<model::Publication>>();
  EXPECT_EQ(history_result({.publications = none, .top = {}}),
            R"({"publications":[],"epoch":"","offset":0})");
}

TEST(Results, of_channels_and_info) {
  EXPECT_EQ(channels_result({}), R"({"channels":{}})");
  const std::vector<std::pair<std::string, size_t>> channels = {{"a", 1}, {"b\"", 22}};
  EXPECT_EQ(channels_result(channels),
            R"({"channels":{"a":{"num_clients":1},"b\"":{"num_clients":22}}})");
  EXPECT_EQ(info_result({.uid = "u",
                         .name = "n",
                         .version = "1.2",
                         .num_clients = 3,
                         .num_channels = 4,
                         .num_subs = 5,
                         .uptime = 6},
                        2),
            R"({"nodes":[{"uid":"u","name":"n","version":"1.2","num_clients":3,"num_users":2,)"
            R"("num_channels":4,"num_subs":5,"uptime":6}]})");
}

TEST(Results, stand_in_replies) {
  const Outcome failed = std::unexpected(Failure{107, "bad request: \"x\""});
  EXPECT_EQ(reply_text("{}"), R"({"result":{}})");
  EXPECT_EQ(reply_text("{}", 5), R"({"id":5,"result":{}})");
  EXPECT_EQ(reply_text(failed, 6),
            R"({"id":6,"error":{"code":107,"message":"bad request: \"x\""}})");
  const std::vector<std::string_view> names = {"publish", "info"};
  const std::vector<Outcome> outcomes = {"{}", failed};
  EXPECT_EQ(
      replies_text(names, outcomes),
      R"({"replies":[{"publish":{}},{"error":{"code":107,"message":"bad request: \"x\""}}]})");
}

TEST(Results, are_valid_json_whatever_names_hold) {
  const std::string odd("\x01\"\\\xff\n\xc3\xa9", 7);
  const std::vector<std::pair<std::string, size_t>> channels = {{odd, 1}};
  EXPECT_TRUE(protocol::valid_json(channels_result(channels)));
  EXPECT_TRUE(protocol::valid_json(failure_text({107, odd})));
  EXPECT_TRUE(protocol::valid_json(publish_result({odd, model::Offset{1}})));
}

}  // namespace
}  // namespace millrace::api
