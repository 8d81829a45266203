// Sessions whose requests come through any node.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "edge/testing_nodes.h"

namespace millrace::edge {
namespace {

using metrics::Counter;

// The payloads {"n":…} in `text`, by channel, in order.
void collect(std::string_view text, std::map<std::string, std::vector<int>>& heard) {
  constexpr std::string_view kChannel = "\"channel\":\"";
  constexpr std::string_view kNumber = "{\"n\":";
  while (true) {
    const size_t channel = text.find(kChannel);
    if (channel == std::string_view::npos) return;
    text.remove_prefix(channel + kChannel.size());
    const std::string name(text.substr(0, text.find('"')));
    const size_t number = text.find(kNumber);
    if (number == std::string_view::npos) return;
    heard[name].push_back(std::stoi(std::string(text.substr(number + kNumber.size(), 9))));
  }
}

TEST_F(NodesTest, commands_for_a_stream_may_come_through_another_node) {
  for (const char* const path : {"/stream", "/sse"}) {
    const Visitor& stream = open("a", path);
    const Session session = session_of(stream);
    EXPECT_EQ(session.node, "node-a");
    const Visitor& command = emulate("b", session, R"({"id":2,"subscribe":{"channel":"news"}})");
    run();
    EXPECT_EQ(command.status(), 204);
    EXPECT_NE(stream.body().find(R"({"id":2,"subscribe")"), std::string::npos) << path;
    publish("c", "news", R"({"n":7})");
    run();
    EXPECT_NE(stream.body().find(R"({"n":7})"), std::string::npos) << path;
  }
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesOutbound), 2U);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesInbound), 2U);
  EXPECT_EQ(node("a").count(Counter::kNodeMessagesInbound), 2U);
  EXPECT_EQ(node("c").count(Counter::kNodeMessagesInbound), 0U);
}

TEST_F(NodesTest, a_session_is_found_on_whichever_core_of_whichever_node) {
  for (size_t home = 0; home < kCores; ++home) {
    for (size_t door = 0; door < kCores; ++door) {
      const Visitor& stream = open("a", "/stream", home);
      const Session session = session_of(stream);
      for (const char* const through : {"a", "b"}) {
        const std::string data =
            R"({"id":2,"subscribe":{"channel":")" + std::string(through) + "\"}}";
        std::string escaped;
        for (const char c : data) escaped += c == '"' ? std::string("\\\"") : std::string(1, c);
        const Visitor& command = visit(through, "/emulation",
                                       R"({"session":")" + session.id + R"(","node":")" +
                                           session.node + R"(","data":")" + escaped + "\"}",
                                       door);
        run();
        EXPECT_EQ(command.status(), 204);
      }
      EXPECT_NE(stream.body().find("subscribe"), std::string::npos);
    }
  }
}

TEST_F(NodesTest, commands_are_worked_in_the_order_in_which_they_came_to_a_node) {
  const Visitor& stream = open("a", "/stream");
  const Session session = session_of(stream);
  std::string expected;
  for (int id = 2; id < 40; ++id) {
    emulate("b", session, "{\"id\":" + std::to_string(id) + ",\"presence\":{\"channel\":\"x\"}}");
    expected += " " + std::to_string(id);
  }
  run();
  std::string order;
  const std::string replies = stream.body();
  for (size_t at = replies.find("{\"id\":2,"); at != std::string::npos;
       at = replies.find("{\"id\":", at + 1))
    order += " " + std::to_string(std::stoi(replies.substr(at + 6)));
  EXPECT_EQ(order, expected);
}

TEST_F(NodesTest, polls_may_alternate_between_nodes) {
  const Session session = open_poll("a");
  uint64_t received = 2;
  for (const char* const name : {"b", "c", "a", "b"}) {
    const Visitor& held = poll(name, session, received);
    run();
    EXPECT_FALSE(held.answered());
    publish("c", "news", R"({"n":)" + std::to_string(received) + "}");
    run();
    EXPECT_EQ(held.status(), 200);
    EXPECT_NE(held.body().find("{\"n\":" + std::to_string(received) + "}"), std::string::npos);
    EXPECT_NE(held.received().find("Content-Type: application/x-ndjson"), std::string::npos);
    ++received;
  }
}

TEST_F(NodesTest, a_response_that_was_lost_comes_again_through_another_node) {
  const Session session = open_poll("a");
  publish("a", "news", R"({"n":1})");
  run();
  const Visitor& lost = poll("b", session, 2);
  run();
  publish("b", "news", R"({"n":2})");
  run();
  const Visitor& again = poll("c", session, 2);
  run();
  EXPECT_EQ(again.status(), 200);
  EXPECT_EQ(again.body(), lost.body());
  const Visitor& next = poll("b", session, 3);
  run();
  EXPECT_NE(next.body().find(R"({"n":2})"), std::string::npos);
  EXPECT_EQ(next.body().find(R"({"n":1})"), std::string::npos);
  const Visitor& outdated = poll("c", session, 2);
  run();
  EXPECT_EQ(outdated.status(), 400);
}

