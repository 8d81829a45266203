// What goes wrong between nodes: nobody waits for ever, nobody is answered twice.
#include "edge/relay.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/testing_nodes.h"

namespace millrace::edge {
namespace {

using metrics::Counter;

constexpr std::string_view kSubscribe = R"({"id":2,"subscribe":{"channel":"news"}})";

class RelayTest : public NodesTest {
 protected:
  // Control messages as they come from anywhere.
  void send_to_a(std::string bytes) {
    node("b").core().hub->send_control({.node = "node-a", .core = {}}, std::move(bytes),
                                       [](const base::Result<>& sent) { EXPECT_TRUE(sent); });
    run();
  }
};

TEST_F(RelayTest, a_session_that_does_not_exist_is_not_found) {
  const Visitor& stream = open("a", "/stream");
  const Session session = session_of(stream);
  Session forged = session;
  char& last = forged.id.back();
  last = last == '0' ? '1' : '0';
  Session no_slot = session;
  no_slot.id = "ffff" + session.id.substr(session.id.find('-'));
  for (const Session& wrong : {forged, no_slot}) {
    const Visitor& command = emulate("b", wrong, kSubscribe);
    const Visitor& asked = poll("c", wrong, 1);
    run();
    EXPECT_EQ(command.status(), 404) << wrong.id;
    EXPECT_EQ(asked.status(), 404) << wrong.id;
  }
  EXPECT_EQ(stream.body().find("subscribe"), std::string::npos);
  EXPECT_EQ(node("a").connections(), 1U);
}

TEST_F(RelayTest, a_core_that_does_not_exist_is_not_found) {
  Session session = session_of(open("a", "/stream"));
  const size_t core = session.id.find('-', session.id.find('-') + 1) + 1;
  session.id.replace(core, 1, "9");
  const Visitor& command = emulate("b", session, kSubscribe);
  run();
  EXPECT_EQ(command.status(), 404);
}

TEST_F(RelayTest, a_session_is_looked_for_on_the_core_that_it_names_only) {
  const Session session = session_of(open("a", "/stream"));
  const auto id = parse_session_id(session.id);
  ASSERT_TRUE(id);
  node("b").core().hub->send_control(
      {.node = "node-a", .core = base::CoreId{1}},
      encode(ControlAsk{.from = {.node = "node-b", .core = {}},
                        .id = 1,
                        .request = {.session = *id, .kind = SessionRequest::Kind::kGoodbye}}),
      [](const base::Result<>& sent) { EXPECT_TRUE(sent); });
  run();
  EXPECT_EQ(node("a").connections(), 1U);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesLate), 1U) << "404, for nobody";
}

TEST_F(RelayTest, a_node_that_does_not_exist_is_not_found) {
  Session session = session_of(open("a", "/stream"));
  for (const std::string& name : {std::string("node-x"), std::string(), std::string("node a"),
                                  std::string("*"), std::string(100, 'x')}) {
    session.node = name;
    const Visitor& command = emulate("b", session, kSubscribe);
    const Visitor& asked = poll("b", session, 1);
    run();
    EXPECT_EQ(command.status(), 404) << name;
    EXPECT_EQ(asked.status(), 404) << name;
  }
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesNotFound), 10U);
}

TEST_F(RelayTest, who_waits_for_a_node_that_is_taken_down_hears_that_the_session_is_gone) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  nodes_.erase("a");
  run();
  EXPECT_EQ(held.status(), 404);
  const Visitor& next = poll("c", session, 2);
  run();
  EXPECT_EQ(next.status(), 404);
}

TEST_F(RelayTest, who_waits_for_a_node_that_is_drained_hears_why) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  node("a").drain();
  run();
  EXPECT_EQ(held.status(), 200);
  EXPECT_NE(held.body().find("\"code\":3001"), std::string::npos) << held.body();
  const Visitor& last = poll("c", session, 3);
  run();
  EXPECT_EQ(last.status(), 404);
  EXPECT_EQ(node("a").connections(), 0U);
}

TEST_F(RelayTest, a_node_that_stops_tells_those_who_poll_through_it_to_poll_elsewhere) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  node("b").drain();
  run();
  EXPECT_EQ(held.status(), 204);
  const Visitor& late = poll("b", session, 2);
  const Visitor& next = poll("c", session, 2);
  run();
  EXPECT_EQ(late.status(), 204);
  EXPECT_FALSE(next.answered());
  publish("c", "news", R"({"n":1})");
  run();
  EXPECT_EQ(next.status(), 200);
}

TEST_F(RelayTest, who_waits_for_a_node_that_has_died_is_answered_in_time) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  node("a").line().losing = true;  // what it would say at its end, too
  const Visitor& command = emulate("c", session, kSubscribe);
  run();
  nodes_.erase("a");
  pass(4s);
  EXPECT_FALSE(command.answered());
  pass(2s);
  EXPECT_EQ(command.status(), 504);
  EXPECT_FALSE(held.answered());
  pass(23s);
  EXPECT_FALSE(held.answered());
  pass(2s);
  EXPECT_EQ(held.status(), 504);
  EXPECT_EQ(node("b").count(Counter::kNodeRequestsTimeout), 1U);
  EXPECT_EQ(node("c").count(Counter::kNodeRequestsTimeout), 1U);
  EXPECT_EQ(command.responses(), 1U);
}

