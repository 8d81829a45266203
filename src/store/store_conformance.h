// What every store must do: store.h's contract as tests, written against the interface alone.
//
// Answers may come at once or late: the tests drive the harness until they are there. A store's own
// test file gives a harness that can be default-constructed and instantiates the suite:
//
//   struct Harness : store::ConformanceHarness { … };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, Harness);
//
// Times are a tenth of a second off the edges, for stores whose clock is not ours; a store with a
// clock that it was given tests the edges themselves.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/store.h"

namespace millrace::store {

class ConformanceHarness {
 public:
  virtual ~ConformanceHarness() = default;
  // Its engine answers, and keeps nothing from another test.
  virtual Store& store() = 0;
  // Drives whatever the store runs on until `condition` holds; false if it does not within a
  // generous time.
  virtual bool run_until(const std::function<bool()>& condition) = 0;
  // Lets so much time pass for the store.
  virtual void advance(std::chrono::milliseconds time) = 0;
};

template <class Harness>
class StoreConformance : public testing::Test {
 protected:
  using Milliseconds = std::chrono::milliseconds;

  // What became of one call. Shared with its callback, which may outlive a test that failed.
  template <class T>
  struct Call {
    int answers = 0;
    std::optional<base::Result<T>> result;
  };

  void TearDown() override {
    harness.advance(Milliseconds(10));
    for (const auto& answers : answers_of_calls) {
      EXPECT_EQ(answers(), 1) << "`done` is called exactly once";
    }
  }

