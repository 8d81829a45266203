// What every store must do, written against the interface alone: each sentence of store.h's contract as a test.
//
//   struct Harness : store::ConformanceHarness { … };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, Harness);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace millrace::store {

class ConformanceHarness {
 public:
  virtual ~ConformanceHarness() = default;
  virtual Store& store() = 0;
  // Drives whatever the store runs on until `condition` holds; false if it does not within a generous time.
  virtual bool run_until(const std::function<bool()>& condition) = 0;
  // Lets so much time pass for the store.
  virtual void advance(std::chrono::milliseconds time) = 0;
};

template <class Harness>
class StoreConformance : public testing::Test {
 protected:
  using Milliseconds = std::chrono::milliseconds;

  LogOptions log(size_t size = 10, Milliseconds ttl = Milliseconds(60'000)) const { return {.history_size = size, .history_ttl = ttl}; }

  // Waits for the answer of one call, which must come exactly once.
  template <class T, class Call>
  base::Result<T> answer_of(Call&& call) {
    int calls = 0;
    std::optional<base::Result<T>> answer;
    call([&](base::Result<T> result) {
      ++calls;
      answer = std::move(result);
    });
    EXPECT_TRUE(harness.run_until([&] { return calls > 0; }));
    EXPECT_EQ(calls, 1);
    return answer ? std::move(*answer) : base::Result<T>(base::fail(base::ErrorCode::kClosed, "no answer"));
  }
  Appended append(const std::string& channel, std::string_view data, const LogOptions& options, AppendOptions how = {}) {
    model::Publication publication{.offset = model::Offset{999}, .data = base::SharedBytes::copy_of(data)};
    base::Result<Appended> result = answer_of<Appended>([&](auto done) {
      harness.store().append(channel, std::move(publication), options, std::move(how), std::move(done));
    });
    EXPECT_TRUE(result);
    return result ? *result : Appended{};
  }
  uint64_t append(const std::string& channel, std::string_view data) { return append(channel, data, log()).position.offset.value(); }
  Page read(const std::string& channel, const ReadOptions& options = {}, std::optional<LogOptions> with = {}) {
    base::Result<Page> result =
        answer_of<Page>([&](auto done) { harness.store().read(channel, with.value_or(log()), options, std::move(done)); });
    EXPECT_TRUE(result);
    return result ? *result : Page{};
  }
  void remove(const std::string& channel) {
    EXPECT_TRUE(answer_of<void>([&](auto done) { harness.store().remove(channel, std::move(done)); }));
  }
  // "1=a 2=b": offsets and payloads.
  static std::string shown(const Page& page) {
    std::string text;
    for (const model::Publication& publication : page.publications) {
      if (!text.empty()) text += ' ';
      text += std::to_string(publication.offset.value()) + "=" + std::string(publication.data.view());
    }
    return text;
  }
  void append_letters(const std::string& channel, std::string_view letters) {
    for (const char letter : letters) append(channel, std::string(1, letter));
  }

  Harness harness;
};

TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, offsets_are_consecutive_from_one_in_each_channel) {
  for (uint64_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(this->append("a", "x"), i);
    EXPECT_EQ(this->append("b", "x"), i);
  }
  EXPECT_EQ(this->read("a").top.offset.value(), 5U);
}

TYPED_TEST_P(StoreConformance, appends_made_at_once_are_numbered_in_the_order_of_the_calls) {
  std::vector<uint64_t> offsets;
  for (int i = 0; i < 100; ++i) {
    model::Publication publication{.data = base::SharedBytes::copy_of(std::to_string(i))};
    this->harness.store().append("a", std::move(publication), this->log(200), {}, [&](base::Result<Appended> result) {
      offsets.push_back(result ? result->position.offset.value() : 0);
    });
  }
  EXPECT_TRUE(this->harness.run_until([&] { return offsets.size() == 100; }));
  const Page page = this->read("a", {}, this->log(200));
  ASSERT_EQ(page.publications.size(), 100U);
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(offsets[i], i + 1);
    EXPECT_EQ(page.publications[i].data.view(), std::to_string(i));
  }
}