TEST_F(RelayTest, a_poll_that_is_given_up_is_let_go_of) {
  auto impatient = options();
  impatient.long_poll.hold = 5s;
  start("b", impatient);
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  pass(9s);
  EXPECT_FALSE(held.answered());
  pass(2s);
  EXPECT_EQ(held.status(), 504);
  pass(13s);
  EXPECT_EQ(node("a").connections(), 1U);
  pass(3s);
  EXPECT_EQ(node("a").connections(), 0U) << "15 s without a poll";
}

TEST_F(RelayTest, an_answer_that_comes_too_late_is_dropped_and_counted) {
  const Session session = open_poll("a");
  node("b").line().holding = true;
  const Visitor& command = emulate("b", session, kSubscribe);
  pass(6s);
  EXPECT_EQ(command.status(), 504);
  node("b").line().release();
  run();
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesLate), 1U);
  EXPECT_EQ(command.responses(), 1U);
}

TEST_F(RelayTest, only_the_node_that_was_asked_may_answer) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  const auto answer_as = [this](const std::string& name) {
    node("c").core().hub->send_control(
        {.node = "node-b", .core = {}},
        encode(ControlAnswer{.from = {.node = name, .core = {}}, .id = 1, .answer = {}}),
        [](const base::Result<>& sent) { EXPECT_TRUE(sent); });
    run();
  };
  answer_as("node-c");
  EXPECT_FALSE(held.answered());
  answer_as("node-a");
  EXPECT_EQ(held.status(), 204);
  answer_as("node-a");
  EXPECT_EQ(held.responses(), 1U);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesLate), 2U);
}

TEST_F(RelayTest, what_the_broker_does_not_take_is_answered_at_once) {
  const Session session = open_poll("a");
  const auto status_with = [&](base::ErrorCode code) {
    node("b").line().refusing = code;
    const Visitor& command = emulate("b", session, kSubscribe);
    run();
    return command.status();
  };
  EXPECT_EQ(status_with(base::ErrorCode::kUnavailable), 503);
  EXPECT_NE(visitors_.back().received().find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(status_with(base::ErrorCode::kTooLarge), 413);
  EXPECT_EQ(status_with(base::ErrorCode::kNotFound), 404);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesUnavailable), 1U);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesTooLarge), 1U);
  EXPECT_EQ(node("b").count(Counter::kNodeMessagesNotFound), 1U);
}

TEST_F(RelayTest, a_response_that_no_message_can_carry_has_to_be_asked_for_where_the_session_is) {
  const Session session = open_poll("a");
  const Visitor& held = poll("b", session, 2);
  run();
  publish("c", "news", '"' + std::string(broker::kControlBytesMax, 'x').substr(3) + '"');
  run();
  EXPECT_EQ(held.status(), 503);
  const Visitor& there = poll("a", session, 2);
  run();
  EXPECT_EQ(there.status(), 200);
  EXPECT_GT(there.body().size(), broker::kControlBytesMax - 100);
}

TEST_F(RelayTest, no_more_requests_wait_than_are_allowed) {
  auto few = options();
  few.node_requests_max = 2;
  start("b", few);
  const Session first = open_poll("a");
  const Session second = open_poll("a");
  const Visitor& held = poll("b", first, 2);
  poll("b", second, 2);
  run();
  const Visitor& refused = emulate("b", first, kSubscribe);
  run();
  EXPECT_EQ(refused.status(), 503);
  EXPECT_EQ(node("b").count(Counter::kNodeRequestsLimit), 1U);
  publish("c", "news", R"({"n":1})");
  run();
  EXPECT_EQ(held.status(), 200);
  const Visitor& taken = emulate("b", first, kSubscribe);
  run();
  EXPECT_EQ(taken.status(), 204);
}

TEST_F(RelayTest, garbage_and_what_a_later_version_says_is_counted_and_does_nothing) {
  const Visitor& stream = open("a", "/stream");
  send_to_a("");
  send_to_a("garbage");
  send_to_a(std::string(1000, '\xFF'));
  send_to_a(
      "\x0A\x01"
      "b");
  EXPECT_EQ(node("a").count(Counter::kNodeMessagesMalformed), 3U);
  EXPECT_EQ(node("a").count(Counter::kNodeMessagesUnknown), 1U);
  EXPECT_EQ(node("a").connections(), 1U);
  EXPECT_EQ(node("a").count(Counter::kNodeMessagesOutbound), 0U);
  const Visitor& command = emulate("b", session_of(stream), kSubscribe);
  run();
  EXPECT_EQ(command.status(), 204);
}

TEST_F(RelayTest, the_broker_may_tell_what_became_of_a_message_when_nobody_is_left_to_hear_it) {
  const Session session = open_poll("a");
  Line& line = node("b").line();
  line.silent = true;
  const Visitor& held = poll("b", session, 2);
  emulate("b", session, kSubscribe);
  run();
  ASSERT_EQ(line.unsaid.size(), 2U);
  node("b").take_down_edges();
  for (auto& done : line.unsaid) done(base::fail(base::ErrorCode::kClosed, "the engine is gone"));
  EXPECT_FALSE(held.answered());
}

TEST_F(RelayTest, a_node_may_be_taken_down_while_it_waits_for_another) {
  const Session session = open_poll("a");
  poll("b", session, 2);
  emulate("b", session, kSubscribe);
  nodes_.erase("b");
  run();
  EXPECT_EQ(node("a").connections(), 1U);
  const Visitor& next = poll("c", session, 2);
  run();
  EXPECT_NE(next.body().find("\"id\":2"), std::string::npos) << "the commands had left";
}

}  // namespace
}  // namespace millrace::edge
