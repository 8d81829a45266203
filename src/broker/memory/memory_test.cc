#include "broker/memory/memory.h"

#include <functional>

#include "broker/broker_conformance.h"

namespace millrace::broker {
namespace {

// Everything happens inside the calls, so there is nothing to drive.
class MemoryHarness final : public ConformanceHarness {
 public:
  Broker& broker() override { return broker_; }
  bool run_until(const std::function<bool()>& condition) override { return condition(); }
  void settle() override {}

 private:
  memory::MemoryBroker broker_{Address{.node = "node", .core = base::CoreId{3}}};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BrokerConformance, MemoryHarness);

Message text(std::string_view data) {
  return Published{.publication = {.data = base::SharedBytes::copy_of(data)}};
}

class MemoryBrokerTest : public testing::Test, public Sink {
 protected:
  MemoryBrokerTest() {
    broker.set_sink(*this);
    subscribe("a");
    subscribe("b");
  }
  void on_message(std::string_view channel, const Message& message) override {
    const std::string name(std::get<Published>(message).publication.data.view());
    log.push_back(std::string(channel) + ":" + name);
    if (react) react(name);
    log.push_back("/" + name);
  }
  void on_control(std::string_view bytes) override {
    const std::string name(bytes);
    log.push_back("control:" + name);
    if (react) react(name);
    log.push_back("/" + name);
  }
  void on_interruption() override { ADD_FAILURE() << "there is nothing to interrupt"; }

  void subscribe(std::string_view channel) {
    broker.subscribe(channel, [](base::Result<> result) { EXPECT_TRUE(result); });
  }
  void publish(std::string_view channel, const std::string& name) {
    broker.publish(channel, text(name), [this, name](base::Result<> result) {
      EXPECT_TRUE(result);
      log.push_back("done " + name);
      if (react) react("done " + name);
    });
  }

  base::Result<> send(const Address& to, std::string bytes) {
    base::Result<> answer;
    broker.send_control(to, std::move(bytes), [&](base::Result<> result) { answer = result; });
    return answer;
  }

  using Lines = std::vector<std::string>;
  Lines log;
  std::function<void(const std::string&)> react;
  memory::MemoryBroker broker{Address{.node = "node", .core = {}}};
};

TEST_F(MemoryBrokerTest, rings_inside_publish_and_before_done) {
  publish("a", "1");
  EXPECT_EQ(log, (Lines{"a:1", "/1", "done 1"}));
}

TEST_F(MemoryBrokerTest, what_is_published_while_ringing_is_rung_after_it_in_order) {
  react = [this](const std::string& name) {
    if (name == "1") {
      publish("a", "2");
      publish("b", "3");
    }
    if (name == "done 1") publish("a", "4");
    if (name == "2") publish("a", "5");
  };
  publish("a", "1");
  EXPECT_EQ(log, (Lines{"a:1", "/1", "done 1", "a:2", "/2", "done 2", "b:3", "/3", "done 3",  //
                        "a:4", "/4", "done 4", "a:5", "/5", "done 5"}));
}

TEST_F(MemoryBrokerTest, interest_counts_at_the_time_of_ringing) {
  react = [this](const std::string& name) {
    if (name != "1") return;
    publish("b", "2");
    broker.unsubscribe("b");
  };
  publish("a", "1");
  EXPECT_EQ(log, (Lines{"a:1", "/1", "done 1", "done 2"}));
}

TEST_F(MemoryBrokerTest, a_control_message_to_itself_waits_like_what_is_published) {
  react = [this](const std::string& name) {
    if (name == "1") {
      EXPECT_TRUE(send(broker.address(), "2"));
    }
    if (name == "2") publish("a", "3");
  };
  publish("a", "1");
  EXPECT_EQ(log, (Lines{"a:1", "/1", "done 1", "control:2", "/2", "a:3", "/3", "done 3"}));
}

TEST_F(MemoryBrokerTest, who_is_alone_knows_nobody_else) {
  const base::Result<> result = send({.node = "another", .core = {}}, "1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  EXPECT_TRUE(log.empty());
}

TEST_F(MemoryBrokerTest, a_long_chain_of_answers_needs_no_stack) {
  constexpr int kLinks = 200'000;
  int rung = 0;
  react = [&](const std::string& name) {
    if (name == "done x" && ++rung < kLinks) publish("a", "x");
  };
  publish("a", "x");
  EXPECT_EQ(rung, kLinks);
}

TEST_F(MemoryBrokerTest, forgets_channels_without_interest) {
  EXPECT_EQ(broker.size(), 2U);
  publish("nobody hears", "1");
  EXPECT_EQ(broker.size(), 2U) << "publishing is no interest";
  broker.unsubscribe("a");
  broker.unsubscribe("b");
  EXPECT_EQ(broker.size(), 0U);
}

}  // namespace
}  // namespace millrace::broker
