#include "filter/filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "filter/decimal.h"

namespace millrace::filter {

enum class Test : uint8_t {
  kAnd,
  kOr,
  kNot,
  kEqual,
  kNotEqual,
  kIn,
  kNotIn,
  kExists,
  kNotExists,
  kStartsWith,
  kEndsWith,
  kContains,
  kGreater,
  kGreaterOrEqual,
  kLess,
  kLessOrEqual,
};

namespace {

enum class Operands : uint8_t { kNone, kOne, kMany };

struct Comparison {
  std::string_view name;
  Test test;
  Operands operands;
};

constexpr Comparison kComparisons[] = {
    {"eq", Test::kEqual, Operands::kOne},
    {"neq", Test::kNotEqual, Operands::kOne},
    {"in", Test::kIn, Operands::kMany},
    {"nin", Test::kNotIn, Operands::kMany},
    {"ex", Test::kExists, Operands::kNone},
    {"nex", Test::kNotExists, Operands::kNone},
    {"sw", Test::kStartsWith, Operands::kOne},
    {"ew", Test::kEndsWith, Operands::kOne},
    {"ct", Test::kContains, Operands::kOne},
    {"gt", Test::kGreater, Operands::kOne},
    {"gte", Test::kGreaterOrEqual, Operands::kOne},
    {"lt", Test::kLess, Operands::kOne},
    {"lte", Test::kLessOrEqual, Operands::kOne},
};

using Size = uint16_t;
static_assert(kBytesMax <= UINT16_MAX && kNodesMax <= UINT16_MAX);

std::unexpected<base::Error> invalid(const char* what) {
  return base::fail(base::ErrorCode::kInvalid, std::string("tags filter: ") + what);
}
std::unexpected<base::Error> too_large(const char* what) {
  return base::fail(base::ErrorCode::kTooLarge, std::string("tags filter: ") + what);
}

// Takes the string at `at`, and moves behind it.
std::string_view take_text(const char*& at) {
  Size size;
  std::memcpy(&size, at, sizeof(size));
  const std::string_view text(at + sizeof(size), size);
  at += sizeof(size) + size;
  return text;
}

// memmem() is linear, whatever the two are; string_view's own search is not.
bool contains(std::string_view text, std::string_view part) {
  return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}

// What is not a number has no place among them.
bool number_matches(Test test, std::string_view tag, std::string_view value) {
  const auto a = Decimal::parse(tag);
  const auto b = Decimal::parse(value);
  if (!a || !b) return false;
  switch (test) {
    case Test::kGreater:
      return *a > *b;
    case Test::kGreaterOrEqual:
      return *a >= *b;
    case Test::kLess:
      return *a < *b;
    default:
      return *a <= *b;
  }
}

}  // namespace

base::Result<Filter> Filter::compile(const model::FilterNode& tree) {
  Filter filter;
  if (auto added = filter.add(tree, 1); !added) return base::fail(added);
  filter.nodes_.shrink_to_fit();
  filter.text_.shrink_to_fit();
  return filter;
}

// The recursion is bounded by kDepthMax.
base::Result<> Filter::add(const model::FilterNode& from, size_t depth) {
  if (depth > kDepthMax) return too_large("nested too deeply");
  if (nodes_.size() == kNodesMax) return too_large("too many nodes");
  const size_t number = nodes_.size();
  Node& node = nodes_.emplace_back();
  if (from.op.empty()) {
    if (auto added = add_leaf(from, node); !added) return added;
  } else {
    if (from.op == "and") {
      node.test = Test::kAnd;
    } else if (from.op == "or") {
      node.test = Test::kOr;
    } else if (from.op == "not") {
      node.test = Test::kNot;
      if (from.nodes.size() != 1) return invalid("'not' has exactly one node");
    } else {
      return invalid("unknown op");
    }
    if (from.nodes.empty()) return invalid("'and' and 'or' have at least one node");
    for (const model::FilterNode& child : from.nodes) {
      if (auto added = add(child, depth + 1); !added) return added;
    }
  }
  nodes_[number].end = static_cast<uint16_t>(nodes_.size());
  return {};
}

base::Result<> Filter::add_leaf(const model::FilterNode& from, Node& node) {
  const auto* const comparison = std::ranges::find(kComparisons, from.cmp, &Comparison::name);
  if (comparison == std::end(kComparisons)) return invalid("unknown cmp");
  const Operands operands = comparison->operands;
  if (from.val.empty() == (operands == Operands::kOne)) {
    return invalid(from.val.empty() ? "this cmp needs val" : "this cmp has no val");
  }
  if (from.vals.empty() == (operands == Operands::kMany)) {
    return invalid(from.vals.empty() ? "this cmp needs vals" : "this cmp has no vals");
  }
  if (from.key.empty() && operands != Operands::kNone) return invalid("this cmp needs a key");

  node.test = comparison->test;
  node.text = static_cast<uint16_t>(text_.size());
  if (auto added = add_text(from.key); !added) return added;
  if (operands == Operands::kOne) {
    node.values = 1;
    return add_text(from.val);
  }
  for (const std::string& value : from.vals) {
    if (auto added = add_text(value); !added) return added;
    ++node.values;
  }
  return {};
}

base::Result<> Filter::add_text(std::string_view text) {
  const size_t room = kBytesMax - text_.size();
  if (room < sizeof(Size) || text.size() > room - sizeof(Size)) {
    return too_large("keys and values are too long");
  }
  const auto size = static_cast<Size>(text.size());
  char prefix[sizeof(size)];
  std::memcpy(prefix, &size, sizeof(size));
  text_.append(prefix, sizeof(size));
  text_ += text;
  return {};
}

bool Filter::matches(const model::Tags& tags) const {
  return matches(tags, 0);
}

// The recursion is bounded by kDepthMax.
bool Filter::matches(const model::Tags& tags, size_t number) const {
  const Node& node = nodes_[number];
  switch (node.test) {
    case Test::kNot:
      return !matches(tags, number + 1);
    case Test::kAnd:
    case Test::kOr: {
      const bool decisive = node.test == Test::kOr;
      for (size_t child = number + 1; child < node.end; child = nodes_[child].end) {
        if (matches(tags, child) == decisive) return decisive;
      }
      return !decisive;
    }
    default:
      return leaf_matches(tags, node);
  }
}

bool Filter::leaf_matches(const model::Tags& tags, const Node& leaf) const {
  const char* at = text_.data() + leaf.text;
  const std::string_view key = take_text(at);
  const auto found = std::ranges::find(tags, key, &model::Tags::value_type::first);
  const bool exists = found != tags.end();
  const std::string_view tag = exists ? std::string_view(found->second) : std::string_view();

  switch (leaf.test) {
    case Test::kExists:
      return exists;
    case Test::kNotExists:
      return !exists;
    case Test::kIn:
    case Test::kNotIn: {
      bool is_in = false;
      for (size_t i = 0; i < leaf.values && !is_in; ++i) is_in = take_text(at) == tag;
      return is_in == (leaf.test == Test::kIn);
    }
    default:
      break;
  }

  const std::string_view value = take_text(at);
  if (leaf.test == Test::kNotEqual) return !exists || tag != value;
  if (!exists) return false;
  switch (leaf.test) {
    case Test::kEqual:
      return tag == value;
    case Test::kStartsWith:
      return tag.starts_with(value);
    case Test::kEndsWith:
      return tag.ends_with(value);
    case Test::kContains:
      return contains(tag, value);
    default:
      return number_matches(leaf.test, tag, value);
  }
}

}  // namespace millrace::filter
