// What every broker must do: broker.h's contract as tests, written against the interface alone.
//
// Answers and messages may come at once or late: the tests drive the harness until they are there.
// A broker's own test file gives a harness that can be default-constructed and instantiates the
// suite; twice for an engine that connects nodes, once with the publisher on the subscriber's node
// and once on another:
//
//   struct Harness : broker::ConformanceHarness { … };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BrokerConformance, Harness);
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"

namespace millrace::broker {

class ConformanceHarness {
 public:
  virtual ~ConformanceHarness() = default;
  // Who subscribes. Its engine answers, and has no interest or message left over from another test.
  virtual Broker& broker() = 0;
  // Who publishes, and sends control messages: the same, or another node's broker on the same
  // engine, which then has a Sink already.
  virtual Broker& publisher() { return broker(); }
  // Drives whatever the brokers run on until `condition` holds; false if it does not within a
  // generous time.
  virtual bool run_until(const std::function<bool()>& condition) = 0;
  // Drives it until everything that was published has surely arrived or never will.
  virtual void settle() = 0;
};

template <class Harness>
class BrokerConformance : public testing::Test, public Sink {
 protected:
  // What became of one call. Shared with its callback, which may outlive a test that failed.
  struct Call {
    int answers = 0;
    base::Result<> result;
  };
  using Lines = std::vector<std::string>;

  BrokerConformance() { harness.broker().set_sink(*this); }

  void TearDown() override {
    harness.settle();
    for (const auto& call : calls) EXPECT_EQ(call->answers, 1) << "`done` is called exactly once";
    EXPECT_EQ(interruptions, 0) << "nothing interrupted the engine";
  }

  void on_message(std::string_view channel, const Message& message) override {
    heard.push_back(std::string(channel) + " " + shown(message));
    last = message;
    if (react) react(heard.back());
  }
  void on_control(std::string_view bytes) override {
    heard.push_back("control " + std::string(bytes));
    if (react) react(heard.back());
  }
  void on_interruption() override { ++interruptions; }

  static std::string shown(const Message& message) {
    if (const auto* join = std::get_if<Join>(&message)) return "join " + join->info->client;
    if (const auto* leave = std::get_if<Leave>(&message)) return "leave " + leave->info->client;
    return std::string(std::get<Published>(message).publication.data.view());
  }
  static Published text(std::string_view data) {
    return {.publication = {.data = base::SharedBytes::copy_of(data)}};
  }

  std::shared_ptr<Call> new_call() { return calls.emplace_back(std::make_shared<Call>()); }
  Done done_of(const std::shared_ptr<Call>& call) {
    return [call](base::Result<> result) {
      ++call->answers;
      call->result = std::move(result);
    };
  }
  base::Result<> answer_of(const std::shared_ptr<Call>& call) {
    if (harness.run_until([&] { return call->answers > 0; })) return call->result;
    return base::fail(base::ErrorCode::kClosed, "no answer came");
  }

  void subscribe(std::string_view channel) {
    const auto call = new_call();
    harness.broker().subscribe(channel, done_of(call));
    EXPECT_TRUE(answer_of(call)) << channel;
  }
  void unsubscribe(std::string_view channel) {
    harness.broker().unsubscribe(channel);
    harness.settle();
  }
  void start_publish(std::string_view channel, Message message) {
    harness.publisher().publish(channel, std::move(message), done_of(new_call()));
  }
  base::Result<> publish(std::string_view channel, Message message) {
    const auto call = new_call();
    harness.publisher().publish(channel, std::move(message), done_of(call));
    base::Result<> result = answer_of(call);
    harness.settle();
    return result;
  }
  void say(std::string_view channel, std::string_view data) {
    EXPECT_TRUE(publish(channel, text(data))) << channel << " " << data;
  }