TYPED_TEST_P(StoreConformance, reading_makes_a_log_and_its_epoch_stays) {
  const Page empty = this->read("a");
  EXPECT_EQ(empty.top.offset.value(), 0U);
  EXPECT_FALSE(empty.top.epoch.empty());
  EXPECT_TRUE(empty.publications.empty());
  const Appended appended = this->append("a", "x", this->log());
  EXPECT_EQ(appended.position.epoch, empty.top.epoch);
  EXPECT_EQ(this->read("a").top, appended.position);
  EXPECT_NE(this->read("b").top.epoch, empty.top.epoch);
}

TYPED_TEST_P(StoreConformance, a_publication_comes_back_whole) {
  auto info = std::make_shared<model::ClientInfo>();
  info->user = "42";
  info->client = "c";
  info->chan_info = base::SharedBytes::copy_of("{}");
  model::Publication publication{.data = base::SharedBytes::copy_of(std::string_view("\0\xFF{}", 4)), .info = info, .tags = {{"k", "v"}}, .is_json = false};
  ASSERT_TRUE(this->template answer_of<Appended>([&](auto done) {
    this->harness.store().append("a", publication, this->log(), {}, std::move(done));
  }));
  const Page page = this->read("a");
  ASSERT_EQ(page.publications.size(), 1U);
  const model::Publication& kept = page.publications[0];
  EXPECT_EQ(kept.data.view(), publication.data.view());
  EXPECT_EQ(kept.tags, publication.tags);
  EXPECT_FALSE(kept.is_json);
  ASSERT_NE(kept.info, nullptr);
  EXPECT_EQ(kept.info->user, "42");
  EXPECT_EQ(kept.info->chan_info.view(), "{}");
}

TYPED_TEST_P(StoreConformance, over_the_size_the_oldest_goes) {
  for (const char letter : std::string_view("abcde")) this->append("a", std::string(1, letter), this->log(3));
  EXPECT_EQ(this->shown(this->read("a", {}, this->log(3))), "3=c 4=d 5=e");
}

TYPED_TEST_P(StoreConformance, over_its_time_the_oldest_goes_but_top_and_epoch_stay) {
  using std::chrono::milliseconds;
  const LogOptions options = this->log(10, milliseconds(10'000));
  this->append("a", "x", options);
  this->harness.advance(milliseconds(6'000));
  const Appended second = this->append("a", "y", options);
  this->harness.advance(milliseconds(3'900));
  EXPECT_EQ(this->shown(this->read("a", {}, options)), "1=x 2=y");
  this->harness.advance(milliseconds(200));
  EXPECT_EQ(this->shown(this->read("a", {}, options)), "2=y");
  this->harness.advance(milliseconds(6'000));
  const Page page = this->read("a", {}, options);
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top, second.position);
  EXPECT_EQ(this->append("a", "z", options).position.offset.value(), 3U);
}

TYPED_TEST_P(StoreConformance, a_log_that_nobody_used_for_its_meta_ttl_begins_anew) {
  using std::chrono::milliseconds;
  LogOptions options = this->log(10, milliseconds(1'000));
  options.meta_ttl = milliseconds(10'000);
  const std::string epoch = this->append("a", "x", options).position.epoch;
  this->harness.advance(milliseconds(9'000));
  EXPECT_EQ(this->read("a", {}, options).top.epoch, epoch) << "reading is use";
  this->harness.advance(milliseconds(9'000));
  EXPECT_EQ(this->read("a", {}, options).top.epoch, epoch);
  this->harness.advance(milliseconds(120'000));
  const Page page = this->read("a", {}, options);
  EXPECT_NE(page.top.epoch, epoch);
  EXPECT_EQ(page.top.offset.value(), 0U);
}

TYPED_TEST_P(StoreConformance, pages_go_forward_from_a_position) {
  this->append_letters("a", "abcde");
  using model::Offset;
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{2}, .limit = {}})), "3=c 4=d 5=e");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{2}, .limit = 2})), "3=c 4=d");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{0}, .limit = 1})), "1=a");
  EXPECT_EQ(this->shown(this->read("a", {.since = {}, .limit = 2})), "1=a 2=b");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{5}, .limit = {}})), "");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{99}, .limit = {}})), "");
}

TYPED_TEST_P(StoreConformance, pages_go_backward_from_a_position) {
  this->append_letters("a", "abcde");
  using model::Offset;
  EXPECT_EQ(this->shown(this->read("a", {.since = {}, .limit = 2, .reverse = true})), "5=e 4=d");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{4}, .limit = {}, .reverse = true})), "3=c 2=b 1=a");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{99}, .limit = 1, .reverse = true})), "5=e");
  EXPECT_EQ(this->shown(this->read("a", {.since = Offset{1}, .limit = {}, .reverse = true})), "");
}