  static LogOptions log(size_t size = 10, Milliseconds ttl = Milliseconds(60'000)) {
    return {.history_size = size, .history_ttl = ttl};
  }
  static model::Publication text(std::string_view data) {
    return {.data = base::SharedBytes::copy_of(data)};
  }
  static AppendOptions key(std::string name, Milliseconds window = Milliseconds(300'000)) {
    AppendOptions options;
    options.idempotency_key = std::move(name);
    options.idempotency_window = window;
    return options;
  }
  static AppendOptions version(uint64_t number, std::string epoch = "e") {
    AppendOptions options;
    options.version = number;
    options.version_epoch = std::move(epoch);
    return options;
  }

  template <class T>
  Done<T> done_of(const std::shared_ptr<Call<T>>& call) {
    answers_of_calls.push_back([call] { return call->answers; });
    return [call](base::Result<T> result) {
      ++call->answers;
      call->result = std::move(result);
    };
  }
  template <class T>
  base::Result<T> answer_of(const std::shared_ptr<Call<T>>& call) {
    if (harness.run_until([&] { return call->answers > 0; })) return *call->result;
    return base::fail(base::ErrorCode::kClosed, "no answer came");
  }

  Appended append_whole(const std::string& channel, model::Publication publication,
                        const LogOptions& options, AppendOptions how) {
    const auto call = std::make_shared<Call<Appended>>();
    harness.store().append(channel, std::move(publication), options, std::move(how), done_of(call));
    const base::Result<Appended> result = answer_of(call);
    EXPECT_TRUE(result) << channel;
    return result.value_or(Appended{});
  }
  Appended append(const std::string& channel, std::string_view data, const LogOptions& options,
                  AppendOptions how = {}) {
    return append_whole(channel, text(data), options, std::move(how));
  }
  Appended append(const std::string& channel, std::string_view data, AppendOptions how = {}) {
    return append_whole(channel, text(data), log(), std::move(how));
  }
  void append_letters(const std::string& channel, std::string_view letters) {
    for (const char letter : letters) append(channel, std::string(1, letter));
  }
  Page read(const std::string& channel, const ReadOptions& how = {}) {
    return read(channel, log(), how);
  }
  Page read(const std::string& channel, const LogOptions& options, const ReadOptions& how = {}) {
    const auto call = std::make_shared<Call<Page>>();
    harness.store().read(channel, options, how, done_of(call));
    const base::Result<Page> result = answer_of(call);
    EXPECT_TRUE(result) << channel;
    return result.value_or(Page{});
  }
  void remove(const std::string& channel) {
    const auto call = std::make_shared<Call<void>>();
    harness.store().remove(channel, done_of(call));
    EXPECT_TRUE(answer_of(call)) << channel;
  }
  void advance(int milliseconds) { harness.advance(Milliseconds(milliseconds)); }

  // "1=a 2=b": offsets and payloads.
  static std::string shown(const Page& page) {
    std::string line;
    for (const model::Publication& publication : page.publications) {
      if (!line.empty()) line += ' ';
      line += std::to_string(publication.offset.value()) + "=";
      line += publication.data.view();
    }
    return line;
  }
  std::string forward(std::optional<uint64_t> since, std::optional<size_t> limit = {}) {
    return shown(page("a", since, limit, false));
  }
  std::string backward(std::optional<uint64_t> since, std::optional<size_t> limit = {}) {
    return shown(page("a", since, limit, true));
  }
  Page page(const std::string& channel, std::optional<uint64_t> since, std::optional<size_t> limit,
            bool reverse) {
    ReadOptions how{.since = {}, .limit = limit, .reverse = reverse};
    if (since) how.since = model::Offset{*since};
    return read(channel, how);
  }

  Harness harness;
  std::vector<std::function<int()>> answers_of_calls;
};

TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, offsets_are_consecutive_from_one_in_each_channel) {
  for (uint64_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(this->append("a", "x").position.offset.value(), i);
    EXPECT_EQ(this->append("b", "x").position.offset.value(), i);
  }
  EXPECT_EQ(this->read("a").top.offset.value(), 5U);
}

TYPED_TEST_P(StoreConformance, the_offset_of_what_is_appended_is_ignored) {
  model::Publication publication = this->text("x");
  publication.offset = model::Offset{999};
  EXPECT_EQ(this->append_whole("a", publication, this->log(), {}).position.offset.value(), 1U);
  EXPECT_EQ(this->shown(this->read("a")), "1=x");
}

TYPED_TEST_P(StoreConformance, appends_made_at_once_are_numbered_in_the_order_of_the_calls) {
  constexpr size_t kCount = 100;
  const auto offsets = std::make_shared<std::vector<uint64_t>>();
  for (size_t i = 0; i < kCount; ++i) {
    this->harness.store().append("a", this->text(std::to_string(i)), this->log(2 * kCount), {},
                                 [offsets](base::Result<Appended> result) {
                                   offsets->push_back(result ? result->position.offset.value() : 0);
                                 });
  }
  EXPECT_TRUE(this->harness.run_until([&] { return offsets->size() == kCount; }));
  const Page page = this->read("a", this->log(2 * kCount));
  ASSERT_EQ(page.publications.size(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(offsets->at(i), i + 1);
    EXPECT_EQ(page.publications[i].offset.value(), i + 1);
    EXPECT_EQ(page.publications[i].data.view(), std::to_string(i));
  }
}

TYPED_TEST_P(StoreConformance, a_read_after_an_append_without_waiting_sees_it) {
  const auto appended = std::make_shared<typename TestFixture::template Call<Appended>>();
  const auto read = std::make_shared<typename TestFixture::template Call<Page>>();
  this->harness.store().append("a", this->text("x"), this->log(), {}, this->done_of(appended));
  this->harness.store().read("a", this->log(), {}, this->done_of(read));
  const base::Result<Page> page = this->answer_of(read);
  ASSERT_TRUE(page);
  EXPECT_EQ(this->shown(*page), "1=x");
}

TYPED_TEST_P(StoreConformance, done_may_call_the_store) {
  const auto last = std::make_shared<typename TestFixture::template Call<Page>>();
  this->harness.store().append(
      "a", this->text("x"), this->log(), {}, [this, last](base::Result<Appended>) {
        this->harness.store().append(
            "a", this->text("y"), this->log(), {}, [this, last](base::Result<Appended>) {
              this->harness.store().read("a", this->log(), {}, this->done_of(last));
            });
      });
  const base::Result<Page> page = this->answer_of(last);
  ASSERT_TRUE(page);
  EXPECT_EQ(this->shown(*page), "1=x 2=y");
}

TYPED_TEST_P(StoreConformance, reading_makes_a_log_and_its_epoch_stays) {
  const Page empty = this->read("a");
  EXPECT_EQ(empty.top.offset.value(), 0U);
  EXPECT_FALSE(empty.top.epoch.empty());
  EXPECT_TRUE(empty.publications.empty());
  EXPECT_EQ(this->read("a").top, empty.top);
  const Appended appended = this->append("a", "x");
  EXPECT_EQ(appended.position.epoch, empty.top.epoch);
  EXPECT_EQ(this->read("a").top, appended.position);
  EXPECT_EQ(this->append("a", "y").position.epoch, empty.top.epoch);
}

TYPED_TEST_P(StoreConformance, every_log_has_an_epoch_of_its_own) {
  EXPECT_NE(this->read("a").top.epoch, this->read("b").top.epoch);
  EXPECT_NE(this->append("c", "x").position.epoch, this->append("d", "x").position.epoch);
}

TYPED_TEST_P(StoreConformance, a_publication_comes_back_whole) {
  auto info = std::make_shared<model::ClientInfo>();
  info->user = "42";
  info->client = "c";
  info->conn_info = base::SharedBytes::copy_of("[]");
  info->chan_info = base::SharedBytes::copy_of("{}");
  model::Publication publication = this->text(std::string_view("\0\xFF{}", 4));
  publication.info = info;
  publication.tags = {{"k", "v"}, {"empty", ""}};
  publication.is_json = false;
  this->append_whole("a", publication, this->log(), {});
  const Page page = this->read("a");
  ASSERT_EQ(page.publications.size(), 1U);
  const model::Publication& kept = page.publications[0];
  EXPECT_EQ(kept.data.view(), publication.data.view());
  EXPECT_EQ(kept.tags, publication.tags);
  EXPECT_FALSE(kept.is_json);
  ASSERT_NE(kept.info, nullptr);
  EXPECT_EQ(kept.info->user, "42");
  EXPECT_EQ(kept.info->client, "c");
  EXPECT_EQ(kept.info->conn_info.view(), "[]");
  EXPECT_EQ(kept.info->chan_info.view(), "{}");
  this->append("b", "");
  EXPECT_EQ(this->shown(this->read("b")), "1=") << "an empty one too";
  EXPECT_EQ(this->read("b").publications.at(0).info, nullptr);
  EXPECT_TRUE(this->read("b").publications.at(0).is_json);
}

TYPED_TEST_P(StoreConformance, over_the_size_the_oldest_goes) {
  for (const char* letter : {"a", "b", "c", "d", "e"}) this->append("a", letter, this->log(3));
  EXPECT_EQ(this->shown(this->read("a", this->log(3))), "3=c 4=d 5=e");
  for (const char* letter : {"a", "b"}) this->append("one", letter, this->log(1));
  EXPECT_EQ(this->shown(this->read("one", this->log(1))), "2=b");
}

TYPED_TEST_P(StoreConformance, over_its_time_the_oldest_goes_but_top_and_epoch_stay) {
  const LogOptions options = this->log(10, std::chrono::milliseconds(10'000));
  this->append("a", "x", options);
  this->advance(6'000);
  const Appended second = this->append("a", "y", options);
  this->advance(3'900);
  EXPECT_EQ(this->shown(this->read("a", options)), "1=x 2=y");
  this->advance(200);
  EXPECT_EQ(this->shown(this->read("a", options)), "2=y") << "reading prolongs nothing";
  this->advance(6'000);
  const Page page = this->read("a", options);
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top, second.position);
  EXPECT_EQ(this->append("a", "z", options).position.offset.value(), 3U);
}

TYPED_TEST_P(StoreConformance, the_options_of_the_latest_call_hold_for_the_whole_log) {
  this->append_letters("a", "abcde");
  EXPECT_EQ(this->shown(this->read("a", this->log(2))), "4=d 5=e");
  EXPECT_EQ(this->shown(this->read("a", this->log(10))), "4=d 5=e") << "nothing comes back";
  this->advance(5'000);
  this->append("a", "f");
  const LogOptions brief = this->log(10, std::chrono::milliseconds(4'000));
  EXPECT_EQ(this->shown(this->read("a", brief)), "6=f");
  EXPECT_EQ(this->shown(this->read("a")), "6=f");
}

TYPED_TEST_P(StoreConformance, a_log_that_nobody_used_for_its_meta_ttl_begins_anew) {
  LogOptions options = this->log(10, std::chrono::milliseconds(1'000));
  options.meta_ttl = std::chrono::milliseconds(10'000);
  const std::string epoch = this->append("a", "x", options).position.epoch;
  this->advance(9'900);
  EXPECT_EQ(this->read("a", options).top.epoch, epoch) << "reading is use";
  this->advance(9'900);
  EXPECT_EQ(this->append("a", "x", options).position.epoch, epoch) << "and so is appending";
  this->advance(9'900);
  this->remove("a");
  this->advance(9'900);
  EXPECT_EQ(this->read("a", options).top.epoch, epoch) << "and so is removing";
  this->advance(10'100);
  const Page page = this->read("a", options);
  EXPECT_NE(page.top.epoch, epoch);
  EXPECT_EQ(page.top.offset.value(), 0U);
  EXPECT_EQ(this->append("a", "x", options).position.offset.value(), 1U);
}

TYPED_TEST_P(StoreConformance, pages_go_forward_from_a_position) {
  this->append_letters("a", "abcde");
  EXPECT_EQ(this->forward({}), "1=a 2=b 3=c 4=d 5=e");
  EXPECT_EQ(this->forward({}, 2), "1=a 2=b");
  EXPECT_EQ(this->forward(0, 1), "1=a");
  EXPECT_EQ(this->forward(2), "3=c 4=d 5=e");
  EXPECT_EQ(this->forward(2, 2), "3=c 4=d");
  EXPECT_EQ(this->forward(2, 99), "3=c 4=d 5=e");
  EXPECT_EQ(this->forward(5), "");
  EXPECT_EQ(this->forward(99), "");
}

TYPED_TEST_P(StoreConformance, pages_go_backward_from_a_position) {
  this->append_letters("a", "abcde");
  EXPECT_EQ(this->backward({}), "5=e 4=d 3=c 2=b 1=a");
  EXPECT_EQ(this->backward({}, 2), "5=e 4=d");
  EXPECT_EQ(this->backward(4), "3=c 2=b 1=a");
  EXPECT_EQ(this->backward(4, 2), "3=c 2=b");
  EXPECT_EQ(this->backward(99, 1), "5=e");
  EXPECT_EQ(this->backward(6, 1), "5=e");
  EXPECT_EQ(this->backward(1), "");
  EXPECT_EQ(this->backward(0), "");
}

TYPED_TEST_P(StoreConformance, paging_walks_through_a_whole_log_both_ways) {
  const std::string letters = "abcdefg";
  this->append_letters("a", letters);
  for (const bool reverse : {false, true}) {
    std::string walked;
    std::optional<uint64_t> since;
    for (;;) {
      const Page page = this->page("a", since, 3, reverse);
      if (page.publications.empty()) break;
      for (const auto& publication : page.publications) walked += publication.data.view();
      since = page.publications.back().offset.value();
      ASSERT_LE(walked.size(), letters.size());
    }
    EXPECT_EQ(walked, reverse ? std::string(letters.rbegin(), letters.rend()) : letters);
  }
}

TYPED_TEST_P(StoreConformance, pages_begin_where_the_log_still_has_something) {
  for (const char* letter : {"a", "b", "c", "d", "e"}) this->append("a", letter, this->log(2));
  const auto shown = [this](uint64_t since, bool reverse) {
    const ReadOptions how{.since = model::Offset{since}, .limit = {}, .reverse = reverse};
    return this->shown(this->read("a", this->log(2), how));
  };
  EXPECT_EQ(shown(1, false), "4=d 5=e");
  EXPECT_EQ(shown(4, false), "5=e");
  EXPECT_EQ(shown(5, true), "4=d");
  EXPECT_EQ(shown(2, true), "");
}

TYPED_TEST_P(StoreConformance, a_limit_of_none_reads_only_the_top) {
  this->append_letters("a", "abc");
  for (const bool reverse : {false, true}) {
    const Page page = this->page("a", {}, 0, reverse);
    EXPECT_TRUE(page.publications.empty());
    EXPECT_EQ(page.top.offset.value(), 3U);
  }
  EXPECT_EQ(this->page("never used", {}, 0, false).top.offset.value(), 0U);
}

TYPED_TEST_P(StoreConformance, an_append_with_a_known_key_returns_the_first_result) {
  const Appended first = this->append("a", "x", this->key("k"));
  EXPECT_FALSE(first.suppressed);
  this->append("a", "y");
  EXPECT_FALSE(this->append("a", "z", this->key("another")).suppressed);
  const Appended again = this->append("a", "other data", this->key("k"));
  EXPECT_TRUE(again.suppressed);
  EXPECT_EQ(again.position, first.position);
  EXPECT_FALSE(this->append("b", "x", this->key("k")).suppressed) << "keys are the channel's own";
  EXPECT_EQ(this->shown(this->read("a")), "1=x 2=y 3=z") << "and nothing is stored";
}

TYPED_TEST_P(StoreConformance, appends_with_one_key_made_at_once_are_stored_once) {
  std::vector<std::shared_ptr<typename TestFixture::template Call<Appended>>> calls;
  for (int i = 0; i < 5; ++i) {
    calls.push_back(std::make_shared<typename TestFixture::template Call<Appended>>());
    this->harness.store().append("a", this->text("x"), this->log(), this->key("k"),
                                 this->done_of(calls.back()));
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const base::Result<Appended> result = this->answer_of(calls[i]);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->suppressed, i > 0);
    EXPECT_EQ(result->position.offset.value(), 1U);
  }
}

TYPED_TEST_P(StoreConformance, a_key_is_forgotten_after_its_window_and_may_be_used_again) {
  using std::chrono::milliseconds;
  const AppendOptions brief = this->key("k", milliseconds(5'000));
  this->append("a", "x", this->key("longer", milliseconds(20'000)));
  this->append("a", "x", brief);
  this->advance(4'900);
  EXPECT_TRUE(this->append("a", "x", brief).suppressed);
  this->advance(200);
  const Appended anew = this->append("a", "x", brief);
  EXPECT_FALSE(anew.suppressed) << "a repetition prolongs nothing";
  EXPECT_EQ(this->append("a", "x", brief).position, anew.position);
  EXPECT_TRUE(this->append("a", "x", this->key("longer")).suppressed);
  this->advance(4'800);
  EXPECT_TRUE(this->append("a", "x", brief).suppressed) << "the second window is as long";
}

TYPED_TEST_P(StoreConformance, a_key_outlives_its_publication) {
  const LogOptions options = this->log(1, std::chrono::milliseconds(1'000));
  const Appended first = this->append("a", "x", options, this->key("k"));
  this->append("a", "y", options);
  this->advance(1'100);
  EXPECT_EQ(this->append("a", "x", options, this->key("k")).position, first.position);
  this->remove("a");
  EXPECT_EQ(this->append("a", "x", options, this->key("k")).position, first.position);
  EXPECT_EQ(this->shown(this->read("a", options)), "");
}

TYPED_TEST_P(StoreConformance, a_key_is_remembered_within_its_window_whatever_the_meta_ttl) {
  LogOptions options = this->log(10, std::chrono::milliseconds(1'000));
  options.meta_ttl = std::chrono::milliseconds(2'000);
  const AppendOptions key = this->key("k", std::chrono::milliseconds(10'000));
  const Appended first = this->append("a", "x", options, key);
  this->advance(9'900);
  EXPECT_EQ(this->append("a", "x", options, key).position, first.position);
}

TYPED_TEST_P(StoreConformance, an_outdated_version_stores_nothing_and_answers_with_the_top) {
  EXPECT_FALSE(this->append("a", "x", this->version(5)).suppressed);
  EXPECT_FALSE(this->append("a", "y").suppressed) << "no version is never outdated";
  for (const uint64_t number : {5U, 4U, 1U}) {
    const Appended outdated = this->append("a", "old", this->version(number));
    EXPECT_TRUE(outdated.suppressed) << number;
    EXPECT_EQ(outdated.position, this->read("a").top);
  }
  EXPECT_FALSE(this->append("a", "z", this->version(6)).suppressed);
  EXPECT_TRUE(this->append("a", "old", this->version(6)).suppressed);
  EXPECT_FALSE(this->append("b", "x", this->version(1)).suppressed) << "each channel has its own";
  EXPECT_EQ(this->shown(this->read("a")), "1=x 2=y 3=z");
}

TYPED_TEST_P(StoreConformance, versions_of_another_epoch_begin_anew) {
  EXPECT_FALSE(this->append("a", "x", this->version(5, "e")).suppressed);
  EXPECT_FALSE(this->append("a", "y", this->version(1, "f")).suppressed);
  EXPECT_TRUE(this->append("a", "y", this->version(1, "f")).suppressed);
  EXPECT_FALSE(this->append("a", "z", this->version(1, "")).suppressed);
  EXPECT_TRUE(this->append("a", "z", this->version(1, "")).suppressed);
}

TYPED_TEST_P(StoreConformance, a_key_answers_the_same_whatever_became_of_its_version) {
  this->append("a", "x", this->version(5));
  AppendOptions both = this->version(3);
  both.idempotency_key = "k";
  const Appended outdated = this->append("a", "old", both);
  EXPECT_TRUE(outdated.suppressed);
  both.version = 6;
  this->append("a", "y");
  const Appended again = this->append("a", "new", both);
  EXPECT_TRUE(again.suppressed) << "the key comes first";
  EXPECT_EQ(again.position, outdated.position);
  EXPECT_FALSE(this->append("a", "new", this->version(6)).suppressed) << "6 was not kept before";
}

TYPED_TEST_P(StoreConformance, removing_forgets_the_publications_and_keeps_the_position) {
  this->append_letters("a", "ab");
  this->append("b", "other");
  const model::Position top = this->read("a").top;
  this->remove("a");
  const Page page = this->read("a");
  EXPECT_TRUE(page.publications.empty());
  EXPECT_EQ(page.top, top);
  EXPECT_EQ(this->shown(this->read("b")), "1=other") << "the one channel only";
  this->append("a", "c");
  EXPECT_EQ(this->shown(this->read("a")), "3=c");
  EXPECT_EQ(this->read("a").top.epoch, top.epoch);
}

TYPED_TEST_P(StoreConformance, removing_what_does_not_exist_succeeds) {
  this->remove("never used");
  EXPECT_EQ(this->append("never used", "x").position.offset.value(), 1U);
  this->remove("never used");
  this->remove("never used");
  EXPECT_EQ(this->read("never used").top.offset.value(), 1U);
}

TYPED_TEST_P(StoreConformance, channel_names_are_any_bytes) {
  const std::vector<std::string> names = {
      "a b\r\n", std::string("nul\0in it", 9), "nul", "*", "{a}:b", "\xC3\xA9", "\xFF"};
  for (const std::string& name : names) this->append(name, name);
  for (const std::string& name : names) EXPECT_EQ(this->shown(this->read(name)), "1=" + name);
}

TYPED_TEST_P(StoreConformance, is_healthy_while_its_engine_answers) {
  EXPECT_TRUE(this->harness.store().health());
  this->append("a", "x");
  EXPECT_TRUE(this->harness.store().health());
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreConformance, offsets_are_consecutive_from_one_in_each_channel,
    the_offset_of_what_is_appended_is_ignored,
    appends_made_at_once_are_numbered_in_the_order_of_the_calls,
    a_read_after_an_append_without_waiting_sees_it, done_may_call_the_store,
    reading_makes_a_log_and_its_epoch_stays, every_log_has_an_epoch_of_its_own,
    a_publication_comes_back_whole, over_the_size_the_oldest_goes,
    over_its_time_the_oldest_goes_but_top_and_epoch_stay,
    the_options_of_the_latest_call_hold_for_the_whole_log,
    a_log_that_nobody_used_for_its_meta_ttl_begins_anew, pages_go_forward_from_a_position,
    pages_go_backward_from_a_position, paging_walks_through_a_whole_log_both_ways,
    pages_begin_where_the_log_still_has_something, a_limit_of_none_reads_only_the_top,
    an_append_with_a_known_key_returns_the_first_result,
    appends_with_one_key_made_at_once_are_stored_once,
    a_key_is_forgotten_after_its_window_and_may_be_used_again, a_key_outlives_its_publication,
    a_key_is_remembered_within_its_window_whatever_the_meta_ttl,
    an_outdated_version_stores_nothing_and_answers_with_the_top,
    versions_of_another_epoch_begin_anew, a_key_answers_the_same_whatever_became_of_its_version,
    removing_forgets_the_publications_and_keeps_the_position, removing_what_does_not_exist_succeeds,
    channel_names_are_any_bytes, is_healthy_while_its_engine_answers);

}  // namespace millrace::store