  void start_send(const Address& to, std::string bytes) {
    harness.publisher().send_control(to, std::move(bytes), done_of(new_call()));
  }
  base::Result<> send(const Address& to, std::string bytes) {
    const auto call = new_call();
    harness.publisher().send_control(to, std::move(bytes), done_of(call));
    base::Result<> result = answer_of(call);
    harness.settle();
    return result;
  }
  // Where nobody is: the engine takes it, or knows better.
  void send_in_vain(const Address& to) {
    const base::Result<> result = send(to, "in vain");
    EXPECT_TRUE(result || result.error().code == base::ErrorCode::kNotFound);
  }

  Harness harness;
  std::vector<std::shared_ptr<Call>> calls;
  Lines heard;
  Message last;
  int interruptions = 0;
  std::function<void(const std::string&)> react;  // called with each line heard
};

TYPED_TEST_SUITE_P(BrokerConformance);

TYPED_TEST_P(BrokerConformance, a_subscribed_channel_is_heard_and_no_other) {
  this->subscribe("a");
  this->say("a", "1");
  this->say("b", "2");
  this->say("aa", "3");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"}));
}

TYPED_TEST_P(BrokerConformance, publishing_where_nobody_listens_succeeds) {
  this->say("a", "1");
  this->subscribe("a");
  this->say("a", "2");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 2"})) << "a bell is not kept for later";
}

TYPED_TEST_P(BrokerConformance, what_is_published_once_subscribe_was_granted_is_heard) {
  const auto call = this->new_call();
  this->harness.broker().subscribe("a", [this, call](base::Result<> result) {
    ++call->answers;
    EXPECT_TRUE(result);
    this->start_publish("a", this->text("1"));
  });
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == 1; }));
}

TYPED_TEST_P(BrokerConformance, interest_is_a_set) {
  this->subscribe("a");
  this->subscribe("a");
  this->say("a", "1");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"})) << "heard once";
  this->unsubscribe("a");
  this->say("a", "2");
  EXPECT_EQ(this->heard.size(), 1U) << "one unsubscribe ends it, however often it was subscribed";
}

TYPED_TEST_P(BrokerConformance, unsubscribing_without_interest_changes_nothing) {
  this->subscribe("a");
  this->unsubscribe("never subscribed");
  this->say("a", "1");
  this->unsubscribe("a");
  this->unsubscribe("a");
  this->say("a", "2");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"}));
}

TYPED_TEST_P(BrokerConformance, interest_may_come_back) {
  for (int round = 0; round < 3; ++round) {
    this->subscribe("a");
    this->say("a", std::to_string(round));
    this->unsubscribe("a");
    this->say("a", "unheard");
  }
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 0", "a 1", "a 2"}));
}

TYPED_TEST_P(BrokerConformance, the_last_of_hasty_changes_of_interest_holds) {
  const auto first = this->new_call();
  const auto second = this->new_call();
  this->harness.broker().subscribe("a", this->done_of(first));
  this->harness.broker().unsubscribe("a");
  this->harness.broker().subscribe("a", this->done_of(second));
  EXPECT_TRUE(this->answer_of(second));
  this->say("a", "1");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1"}));
  const auto third = this->new_call();
  this->harness.broker().subscribe("b", this->done_of(third));
  this->unsubscribe("b");
  this->say("b", "2");
  EXPECT_EQ(this->heard.size(), 1U);
}

TYPED_TEST_P(BrokerConformance, messages_of_one_publisher_to_one_channel_arrive_in_order) {
  this->subscribe("a");
  this->subscribe("b");
  constexpr size_t kCount = 500;
  for (size_t i = 0; i < kCount; ++i) {
    this->start_publish("a", this->text(std::to_string(i)));
    this->start_publish("b", this->text(std::to_string(i)));
  }
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == 2 * kCount; }));
  for (const char channel : {'a', 'b'}) {
    size_t next = 0;
    for (const std::string& line : this->heard) {
      if (line[0] != channel) continue;
      EXPECT_EQ(line.substr(2), std::to_string(next++));
    }
    EXPECT_EQ(next, kCount);
  }
}