TYPED_TEST_P(StoreConformance, a_limit_of_none_reads_only_the_top) {
  this->append_letters("a", "abc");
  const Page page = this->read("a", {.since = {}, .limit = 0});
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top.offset.value(), 3U);
}

TYPED_TEST_P(StoreConformance, an_append_with_a_known_key_returns_the_first_result_and_stores_nothing) {
  const AppendOptions key{.idempotency_key = "k", .version_epoch = {}};
  const Appended first = this->append("a", "x", this->log(), key);
  EXPECT_FALSE(first.suppressed);
  this->append("a", "y", this->log());
  const Appended again = this->append("a", "x", this->log(), key);
  EXPECT_TRUE(again.suppressed);
  EXPECT_EQ(again.position, first.position);
  EXPECT_FALSE(this->append("b", "x", this->log(), key).suppressed) << "keys are the channel's own";
  EXPECT_EQ(this->shown(this->read("a")), "1=x 2=y");
}

TYPED_TEST_P(StoreConformance, a_key_is_forgotten_after_its_window_and_may_be_used_again) {
  using std::chrono::milliseconds;
  const AppendOptions key{.idempotency_key = "k", .idempotency_window = milliseconds(5'000), .version_epoch = {}};
  this->append("a", "x", this->log(), key);
  this->harness.advance(milliseconds(4'900));
  EXPECT_TRUE(this->append("a", "x", this->log(), key).suppressed);
  this->harness.advance(milliseconds(200));
  const Appended anew = this->append("a", "x", this->log(), key);
  EXPECT_FALSE(anew.suppressed);
  EXPECT_EQ(this->append("a", "x", this->log(), key).position, anew.position);
}

TYPED_TEST_P(StoreConformance, an_outdated_version_stores_nothing) {
  const auto version = [](uint64_t number, std::string epoch) {
    AppendOptions options;
    options.version = number;
    options.version_epoch = std::move(epoch);
    return options;
  };
  EXPECT_FALSE(this->append("a", "x", this->log(), version(5, "e")).suppressed);
  const Appended outdated = this->append("a", "old", this->log(), version(5, "e"));
  EXPECT_TRUE(outdated.suppressed);
  EXPECT_EQ(outdated.position.offset.value(), 1U);
  EXPECT_FALSE(this->append("a", "y", this->log(), version(6, "e")).suppressed);
  EXPECT_FALSE(this->append("a", "z", this->log(), version(1, "f")).suppressed) << "another version epoch";
  EXPECT_FALSE(this->append("a", "w", this->log()).suppressed) << "no version";
  EXPECT_EQ(this->shown(this->read("a")), "1=x 2=y 3=z 4=w");
}

TYPED_TEST_P(StoreConformance, removing_forgets_the_publications_and_keeps_the_position) {
  this->append_letters("a", "ab");
  const model::Position top = this->read("a").top;
  this->remove("a");
  this->remove("never used");
  const Page page = this->read("a");
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top, top);
  EXPECT_EQ(this->append("a", "c"), 3U);
}

TYPED_TEST_P(StoreConformance, is_healthy_while_its_engine_answers) { EXPECT_TRUE(this->harness.store().health()); }

REGISTER_TYPED_TEST_SUITE_P(StoreConformance, offsets_are_consecutive_from_one_in_each_channel,
                            appends_made_at_once_are_numbered_in_the_order_of_the_calls, reading_makes_a_log_and_its_epoch_stays,
                            a_publication_comes_back_whole, over_the_size_the_oldest_goes,
                            over_its_time_the_oldest_goes_but_top_and_epoch_stay,
                            a_log_that_nobody_used_for_its_meta_ttl_begins_anew, pages_go_forward_from_a_position,
                            pages_go_backward_from_a_position, a_limit_of_none_reads_only_the_top,
                            an_append_with_a_known_key_returns_the_first_result_and_stores_nothing,
                            a_key_is_forgotten_after_its_window_and_may_be_used_again, an_outdated_version_stores_nothing,
                            removing_forgets_the_publications_and_keeps_the_position, is_healthy_while_its_engine_answers);

}  // namespace millrace::store
