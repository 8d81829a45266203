#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/function_ref.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/random.h"
#include "base/result.h"
#include "base/shared_bytes.h"

namespace millrace::base {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonText, escapes_what_json_forbids) {
  EXPECT_EQ(quoted("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
}

TEST(JsonText, keeps_valid_utf8_and_replaces_the_rest) {
  EXPECT_EQ(quoted("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
  EXPECT_EQ(quoted("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(quoted("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(quoted("a\xE2\x82"), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(SharedBytes, is_shared_by_copies_on_several_threads) {
  const SharedBytes bytes = SharedBytes::joined({"ab", "", "cd"});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = bytes] {
      for (int round = 0; round < 1000; ++round) {
        const SharedBytes again = copy;
        ASSERT_EQ(again.view(), "abcd");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bytes.view(), "abcd");
  EXPECT_TRUE(SharedBytes::copy_of("").empty());
}

TEST(Random, seeded_generator_repeats_and_the_system_one_does_not) {
  Prng first(7);
  Prng second(7);
  OsRandom system;
  EXPECT_EQ(first.next_u64(), second.next_u64());
  std::set<std::string> uuids;
  for (int i = 0; i < 1000; ++i) uuids.insert(to_string(make_uuid(system)));
  EXPECT_EQ(uuids.size(), 1000U);
  const std::string uuid = *uuids.begin();
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
}

TEST(Random, a_uuid_is_spelled_by_its_text_alone) {
  Prng random(7);
  const Uuid uuid = make_uuid(random);
  const std::string text = to_string(uuid);
  EXPECT_TRUE(spells(text, uuid));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == '-' ? '0' : '-';
    EXPECT_FALSE(spells(other, uuid)) << i;
  }
  EXPECT_FALSE(spells("", uuid));
  EXPECT_FALSE(spells(text + "0", uuid));
  EXPECT_FALSE(spells(text, make_uuid(random)));
}

TEST(Random, below_stays_below) {
  Prng prng(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(prng.below(7));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(FunctionRef, calls_what_it_refers_to) {
  int sum = 0;
  const auto add = [&](int x) { sum += x; };
  const FunctionRef<void(int)> ref = add;
  ref(2);
  ref(3);
  EXPECT_EQ(sum, 5);
}

}  // namespace
}  // namespace millrace::base