TYPED_TEST_P(BrokerConformance, many_channels_are_told_apart) {
  constexpr size_t kChannels = 300;
  for (size_t i = 0; i < kChannels; ++i) this->subscribe("channel:" + std::to_string(i));
  for (size_t i = 1; i < kChannels; i += 2) {
    this->harness.broker().unsubscribe("channel:" + std::to_string(i));
  }
  this->harness.settle();
  std::vector<std::string> expected;
  for (size_t i = 0; i < kChannels; ++i) {
    const std::string channel = "channel:" + std::to_string(i);
    this->start_publish(channel, this->text(std::to_string(i)));
    if (i % 2 == 0) expected.push_back(channel + " " + std::to_string(i));
  }
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == expected.size(); }));
  std::ranges::sort(expected);
  std::ranges::sort(this->heard);
  EXPECT_EQ(this->heard, expected);
}

TYPED_TEST_P(BrokerConformance, channel_names_are_any_bytes) {
  for (const std::string_view channel :
       {std::string_view("a b\r\n"), std::string_view("nul\0in it", 9), std::string_view("*"),
        std::string_view("a.>"), std::string_view("\xC3\xA9"), std::string_view("\xFF")}) {
    this->heard.clear();
    this->subscribe(channel);
    this->say(channel, "1");
    EXPECT_EQ(this->heard, (std::vector<std::string>{std::string(channel) + " 1"}));
    this->say("another", "2");
    EXPECT_EQ(this->heard.size(), 1U) << "no name is a pattern";
    this->unsubscribe(channel);
  }
}

TYPED_TEST_P(BrokerConformance, every_part_of_a_publication_arrives) {
  this->subscribe("a");
  auto info = std::make_shared<model::ClientInfo>();
  info->user = "42";
  info->client = "c";
  info->conn_info = base::SharedBytes::copy_of("{\"name\":\"A\"}");
  info->chan_info = base::SharedBytes::copy_of("[]");
  Published published = this->text(std::string_view("\0binary\xFF", 8));
  model::Publication& publication = published.publication;
  publication.offset = model::Offset{7};
  publication.info = info;
  publication.tags = {{"key", "value"}, {"empty", ""}};
  publication.is_json = false;
  published.epoch = "epoch";
  published.delta = true;
  published.exclude = "d";
  ASSERT_TRUE(this->publish("a", published));
  ASSERT_EQ(this->heard.size(), 1U);
  const auto& message = std::get<Published>(this->last);
  EXPECT_EQ(message.epoch, "epoch");
  EXPECT_TRUE(message.delta);
  EXPECT_EQ(message.exclude, "d");
  const model::Publication& arrived = message.publication;
  EXPECT_EQ(arrived.data.view(), publication.data.view());
  EXPECT_EQ(arrived.offset, publication.offset);
  EXPECT_EQ(arrived.tags, publication.tags);
  EXPECT_FALSE(arrived.is_json);
  ASSERT_NE(arrived.info, nullptr);
  EXPECT_EQ(arrived.info->user, "42");
  EXPECT_EQ(arrived.info->client, "c");
  EXPECT_EQ(arrived.info->conn_info.view(), info->conn_info.view());
  EXPECT_EQ(arrived.info->chan_info.view(), "[]");
}

TYPED_TEST_P(BrokerConformance, a_publication_of_the_server_api_names_nobody) {
  this->subscribe("a");
  this->say("a", "{}");
  const auto& arrived = std::get<Published>(this->last).publication;
  EXPECT_EQ(arrived.info, nullptr);
  EXPECT_TRUE(arrived.is_json);
  EXPECT_TRUE(arrived.tags.empty());
  EXPECT_EQ(arrived.offset.value(), 0U);
}

