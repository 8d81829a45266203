#include "broker/memory/exchange.h"

#include <functional>
#include <memory>
#include <optional>

#include "base/manual_executor.h"
#include "broker/broker_conformance.h"
#include "broker/memory/memory.h"

namespace millrace::broker {
namespace {

using memory::Exchange;
using memory::MemoryBroker;

struct Silent final : Sink {
  void on_message(std::string_view, const Message&) override { ++heard; }
  void on_control(std::string_view) override { ++heard; }
  void on_interruption() override {}
  size_t heard = 0;
};

// Two nodes, of which one has two cores; what is asked of the last one must reach nobody else.
class ExchangeHarness : public ConformanceHarness {
 public:
  ExchangeHarness() {
    publisher_.set_sink(silent_);
    bystander_.set_sink(silent_);
  }
  ~ExchangeHarness() override { EXPECT_EQ(silent_.heard, 0U); }
  ExchangeHarness(const ExchangeHarness&) = delete;
  ExchangeHarness& operator=(const ExchangeHarness&) = delete;

  Broker& broker() override { return broker_; }
  bool run_until(const std::function<bool()>& condition) override {
    cores_.run_until_idle();
    return condition();
  }
  void settle() override { cores_.run_until_idle(); }

 protected:
  Broker& other() { return publisher_; }

 private:
  base::ManualCores cores_{3};
  Silent silent_;
  Exchange exchange_;
  MemoryBroker broker_{{.node = "node-a", .core = {}}, exchange_, cores_.at(0)};
  MemoryBroker bystander_{{.node = "node-a", .core = base::CoreId{1}}, exchange_, cores_.at(1)};
  MemoryBroker publisher_{{.node = "node-b", .core = {}}, exchange_, cores_.at(2)};
};

class OneNodeHarness final : public ExchangeHarness {};
class TwoNodesHarness final : public ExchangeHarness {
 public:
  Broker& publisher() override { return other(); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ExchangeWithinANode, BrokerConformance, OneNodeHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(ExchangeBetweenNodes, BrokerConformance, TwoNodesHarness);

class ExchangeTest : public testing::Test {
 protected:
  // A node that subscribes to "a" and writes down what it hears.
  struct Node final : Sink {
    Node(std::string node, Exchange& exchange, base::Executor& executor)
        : broker({.node = std::move(node), .core = {}}, exchange, executor) {
      broker.set_sink(*this);
      broker.subscribe("a", [](base::Result<> result) { EXPECT_TRUE(result); });
    }
    void on_message(std::string_view, const Message& message) override {
      log.emplace_back(std::get<Published>(message).publication.data.view());
      if (react) react(log.back());
      log.push_back("/");
    }
    void on_control(std::string_view bytes) override {
      log.push_back("control " + std::string(bytes));
    }
    void on_interruption() override { ADD_FAILURE() << "there is nothing to interrupt"; }
    void publish(std::string_view data) {
      broker.publish("a", Published{.publication = {.data = base::SharedBytes::copy_of(data)}},
                     [](base::Result<> result) { EXPECT_TRUE(result); });
    }
    base::Result<> send(std::string to, std::string bytes) {
      base::Result<> answer;
      broker.send_control({.node = std::move(to), .core = {}}, std::move(bytes),
                          [&](base::Result<> result) { answer = std::move(result); });
      return answer;
    }
    std::vector<std::string> take() { return std::exchange(log, {}); }

    MemoryBroker broker;
    std::vector<std::string> log;
    std::function<void(const std::string&)> react;
  };
  using Lines = std::vector<std::string>;

  Node& add(std::string name) {
    nodes.push_back(std::make_unique<Node>(std::move(name), exchange, cores.at(nodes.size())));
    return *nodes.back();
  }

  base::ManualCores cores{3};
  Exchange exchange;
  std::vector<std::unique_ptr<Node>> nodes;
};

TEST_F(ExchangeTest, every_node_hears_a_publication_once_and_the_others_in_a_later_turn) {
  Node& a = add("a");
  Node& b = add("b");
  Node& c = add("c");
  a.publish("1");
  EXPECT_EQ(a.take(), (Lines{"1", "/"}));
  EXPECT_TRUE(b.log.empty());
  cores.run_until_idle();
  EXPECT_TRUE(a.log.empty());
  EXPECT_EQ(b.take(), (Lines{"1", "/"}));
  EXPECT_EQ(c.take(), (Lines{"1", "/"}));
}

TEST_F(ExchangeTest, what_is_published_while_hearing_another_node_waits_until_that_is_over) {
  Node& a = add("a");
  Node& b = add("b");
  b.react = [&b](const std::string& data) {
    if (data == "1") b.publish("2");
  };
  a.publish("1");
  cores.run_until_idle();
  EXPECT_EQ(b.take(), (Lines{"1", "/", "2", "/"}));
  EXPECT_EQ(a.take(), (Lines{"1", "/", "2", "/"}));
}

TEST_F(ExchangeTest, interest_that_has_ended_meanwhile_does_not_count) {
  Node& a = add("a");
  Node& b = add("b");
  a.publish("1");
  b.broker.unsubscribe("a");
  cores.run_until_idle();
  EXPECT_TRUE(b.log.empty());
}

TEST_F(ExchangeTest, publications_and_control_messages_keep_their_order) {
  Node& a = add("a");
  Node& b = add("b");
  a.publish("1");
  EXPECT_TRUE(a.send("b", "2"));
  a.publish("3");
  cores.run_until_idle();
  EXPECT_EQ(b.take(), (Lines{"1", "/", "control 2", "3", "/"}));
}

TEST_F(ExchangeTest, a_node_that_has_left_is_not_found_and_gets_nothing_that_was_under_way) {
  Node& a = add("a");
  add("b");
  EXPECT_TRUE(a.send("b", "1"));
  a.publish("2");
  nodes.pop_back();
  const base::Result<> result = a.send("b", "3");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  Node& again = add("b");
  cores.run_until_idle();
  EXPECT_TRUE(again.log.empty()) << "who comes with the same address is somebody else";
  EXPECT_TRUE(a.send("b", "4"));
  cores.run_until_idle();
  EXPECT_EQ(again.take(), (Lines{"control 4"}));
}

TEST_F(ExchangeTest, what_is_under_way_may_outlive_the_exchange) {
  base::ManualCores later{1};
  Silent silent;
  {
    Exchange short_lived;
    MemoryBroker one({.node = "a", .core = {}}, short_lived, later.at(0));
    one.set_sink(silent);
    one.send_control(one.address(), "1", [](base::Result<> result) { EXPECT_TRUE(result); });
  }
  later.run_until_idle();
  EXPECT_EQ(silent.heard, 0U);
}

}  // namespace
}  // namespace millrace::broker
