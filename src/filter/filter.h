// A tags filter, ready to be asked of each publication: does this subscriber want it?
//
// Made from a FilterNode when a client subscribes, then only asked. What the nodes mean, and which
// trees are valid, is the Centrifuge client protocol's:
//
//   op ""            a leaf: compares the tag `key` by `cmp` with `val` or `vals`
//   op "and", "or"   at least one node in `nodes`
//   op "not"         exactly one
//
//   cmp                operands                   true when the tag ...
//   eq                 val                        is there and equal
//   neq                val                        is not there, or different
//   in, nin            vals                       is in, is not in; one that is not there is ""
//   ex, nex            none; `key` may be ""      is there, is not there
//   sw, ew, ct         val                        is there and starts with, ends with, contains
//   gt, gte, lt, lte   val                        is there, and both are decimal numbers
//   (decimal.h)
//                                                 in that relation
//
// `val` and `vals` must not be empty where they are operands, and must be where they are not. What
// the table does not mention is ignored: `nodes` of a leaf, and all but `nodes` of the others.
//
// Cores      A value, never changed: any core may ask it.
// Memory     8 bytes for a node, and each string with 2 more.
// Limits     kDepthMax, kNodesMax, kBytesMax. They bound the time of matches(), too: it is linear
//            in the filter and the tags it names, and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace millrace::filter {

// How many nodes may lie within each other, and how many there may be.
inline constexpr size_t kDepthMax = 16;
inline constexpr size_t kNodesMax = 256;
// Keys and values, 2 bytes more for each.
inline constexpr size_t kBytesMax = 16 * 1024;

// What a node asks of the tags; filter.cc lists them.
enum class Test : uint8_t;

class Filter {
 public:
  // Fails with kInvalid when the tree is not valid, and with kTooLarge when it is over a limit.
  static base::Result<Filter> compile(const model::FilterNode& tree);

  bool matches(const model::Tags& tags) const;

 private:
  // Nodes are in the order in which they are written: each before its children.
  struct Node {
    Test test{};
    uint16_t end = 0;     // the number of the first node that is not within this one
    uint16_t values = 0;  // of a leaf: how many strings follow its key
    uint16_t text = 0;    // of a leaf: where in text_ its key begins
  };
  static_assert(sizeof(Node) == 8);

  base::Result<> add(const model::FilterNode& from, size_t depth);
  base::Result<> add_leaf(const model::FilterNode& from, Node& node);
  base::Result<> add_text(std::string_view text);
  bool matches(const model::Tags& tags, size_t number) const;
  bool leaf_matches(const model::Tags& tags, const Node& leaf) const;

  std::vector<Node> nodes_;
  std::string text_;  // strings, each behind its size in two bytes
};

}  // namespace millrace::filter