TEST_F(NodesTest, a_poll_with_nothing_to_bring_is_answered_after_its_hold) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  pass(24s);
  EXPECT_FALSE(held.answered());
  pass(2s);
  EXPECT_EQ(held.status(), 204);
  EXPECT_EQ(node("b").count(Counter::kNodeRequestsTimeout), 0U);
}

TEST_F(NodesTest, a_client_that_hangs_up_elsewhere_is_not_held_any_longer) {
  const Session session = open_poll("a");
  Visitor& held = poll("b", session, 2);
  run();
  held.hang_up();
  run();
  pass(14s);
  EXPECT_EQ(node("a").connections(), 1U);
  pass(2s);
  EXPECT_EQ(node("a").connections(), 0U) << "as one that does not poll";
}

TEST_F(NodesTest, a_newer_poll_takes_the_place_of_one_that_another_node_waits_for) {
  const Session session = open_poll("a");
  const Visitor& older = poll("b", session, 2);
  run();
  const Visitor& newer = poll("c", session, 2);
  run();
  EXPECT_EQ(older.status(), 204);
  EXPECT_FALSE(newer.answered());
  publish("b", "news", R"({"n":1})");
  run();
  EXPECT_EQ(newer.status(), 200);
}

TEST_F(NodesTest, goodbye_may_be_said_through_another_node) {
  const Session session = open_poll("a");
  const Visitor& goodbye =
      visit("b", "/poll",
            R"({"session":")" + session.id + R"(","node":")" + session.node + R"(","close":true})");
  run();
  EXPECT_EQ(goodbye.status(), 204);
  EXPECT_EQ(node("a").connections(), 0U);
  const Visitor& late = poll("b", session, 2);
  run();
  EXPECT_EQ(late.status(), 404);
}

TEST_F(NodesTest, a_page_of_another_origin_may_read_the_answer_of_another_node) {
  const Session session = open_poll("a");
  auto open_to_all = options();
  open_to_all.allowed_origins = {"*"};
  start("b", open_to_all);
  const Visitor& held =
      visit("b", "/poll", R"({"session":")" + session.id + R"(","node":"node-a","ack":2})", 0,
            "Origin: https://page.example\r\n");
  publish("c", "news", R"({"n":1})");
  run();
  EXPECT_EQ(held.status(), 200);
  for (const char* const header :
       {"Access-Control-Allow-Origin: https://page.example", "Vary: Origin",
        "Cache-Control: no-store", "Access-Control-Allow-Credentials: true"})
    EXPECT_NE(held.received().find(header), std::string::npos) << header;
}

TEST_F(NodesTest, large_commands_and_responses_get_through_and_too_large_ones_do_not) {
  const Session session = open_poll("a");
  const std::string large(900'000, 'x');
  const auto command = [&](const std::string& data) {
    return R"({"id":3,"publish":{"channel":"news","data":")" + data + "\"}}";
  };
  const Visitor& published = emulate("b", session, command(large));
  const Visitor& response = poll("c", session, 2);
  run();
  EXPECT_EQ(published.status(), 204);
  EXPECT_EQ(response.status(), 200);
  EXPECT_NE(response.body().find(large), std::string::npos);
  const Visitor& refused = emulate("b", session, command(std::string(1'000'000, 'x')));
  run();
  EXPECT_EQ(refused.status(), 413);
}

// A balancer that sends each request anywhere, and a network that loses every fourth response.
TEST_F(NodesTest, nothing_is_lost_and_nothing_comes_twice_between_nodes) {
  base::Prng random(5);
  const std::array<std::string, 3> names{"a", "b", "c"};
  const auto any = [&]() -> const std::string& { return names[random.below(3)]; };
  const Session session = session_of(open("b", "/long_poll", 1));
  for (const std::string& name : names)
    emulate(any(), session, R"({"id":2,"subscribe":{"channel":"from-)" + name + "\"}}");
  run();
  constexpr int kEach = 150;
  std::map<std::string, int> sent;
  std::map<std::string, std::vector<int>> heard;
  uint64_t received = 1;
  for (int quiet = 0; quiet < 3;) {
    for (uint64_t i = random.below(4); i > 0; --i) {
      const std::string& name = any();
      if (sent[name] == kEach) continue;
      publish(name, "from-" + name, "{\"n\":" + std::to_string(++sent[name]) + "}");
    }
    Visitor& asked = poll(any(), session, received);
    if (random.below(8) == 0) {
      run();
      asked.hang_up();
    }
    if (random.below(3) == 0) run();
    pass(base::Duration(static_cast<int64_t>(random.below(2'000'000))));
    if (asked.status() == 200 && random.below(4) != 0) {
      ++received;
      collect(asked.body(), heard);
    }
    quiet = sent["a"] + sent["b"] + sent["c"] == 3 * kEach && !asked.answered() ? quiet + 1 : 0;
  }
  std::vector<int> expected;
  for (int i = 1; i <= kEach; ++i) expected.push_back(i);
  for (const std::string& name : names) EXPECT_EQ(heard["from-" + name], expected) << name;
}

}  // namespace
}  // namespace millrace::edge