TYPED_TEST_P(BrokerConformance, joins_and_leaves_arrive_among_publications_in_order) {
  this->subscribe("a");
  const auto info = std::make_shared<model::ClientInfo>();
  info->user = "42";
  info->client = "c";
  info->conn_info = base::SharedBytes::copy_of("{}");
  this->start_publish("a", Join{info});
  this->start_publish("a", this->text("1"));
  this->start_publish("a", Leave{info});
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == 3; }));
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a join c", "a 1", "a leave c"}));
  const auto& left = std::get<Leave>(this->last);
  EXPECT_EQ(left.info->user, "42");
  EXPECT_EQ(left.info->conn_info.view(), "{}");
}

TYPED_TEST_P(BrokerConformance, a_large_message_arrives_whole) {
  this->subscribe("a");
  const std::string large(kMessageBytesMax / 2, 'x');
  this->say("a", large);
  ASSERT_EQ(this->heard.size(), 1U);
  EXPECT_TRUE(std::get<Published>(this->last).publication.data.view() == large);
}

TYPED_TEST_P(BrokerConformance, a_message_over_the_limit_fails_and_nobody_hears_it) {
  this->subscribe("a");
  const std::string large(kMessageBytesMax + 1, 'x');
  Published tagged = this->text("1");
  tagged.publication.tags = {{"key", large}};
  const auto info = std::make_shared<model::ClientInfo>();
  info->conn_info = base::SharedBytes::copy_of(large);
  for (const Message& message :
       {Message(this->text(large)), Message(tagged), Message(Join{info}), Message(Leave{info})}) {
    const base::Result<> outcome = this->publish("a", message);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, base::ErrorCode::kTooLarge);
  }
  EXPECT_TRUE(this->heard.empty());
  this->say("a", "2");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 2"})) << "the next one is none the worse";
}

TYPED_TEST_P(BrokerConformance, a_sink_may_call_the_broker_while_it_is_called) {
  this->subscribe("a");
  this->react = [this](const std::string& line) {
    if (line == "a 1") {
      this->start_publish("a", this->text("2"));
      this->harness.broker().subscribe("b", this->done_of(this->new_call()));
    }
    if (line == "a 2") this->harness.broker().unsubscribe("a");
  };
  this->start_publish("a", this->text("1"));
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == 2; }));
  this->harness.settle();
  this->say("a", "3");
  this->say("b", "4");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"a 1", "a 2", "b 4"}));
}

TYPED_TEST_P(BrokerConformance, everybody_has_an_address) {
  const Address& ours = this->harness.broker().address();
  EXPECT_TRUE(is_node_uid(ours.node));
  const bool same = &this->harness.publisher() == &this->harness.broker();
  EXPECT_EQ(this->harness.publisher().address() == ours, same);
}

TYPED_TEST_P(BrokerConformance, a_control_message_arrives_whole_at_its_address) {
  const Address& ours = this->harness.broker().address();
  for (const std::string& bytes :
       {std::string("1"), std::string(), std::string("\0\r\n\xFF", 4), ours.node}) {
    this->heard.clear();
    EXPECT_TRUE(this->send(ours, bytes));
    EXPECT_TRUE(this->harness.run_until([&] { return !this->heard.empty(); }));
    EXPECT_EQ(this->heard, (std::vector<std::string>{"control " + bytes}));
  }
}

TYPED_TEST_P(BrokerConformance, a_control_message_to_another_address_is_not_heard) {
  const Address& ours = this->harness.broker().address();
  constexpr base::CoreId kNoCore{UINT16_MAX};
  this->send_in_vain({.node = ours.node, .core = kNoCore});
  this->send_in_vain({.node = ours.node + "0", .core = ours.core});
  this->send_in_vain({.node = ours.node.substr(1) + "0", .core = ours.core});
  this->send_in_vain({.node = std::string(64, 'x'), .core = ours.core});
  EXPECT_TRUE(this->heard.empty());
}

