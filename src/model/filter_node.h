// A tags filter as a client wrote it: a tree of conditions on a publication's tags. filter/ says
// what is a valid one, and what it means.
#pragma once

#include <string>
#include <vector>

namespace millrace::model {

struct FilterNode {
  std::string op{};   // "" for a leaf; "and", "or", "not"
  std::string key{};  // of a leaf: which tag
  std::string cmp{};  // of a leaf: how it is compared, with `val` or `vals`
  std::string val{};
  std::vector<std::string> vals{};
  std::vector<FilterNode> nodes{};  // of the others: what they join
  friend bool operator==(const FilterNode&, const FilterNode&) = default;
};

}  // namespace millrace::model
