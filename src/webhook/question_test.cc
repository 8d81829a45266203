#include "webhook/question.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::webhook {
namespace {

TEST(ConnectQuestion, all_that_is_known_of_a_client) {
  const hub::Visitor visitor{.transport = "websocket",
                             .name = "js",
                             .version = "1.0 \"x\"",
                             .data = R"({"a": 1.10})",
                             .channels = {"news", "a\nb"},
                             .headers = {{"Cookie", "not here"}},
                             .user = "nor here"};
  const auto question = connect_question("id", visitor, false);
  ASSERT_TRUE(question);
  EXPECT_EQ(*question,
            R"({"client":"id","transport":"websocket","protocol":"json","encoding":"json",)"
            R"("data":{"a": 1.10},"name":"js","version":"1.0 \"x\"","channels":["news","a\nb"]})");
}

TEST(ConnectQuestion, what_is_empty_is_left_out) {
  const auto question = connect_question("id", {.transport = "uni_sse"}, false);
  ASSERT_TRUE(question);
  EXPECT_EQ(*question,
            R"({"client":"id","transport":"uni_sse","protocol":"json","encoding":"json"})");
}

TEST(ConnectQuestion, data_may_travel_as_base64) {
  const auto question = connect_question(
      "id", {.transport = "websocket", .binary = true, .data = std::string("\0\xff", 2)}, true);
  ASSERT_TRUE(question);
  EXPECT_EQ(*question,
            R"({"client":"id","transport":"websocket","protocol":"protobuf","encoding":"binary",)"
            R"("b64data":"AP8="})");
}

TEST(ConnectQuestion, bytes_of_a_client_cannot_pose_as_json) {
  for (const std::string data : {"\xff", R"({},"user":"42")", "", "{}"}) {
    const auto question =
        connect_question("id", {.transport = "websocket", .binary = true, .data = data}, false);
    EXPECT_EQ(question.has_value(), data.empty() || data == "{}") << data;
  }
}

}  // namespace
}  // namespace millrace::webhook
