#include "base/name_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace millrace::base {
namespace {

struct Thing {
  std::string name;
  int value = 0;
};

Thing& add(NameTable<Thing>& table, std::string name, int value) {
  return table.insert(std::make_unique<Thing>(Thing{std::move(name), value}));
}

TEST(NameTable, finds_what_was_inserted_and_nothing_that_was_erased) {
  NameTable<Thing> table;
  EXPECT_EQ(table.find("a"), nullptr);
  add(table, "a", 1);
  add(table, "", 2);
  ASSERT_NE(table.find("a"), nullptr);
  EXPECT_EQ(table.find("a")->value, 1);
  EXPECT_EQ(table.find("")->value, 2);
  table.erase(*table.find("a"));
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.size(), 1U);
}

TEST(NameTable, addresses_stay_whatever_else_comes_and_goes) {
  NameTable<Thing> table;
  const Thing* const first = &add(table, "first", 0);
  for (int i = 0; i < 10'000; ++i) add(table, std::to_string(i), i);
  for (int i = 0; i < 10'000; i += 2) table.erase(*table.find(std::to_string(i)));
  EXPECT_EQ(table.find("first"), first);
  EXPECT_EQ(table.size(), 5'001U);
  for (int i = 1; i < 10'000; i += 2) EXPECT_EQ(table.find(std::to_string(i))->value, i);
}

TEST(NameTable, each_is_visited_once_until_somebody_has_seen_enough) {
  NameTable<Thing> table;
  for (int i = 0; i < 100; ++i) add(table, std::to_string(i), i);
  std::vector<bool> seen(100);
  table.for_each([&](const Thing& thing) {
    EXPECT_FALSE(seen[static_cast<size_t>(thing.value)]);
    seen[static_cast<size_t>(thing.value)] = true;
    return true;
  });
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 100);
  int visits = 0;
  table.for_each([&](const Thing&) { return ++visits < 3; });
  EXPECT_EQ(visits, 3);
}

}  // namespace
}  // namespace millrace::base
