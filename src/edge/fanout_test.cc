#include "edge/fanout.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::edge {
namespace {

using metrics::Counter;

// Remembers the frames that it was given.
class Subscriber final : public Listener {
 public:
  void on_publications(const base::SharedBytes& frames, uint32_t) override {
    heard.push_back(frames);
  }
  void on_not_json() override {}
  void on_interrupted(std::string_view) override {}
  void on_moved(const LocalChannel&, uint32_t) override {}
  bool is_client(std::string_view client) const override { return client == "myself"; }

  std::vector<base::SharedBytes> heard;
};

constexpr Variant kPlain{};
constexpr Variant kCompressed{.deflate = true};
constexpr Variant kCompressedProtobuf{.format = protocol::Format::kProtobuf, .deflate = true};

class FanoutTest : public testing::Test {
 protected:
  static constexpr size_t kBytesMin = 100;

  // So many more subscribers of "news".
  void add(size_t count, Variant variant) {
    for (size_t i = 0; i < count; ++i) {
      subscribers_.push_back(std::make_unique<Subscriber>());
      fanout_.add("news", {.listener = subscribers_.back().get(), .variant = variant});
    }
  }
  static hub::Event publication(size_t bytes) {
    hub::Event event;
    event.publication.data = base::SharedBytes::copy_of('"' + std::string(bytes - 2, 'x') + '"');
    return event;
  }
  size_t deliver(const std::vector<hub::Event>& events) { return fanout_.deliver("news", events); }
  uint64_t compressions() const { return metrics_.value(Counter::kCompressedBroadcasts); }

  metrics::Core metrics_;
  Fanout fanout_{{.compression = {.bytes_min = kBytesMin}, .uni_compression = {}}, metrics_};
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

TEST_F(FanoutTest, a_publication_is_compressed_once_whatever_the_number_of_subscribers) {
  add(500, kCompressed);
  EXPECT_EQ(deliver({publication(1'000)}), 500U);
  EXPECT_EQ(compressions(), 1U);
  const base::SharedBytes& first = subscribers_[0]->heard.at(0);
  EXPECT_LT(first.size(), 100U);
  for (const auto& each : subscribers_)
    EXPECT_EQ(each->heard.at(0).view().data(), first.view().data());  // the very same bytes
  EXPECT_EQ(metrics_.value(Counter::kCompressionAfter), first.size());
  EXPECT_GT(metrics_.value(Counter::kCompressionBefore), 1'000U);
}

TEST_F(FanoutTest, a_publication_is_compressed_once_for_each_format) {
  add(3, kPlain);
  add(3, kCompressed);
  add(3, kCompressedProtobuf);
  EXPECT_EQ(deliver({publication(1'000)}), 9U);
  EXPECT_EQ(compressions(), 2U);
  EXPECT_GT(subscribers_[0]->heard.at(0).size(), 1'000U);
  EXPECT_LT(subscribers_[3]->heard.at(0).size(), 100U);
}

TEST_F(FanoutTest, what_a_turn_brings_is_compressed_together) {
  add(3, kCompressed);
  EXPECT_EQ(deliver({publication(1'000), publication(500), publication(60)}), 9U);
  EXPECT_EQ(compressions(), 1U);
}

TEST_F(FanoutTest, nothing_is_compressed_for_those_who_did_not_ask_for_it) {
  add(3, kPlain);
  add(3, {.framing = Framing::kLines});
  add(3, {.framing = Framing::kEvents});
  EXPECT_EQ(deliver({publication(1'000)}), 9U);
  EXPECT_EQ(compressions(), 0U);
}

TEST_F(FanoutTest, nothing_is_compressed_that_nobody_is_to_hear) {
  add(3, kCompressed);
  hub::Event event = publication(1'000);
  event.exclude = "myself";
  EXPECT_EQ(deliver({event}), 0U);
  EXPECT_EQ(fanout_.deliver("other", std::vector{publication(1'000)}), 0U);
  EXPECT_EQ(compressions(), 0U);
}

TEST_F(FanoutTest, what_is_short_is_not_compressed) {
  add(3, kCompressed);
  deliver({publication(10)});
  EXPECT_EQ(compressions(), 0U);
  EXPECT_NE(subscribers_[0]->heard.at(0).view().find("xxxxxxxx"), std::string_view::npos);
  deliver({publication(kBytesMin)});
  EXPECT_EQ(compressions(), 1U);
}

TEST_F(FanoutTest, replies_are_counted_apart) {
  fanout_.frame_of(kCompressed, std::string(kBytesMin, 'x'));
  EXPECT_EQ(compressions(), 0U);
  EXPECT_EQ(metrics_.value(Counter::kCompressedReplies), 1U);
}

}  // namespace
}  // namespace millrace::edge
