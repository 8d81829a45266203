#include "filter/filter.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace millrace::filter {
namespace {

using model::FilterNode;
using model::Tags;

FilterNode leaf(std::string key, std::string cmp, std::string val) {
  return {.key = std::move(key), .cmp = std::move(cmp), .val = std::move(val)};
}
FilterNode leaf_of(std::string key, std::string cmp, std::vector<std::string> vals) {
  return {.key = std::move(key), .cmp = std::move(cmp), .vals = std::move(vals)};
}
FilterNode join(std::string op, std::vector<FilterNode> nodes) {
  return {.op = std::move(op), .nodes = std::move(nodes)};
}

bool matches(const FilterNode& tree, const Tags& tags) {
  const auto filter = Filter::compile(tree);
  EXPECT_TRUE(filter) << filter.error().message;
  return filter && filter->matches(tags);
}

std::string wrong_with(const FilterNode& tree, base::ErrorCode code = base::ErrorCode::kInvalid) {
  const auto filter = Filter::compile(tree);
  if (filter) return "nothing";
  EXPECT_EQ(filter.error().code, code);
  return filter.error().message;
}

const Tags kTags = {{"color", "red"}, {"size", "10.50"}, {"empty", ""}};

TEST(Filter, eq_wants_the_tag_to_be_there_and_equal) {
  EXPECT_TRUE(matches(leaf("color", "eq", "red"), kTags));
  EXPECT_FALSE(matches(leaf("color", "eq", "re"), kTags));
  EXPECT_FALSE(matches(leaf("shape", "eq", "red"), kTags));
  EXPECT_FALSE(matches(leaf("color", "eq", "red"), {}));
}

TEST(Filter, neq_is_true_of_a_missing_tag) {
  EXPECT_FALSE(matches(leaf("color", "neq", "red"), kTags));
  EXPECT_TRUE(matches(leaf("color", "neq", "blue"), kTags));
  EXPECT_TRUE(matches(leaf("shape", "neq", "red"), kTags));
}

TEST(Filter, in_and_nin_take_a_missing_tag_for_an_empty_one) {
  EXPECT_TRUE(matches(leaf_of("color", "in", {"blue", "red"}), kTags));
  EXPECT_FALSE(matches(leaf_of("color", "in", {"blue", "green"}), kTags));
  EXPECT_FALSE(matches(leaf_of("shape", "in", {"red"}), kTags));
  EXPECT_TRUE(matches(leaf_of("shape", "in", {"red", ""}), kTags));
  EXPECT_TRUE(matches(leaf_of("empty", "in", {""}), kTags));
  EXPECT_FALSE(matches(leaf_of("color", "nin", {"blue", "red"}), kTags));
  EXPECT_TRUE(matches(leaf_of("color", "nin", {"blue", "green"}), kTags));
  EXPECT_TRUE(matches(leaf_of("shape", "nin", {"red"}), kTags));
  EXPECT_FALSE(matches(leaf_of("shape", "nin", {"red", ""}), kTags));
}

TEST(Filter, ex_and_nex_look_for_the_key_only) {
  EXPECT_TRUE(matches(leaf("empty", "ex", ""), kTags));
  EXPECT_FALSE(matches(leaf("shape", "ex", ""), kTags));
  EXPECT_FALSE(matches(leaf("empty", "nex", ""), kTags));
  EXPECT_TRUE(matches(leaf("shape", "nex", ""), kTags));
  EXPECT_FALSE(matches(leaf("", "ex", ""), kTags));
  EXPECT_TRUE(matches(leaf("", "ex", ""), {{"", "x"}}));
}

TEST(Filter, parts_of_a_tag_are_found_where_they_should_be) {
  const Tags tags = {{"path", "news/sport/chess"}};
  EXPECT_TRUE(matches(leaf("path", "sw", "news"), tags));
  EXPECT_FALSE(matches(leaf("path", "sw", "sport"), tags));
  EXPECT_TRUE(matches(leaf("path", "ew", "chess"), tags));
  EXPECT_FALSE(matches(leaf("path", "ew", "sport"), tags));
  EXPECT_TRUE(matches(leaf("path", "ct", "/sport/"), tags));
  EXPECT_TRUE(matches(leaf("path", "ct", "news/sport/chess"), tags));
  EXPECT_FALSE(matches(leaf("path", "ct", "news/sport/chess!"), tags));
  for (const char* cmp : {"sw", "ew", "ct"}) {
    EXPECT_FALSE(matches(leaf("shape", cmp, "x"), tags)) << cmp;
    EXPECT_FALSE(matches(leaf("empty", cmp, "x"), kTags)) << cmp;
  }
}

TEST(Filter, numbers_are_compared_by_value) {
  const std::vector<std::tuple<const char*, bool, bool, bool>> cases = {
      // cmp, size (10.50) to 9, to 10.5, to 100
      {"gt", true, false, false},
      {"gte", true, true, false},
      {"lt", false, false, true},
      {"lte", false, true, true},
  };
  for (const auto& [cmp, to_less, to_equal, to_more] : cases) {
    EXPECT_EQ(matches(leaf("size", cmp, "9"), kTags), to_less) << cmp;
    EXPECT_EQ(matches(leaf("size", cmp, "10.5"), kTags), to_equal) << cmp;
    EXPECT_EQ(matches(leaf("size", cmp, "100"), kTags), to_more) << cmp;
  }
}

TEST(Filter, what_is_not_a_number_is_in_no_relation_to_one) {
  for (const char* cmp : {"gt", "gte", "lt", "lte"}) {
    EXPECT_FALSE(matches(leaf("color", cmp, "1"), kTags)) << cmp;
    EXPECT_FALSE(matches(leaf("size", cmp, "ten"), kTags)) << cmp;
    EXPECT_FALSE(matches(leaf("empty", cmp, "1"), kTags)) << cmp;
    EXPECT_FALSE(matches(leaf("shape", cmp, "1"), kTags)) << cmp;
  }
}

TEST(Filter, and_or_and_not_join_their_nodes) {
  const FilterNode yes = leaf("color", "eq", "red");
  const FilterNode no = leaf("color", "eq", "blue");
  EXPECT_TRUE(matches(join("and", {yes}), kTags));
  EXPECT_TRUE(matches(join("and", {yes, yes, yes}), kTags));
  EXPECT_FALSE(matches(join("and", {yes, yes, no}), kTags));
  EXPECT_FALSE(matches(join("and", {no, yes}), kTags));
  EXPECT_FALSE(matches(join("or", {no}), kTags));
  EXPECT_FALSE(matches(join("or", {no, no}), kTags));
  EXPECT_TRUE(matches(join("or", {no, no, yes}), kTags));
  EXPECT_TRUE(matches(join("or", {yes, no}), kTags));
  EXPECT_TRUE(matches(join("not", {no}), kTags));
  EXPECT_FALSE(matches(join("not", {yes}), kTags));
}

TEST(Filter, a_node_behind_a_subtree_is_found) {
  const FilterNode yes = leaf("color", "eq", "red");
  const FilterNode no = leaf("color", "eq", "blue");
  const FilterNode deep = join("and", {join("or", {no, join("not", {no}), no}), yes});
  EXPECT_TRUE(matches(join("and", {deep, deep, yes}), kTags));
  EXPECT_FALSE(matches(join("and", {deep, deep, no}), kTags));
  EXPECT_TRUE(matches(join("or", {join("not", {deep}), join("and", {no, deep}), deep}), kTags));
  EXPECT_FALSE(matches(join("or", {join("not", {deep}), join("and", {no, deep}), no}), kTags));
}

TEST(Filter, an_invalid_tree_is_refused_with_what_is_wrong) {
  EXPECT_EQ(wrong_with({}), "tags filter: unknown cmp");
  EXPECT_EQ(wrong_with(leaf("k", "EQ", "v")), "tags filter: unknown cmp");
  EXPECT_EQ(wrong_with(join("xor", {leaf("k", "ex", "")})), "tags filter: unknown op");
  EXPECT_EQ(wrong_with(join("and", {})), "tags filter: 'and' and 'or' have at least one node");
  EXPECT_EQ(wrong_with(join("or", {})), "tags filter: 'and' and 'or' have at least one node");
  const FilterNode good = leaf("k", "eq", "v");
  EXPECT_EQ(wrong_with(join("not", {})), "tags filter: 'not' has exactly one node");
  EXPECT_EQ(wrong_with(join("not", {good, good})), "tags filter: 'not' has exactly one node");
  EXPECT_EQ(wrong_with(join("or", {good, join("and", {good, {}})})), "tags filter: unknown cmp");
}

TEST(Filter, operands_must_be_those_of_the_comparison) {
  for (const char* cmp : {"eq", "neq", "sw", "ew", "ct", "gt", "gte", "lt", "lte"}) {
    EXPECT_EQ(wrong_with(leaf("k", cmp, "")), "tags filter: this cmp needs val") << cmp;
    EXPECT_EQ(wrong_with({.key = "k", .cmp = cmp, .val = "v", .vals = {"w"}}),
              "tags filter: this cmp has no vals")
        << cmp;
    EXPECT_EQ(wrong_with(leaf("", cmp, "v")), "tags filter: this cmp needs a key") << cmp;
  }
  for (const char* cmp : {"in", "nin"}) {
    EXPECT_EQ(wrong_with(leaf_of("k", cmp, {})), "tags filter: this cmp needs vals") << cmp;
    EXPECT_EQ(wrong_with({.key = "k", .cmp = cmp, .val = "v", .vals = {"w"}}),
              "tags filter: this cmp has no val")
        << cmp;
    EXPECT_EQ(wrong_with(leaf_of("", cmp, {"v"})), "tags filter: this cmp needs a key") << cmp;
  }
  for (const char* cmp : {"ex", "nex"}) {
    EXPECT_EQ(wrong_with(leaf("k", cmp, "v")), "tags filter: this cmp has no val") << cmp;
    EXPECT_EQ(wrong_with(leaf_of("k", cmp, {"v"})), "tags filter: this cmp has no vals") << cmp;
  }
}

TEST(Filter, depth_is_limited) {
  FilterNode tree = leaf("color", "eq", "red");
  for (size_t depth = 1; depth < kDepthMax; ++depth) tree = join("not", {tree});
  EXPECT_EQ(matches(tree, kTags), kDepthMax % 2 == 1);
  EXPECT_EQ(wrong_with(join("not", {tree}), base::ErrorCode::kTooLarge),
            "tags filter: nested too deeply");
}

TEST(Filter, the_number_of_nodes_is_limited) {
  FilterNode tree = join("or", std::vector(kNodesMax - 2, leaf("color", "eq", "blue")));
  tree.nodes.push_back(leaf("color", "eq", "red"));
  EXPECT_TRUE(matches(tree, kTags));
  tree.nodes.push_back(leaf("color", "eq", "red"));
  EXPECT_EQ(wrong_with(tree, base::ErrorCode::kTooLarge), "tags filter: too many nodes");
}

TEST(Filter, the_bytes_of_keys_and_values_are_limited) {
  const std::string longest(kBytesMax - 5, 'v');
  EXPECT_TRUE(matches(leaf("k", "eq", longest), {{"k", longest}}));
  const std::string too_long = "tags filter: keys and values are too long";
  EXPECT_EQ(wrong_with(leaf("k", "eq", longest + "v"), base::ErrorCode::kTooLarge), too_long);
  EXPECT_EQ(wrong_with(leaf("k", "eq", std::string(70'000, 'v')), base::ErrorCode::kTooLarge),
            too_long);

  std::vector<std::string> values((kBytesMax - 3) / 2);
  EXPECT_TRUE(matches(leaf_of("k", "in", values), {}));
  values.emplace_back();
  EXPECT_EQ(wrong_with(leaf_of("k", "in", values), base::ErrorCode::kTooLarge), too_long);
}

}  // namespace
}  // namespace millrace::filter