TYPED_TEST_P(BrokerConformance, control_messages_are_no_publications) {
  const Address& ours = this->harness.broker().address();
  this->subscribe("a");
  EXPECT_TRUE(this->send(ours, "1"));
  this->say(ours.node, "2");
  this->say("a", "3");
  EXPECT_EQ(this->heard, (std::vector<std::string>{"control 1", "a 3"}));
}

TYPED_TEST_P(BrokerConformance, control_messages_of_one_sender_arrive_in_order) {
  constexpr size_t kCount = 500;
  std::vector<std::string> expected;
  for (size_t i = 0; i < kCount; ++i) {
    this->start_send(this->harness.broker().address(), std::to_string(i));
    expected.push_back("control " + std::to_string(i));
  }
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == kCount; }));
  this->harness.settle();
  EXPECT_EQ(this->heard, expected);
}

TYPED_TEST_P(BrokerConformance, a_control_message_of_the_largest_size_arrives_whole) {
  const std::string large(kControlBytesMax, 'x');
  EXPECT_TRUE(this->send(this->harness.broker().address(), large));
  ASSERT_TRUE(this->harness.run_until([&] { return !this->heard.empty(); }));
  EXPECT_TRUE(this->heard.front() == "control " + large);
}

TYPED_TEST_P(BrokerConformance, a_control_message_over_the_limit_fails_and_is_not_heard) {
  const Address& ours = this->harness.broker().address();
  const base::Result<> outcome = this->send(ours, std::string(kControlBytesMax + 1, 'x'));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::ErrorCode::kTooLarge);
  EXPECT_TRUE(this->send(ours, "next"));
  EXPECT_EQ(this->heard, (std::vector<std::string>{"control next"}));
}

TYPED_TEST_P(BrokerConformance, who_hears_a_control_message_may_send_more) {
  const Address& ours = this->harness.broker().address();
  this->react = [&](const std::string& line) {
    if (line != "control 1") return;
    this->start_send(ours, "2");
    this->harness.broker().send_control(ours, "to oneself", this->done_of(this->new_call()));
  };
  this->start_send(ours, "1");
  EXPECT_TRUE(this->harness.run_until([&] { return this->heard.size() == 3; }));
  EXPECT_EQ(this->heard.front(), "control 1");
  std::ranges::sort(this->heard);
  EXPECT_EQ(this->heard,
            (std::vector<std::string>{"control 1", "control 2", "control to oneself"}));
}

TYPED_TEST_P(BrokerConformance, is_healthy_while_its_engine_answers) {
  EXPECT_TRUE(this->harness.broker().health());
  this->subscribe("a");
  this->say("a", "1");
  EXPECT_TRUE(this->harness.broker().health());
}

REGISTER_TYPED_TEST_SUITE_P(
    BrokerConformance, a_subscribed_channel_is_heard_and_no_other,
    publishing_where_nobody_listens_succeeds, what_is_published_once_subscribe_was_granted_is_heard,
    interest_is_a_set, unsubscribing_without_interest_changes_nothing, interest_may_come_back,
    the_last_of_hasty_changes_of_interest_holds,
    messages_of_one_publisher_to_one_channel_arrive_in_order, many_channels_are_told_apart,
    channel_names_are_any_bytes, every_part_of_a_publication_arrives,
    a_publication_of_the_server_api_names_nobody,
    joins_and_leaves_arrive_among_publications_in_order, a_large_message_arrives_whole,
    a_message_over_the_limit_fails_and_nobody_hears_it,
    a_sink_may_call_the_broker_while_it_is_called, everybody_has_an_address,
    a_control_message_arrives_whole_at_its_address,
    a_control_message_to_another_address_is_not_heard, control_messages_are_no_publications,
    control_messages_of_one_sender_arrive_in_order,
    a_control_message_of_the_largest_size_arrives_whole,
    a_control_message_over_the_limit_fails_and_is_not_heard,
    who_hears_a_control_message_may_send_more, is_healthy_while_its_engine_answers);

}  // namespace millrace::broker
