// Deltas: what the home core makes of consecutive publications.
#include "delta/delta.h"

#include <gtest/gtest.h>

#include <string>

#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

class DeltaTest : public HubTest {
 protected:
  void SetUp() override { start_with(with_deltas()); }
  static ChannelOptions with_deltas() {
    ChannelOptions options = with_history();
    options.allow_delta = true;
    options.delta_publish = true;
    return options;
  }
  static SubscribeAsk wanting_deltas() { return {.delta = true}; }
  // A large document that differs in one place.
  static std::string document(int i) {
    return R"({"text":")" + std::string(500, 'x') + R"(","n":)" + std::to_string(i) + "}";
  }
  const std::vector<Event>& events() const { return parts[1]->heard.events; }
  // What a client makes of event i, if it has what came before it.
  std::string patched(const std::string& base, size_t i) const {
    EXPECT_FALSE(events().at(i).patch.empty());
    const auto result = delta::apply(base, events().at(i).patch.view());
    return result ? *result : result.error().message;
  }
  const SubscribeAnswer& subscribed() const {
    return std::get<SubscribeAnswer>(parts[1]->heard.answers.back().body);
  }
};

TEST_F(DeltaTest, each_publication_is_a_patch_of_the_one_before) {
  outcome(1, "news", wanting_deltas());
  EXPECT_TRUE(subscribed().delta);
  EXPECT_FALSE(subscribed().has_base);
  for (int i = 0; i < 4; ++i) publish("news", {document(i)});
  EXPECT_TRUE(events().at(0).patch.empty()) << "there was none before";
  for (size_t i = 1; i < 4; ++i) {
    const int n = static_cast<int>(i);
    EXPECT_EQ(patched(document(n - 1), i), document(n));
    EXPECT_LT(events()[i].patch.size(), 50U);
    EXPECT_EQ(events()[i].publication.data.view(), document(n)) << "for whoever has no base";
  }
  EXPECT_GT(total(metrics::Counter::kDeltaFullBytes),
            10 * total(metrics::Counter::kDeltaPatchBytes));
}

TEST_F(DeltaTest, nothing_is_made_where_nobody_wants_it_or_it_is_not_allowed) {
  outcome(1, "news", SubscribeAsk{});
  publish("news", {document(1), document(2)});
  EXPECT_TRUE(events().at(1).patch.empty());
  start_with(with_history());
  outcome(1, "news", wanting_deltas());
  EXPECT_FALSE(subscribed().delta);
  publish("news", {document(1), document(2)});
  EXPECT_TRUE(events().at(1).patch.empty());
}

TEST_F(DeltaTest, a_publish_says_whether_it_is_one_and_is_the_next_ones_base_in_any_case) {
  outcome(1, "news", wanting_deltas());
  for (int i = 0; i < 4; ++i) {
    PublishAsk what = message(document(i));
    if (i == 2) what.delta = false;
    call(0, "news", std::move(what));
  }
  EXPECT_FALSE(events().at(1).patch.empty());
  EXPECT_TRUE(events().at(2).patch.empty());
  EXPECT_EQ(patched(document(2), 3), document(3));
}

TEST_F(DeltaTest, json_is_no_patch_of_binary_data_nor_the_other_way_round) {
  outcome(1, "news", wanting_deltas());
  for (int i = 0; i < 4; ++i) {
    PublishAsk what = message(document(i));
    what.is_json = i == 0 || i == 3;
    call(0, "news", std::move(what));
  }
  EXPECT_TRUE(events().at(1).patch.empty());
  EXPECT_EQ(patched(document(1), 2), document(2));
  EXPECT_TRUE(events().at(3).patch.empty());
}

TEST_F(DeltaTest, who_recovered_the_newest_publication_has_the_next_ones_base) {
  outcome(0, "news", wanting_deltas());
  publish("news", {document(0), document(1)});
  const std::string epoch = epoch_of("news");
  SubscribeAsk what = back_from({epoch, model::Offset{1}});
  what.delta = true;
  outcome(1, "news", what);
  EXPECT_TRUE(subscribed().has_base);
  publish("news", {document(2)});
  EXPECT_EQ(patched(document(1), 0), document(2));
  what.since.offset = model::Offset{3};
  outcome(1, "news", what);
  EXPECT_FALSE(subscribed().has_base) << "it recovered nothing";
  what.since.offset = model::Offset{9};
  outcome(1, "news", what);
  EXPECT_FALSE(subscribed().has_base) << "it is not recovered";
}

TEST_F(DeltaTest, a_publication_without_a_number_between_is_a_base_too) {
  outcome(0, "news", wanting_deltas());
  publish("news", {document(0)});
  PublishAsk passing = message(document(1));
  passing.skip_history = true;
  call(0, "news", std::move(passing));
  SubscribeAsk what = back_from({"", model::Offset{0}});
  what.delta = true;
  EXPECT_EQ(outcome(1, "news", what), "subscribed at 0 recovered 1=" + document(0));
  EXPECT_FALSE(subscribed().has_base) << "the next is made against what the log does not have";
  publish("news", {document(2)});
  EXPECT_EQ(patched(document(1), 0), document(2));
}

TEST_F(DeltaTest, after_an_interruption_there_is_no_base) {
  ChannelOptions short_lived = with_deltas();
  short_lived.log.history_ttl = 1s;
  short_lived.log.meta_ttl = 2s;
  start_with(short_lived);
  outcome(1, "news", wanting_deltas());
  publish("news", {document(0), document(1)});
  cores.advance(10s);
  publish("news", {document(2), document(3)});
  ASSERT_EQ(events().size(), 5U);
  EXPECT_EQ(events()[2].kind, Event::Kind::kInterruption);
  EXPECT_TRUE(events()[3].patch.empty());
  EXPECT_EQ(patched(document(2), 4), document(3));
}

}  // namespace
}  // namespace millrace::hub
