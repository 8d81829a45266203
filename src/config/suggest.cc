#include "config/suggest.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace millrace::config {
namespace {

constexpr size_t kWordMax = 128;  // longer ones are nobody's slip
constexpr size_t kPartMin = 4;    // shorter ones are near to everything

std::string with_one_separator(std::string_view text, std::string_view separators) {
  std::string out(text);
  for (char& c : out) {
    if (separators.find(c) != std::string_view::npos) c = '_';
  }
  return out;
}

// Whether `whole` is `end`, or ends in it behind a separator.
bool ends_in_part(std::string_view whole, std::string_view end) {
  if (!whole.ends_with(end)) return false;
  return whole.size() == end.size() || whole[whole.size() - end.size() - 1] == '_';
}

// The last of the parts between `separator`s.
std::string_view last_part(std::string_view text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table of optimal string alignment: the one being made, and the two above it.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates,
                    std::string_view separators) {
  if (word.empty() || word.size() > kWordMax) return "";
  const std::string plain = with_one_separator(word, separators);
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, word.size() / 5) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(plain, with_one_separator(candidate, separators));
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best != nullptr || separators.empty()) return best == nullptr ? "" : *best;
  // Nothing looks like it: perhaps it is a name without its group, or in a wrong one.
  const char separator = separators[0];
  const std::string_view last = last_part(word, separator);
  for (const std::string_view end : {std::string_view(plain), last}) {
    for (const std::string& candidate : candidates) {
      if (ends_in_part(with_one_separator(candidate, separators), end)) return candidate;
    }
  }
  const auto close = std::ranges::find_if(candidates, [&](const std::string& candidate) {
    return last.size() >= kPartMin && edit_distance(last, last_part(candidate, separator)) == 1;
  });
  return close == candidates.end() ? "" : *close;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates,
                         std::string_view separators) {
  const std::string name = nearest(word, candidates, separators);
  return name.empty() ? "" : ", did you mean " + name + "?";
}

}  // namespace millrace::config
