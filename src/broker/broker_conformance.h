// What every broker must do, written against the interface alone: each sentence of broker.h's contract as a test.
//
// A broker's own test file gives a Harness and instantiates the suite:
//
//   struct Harness : broker::ConformanceHarness { … };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BrokerConformance, Harness);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace millrace::broker {

class ConformanceHarness {
 public:
  virtual ~ConformanceHarness() = default;
  virtual Broker& broker() = 0;
  // Drives whatever the broker runs on until `condition` holds; false if it does not within a generous time.
  virtual bool run_until(const std::function<bool()>& condition) = 0;
  // Drives it until everything that was published has surely arrived or never will.
  virtual void settle() = 0;
};

template <class Harness>
class BrokerConformance : public testing::Test, public Sink {
 protected:
  BrokerConformance() { harness.broker().set_sink(*this); }

  void on_message(std::string_view channel, const Message& message) override {
    std::string line = std::string(channel) + " ";
    if (const auto* publication = std::get_if<model::Publication>(&message)) line += publication->data.view();
    if (const auto* join = std::get_if<Join>(&message)) line += "join " + join->info.client;
    if (const auto* leave = std::get_if<Leave>(&message)) line += "leave " + leave->info.client;
    heard.push_back(line);
    last = message;
  }
  void on_interruption() override { ++interruptions; }

  void subscribe(const std::string& channel) {
    int calls = 0;
    bool granted = false;
    harness.broker().subscribe(channel, [&](base::Result<> result) {
      ++calls;
      granted = result.has_value();
    });
    EXPECT_TRUE(harness.run_until([&] { return calls > 0; }));
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(granted);
  }
  base::Result<> publish(const std::string& channel, Message message) {
    int calls = 0;
    base::Result<> outcome;
    harness.broker().publish(channel, std::move(message), [&](base::Result<> result) {
      ++calls;
      outcome = std::move(result);
    });
    EXPECT_TRUE(harness.run_until([&] { return calls > 0; }));
    harness.settle();
    EXPECT_EQ(calls, 1);
    return outcome;
  }
  static model::Publication text(std::string_view data) { return {.data = base::SharedBytes::copy_of(data)}; }

  Harness harness;
  std::vector<std::string> heard;
  Message last;
  int interruptions = 0;
};

TYPED_TEST_SUITE_P(BrokerConformance);

TYPED_TEST_P(BrokerConformance, a_subscribed_channel_is_heard_and_no_other) {
  this->subscribe("a");
  EXPECT_TRUE(this->publish("a", this->text("1")));
  EXPECT_TRUE(this->publish("b", this->text("2")));
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"}));
}

TYPED_TEST_P(BrokerConformance, interest_is_a_set) {
  this->subscribe("a");
  this->subscribe("a");
  EXPECT_TRUE(this->publish("a", this->text("1")));
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"}));
  this->harness.broker().unsubscribe("a");
  this->harness.settle();
  EXPECT_TRUE(this->publish("a", this->text("2")));
  EXPECT_EQ(this->heard.size(), 1U) << "one unsubscribe ends it, however often it was subscribed";
  this->harness.broker().unsubscribe("a");
  this->harness.broker().unsubscribe("never subscribed");
}

TYPED_TEST_P(BrokerConformance, interest_may_come_back) {
  for (int round = 0; round < 3; ++round) {
    this->subscribe("a");
    EXPECT_TRUE(this->publish("a", this->text(std::to_string(round))));
    this->harness.broker().unsubscribe("a");
    this->harness.settle();
  }
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 0", "a 1", "a 2"}));
}

TYPED_TEST_P(BrokerConformance, messages_of_one_publisher_to_one_channel_arrive_in_order) {
  this->subscribe("a");
  this->subscribe("b");
  constexpr int kCount = 500;
  int done = 0;
  for (int i = 0; i < kCount; ++i) {
    for (const char* channel : {"a", "b"}) {
      this->harness.broker().publish(channel, this->text(std::to_string(i)), [&](base::Result<> result) { done += result ? 1 : 0; });
    }
  }
  EXPECT_TRUE(this->harness.run_until([&] { return done == 2 * kCount && this->heard.size() == 2 * kCount; }));
  for (const char* channel : {"a", "b"}) {
    int next = 0;
    for (const std::string& line : this->heard) {
      if (line[0] != channel[0]) continue;
      EXPECT_EQ(line, std::string(channel) + " " + std::to_string(next++));
    }
    EXPECT_EQ(next, kCount);
  }
}

TYPED_TEST_P(BrokerConformance, every_kind_of_message_arrives_whole) {
  this->subscribe("a");
  auto info = std::make_shared<model::ClientInfo>();
  info->user = "42";
  info->client = "c";
  info->conn_info = base::SharedBytes::copy_of("{\"name\":\"A\"}");
  model::Publication publication = this->text(std::string_view("\0binary\xFF", 8));
  publication.offset = model::Offset{7};
  publication.info = info;
  publication.tags = {{"key", "value"}};
  publication.is_json = false;
  EXPECT_TRUE(this->publish("a", publication));
  const auto& arrived = std::get<model::Publication>(this->last);
  EXPECT_EQ(arrived.data.view(), publication.data.view());
  EXPECT_EQ(arrived.offset, publication.offset);
  EXPECT_EQ(arrived.tags, publication.tags);
  EXPECT_FALSE(arrived.is_json);
  ASSERT_NE(arrived.info, nullptr);
  EXPECT_EQ(arrived.info->user, "42");
  EXPECT_EQ(arrived.info->conn_info.view(), info->conn_info.view());
  EXPECT_TRUE(this->publish("a", Join{*info}));
  EXPECT_TRUE(this->publish("a", Leave{*info}));
  EXPECT_EQ(this->heard.back(), "a leave c");
}

TYPED_TEST_P(BrokerConformance, a_message_over_the_limit_fails_and_nobody_hears_it) {
  this->subscribe("a");
  const base::Result<> outcome = this->publish("a", this->text(std::string(kMessageBytesMax + 1, 'x')));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::ErrorCode::kTooLarge);
  EXPECT_TRUE(this->heard.empty());
}

TYPED_TEST_P(BrokerConformance, is_healthy_while_its_engine_answers) {
  EXPECT_TRUE(this->harness.broker().health());
  EXPECT_EQ(this->interruptions, 0);
}

REGISTER_TYPED_TEST_SUITE_P(BrokerConformance, a_subscribed_channel_is_heard_and_no_other, interest_is_a_set, interest_may_come_back,
                            messages_of_one_publisher_to_one_channel_arrive_in_order, every_kind_of_message_arrives_whole,
                            a_message_over_the_limit_fails_and_nobody_hears_it, is_healthy_while_its_engine_answers);

}  // namespace millrace::broker
