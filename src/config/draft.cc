#include "config/draft.h"

#include <utility>

namespace millrace::config {
namespace {

// Replaces the references in one string; whether there were any.
bool expand_text(Draft& draft, const Place& place, std::string& text, const Variables& variables) {
  constexpr std::string_view kOpen = "${";
  bool any = false;
  std::string out;
  std::string_view rest = text;
  for (;;) {
    const size_t open = rest.find(kOpen);
    const size_t close = open == std::string_view::npos ? open : rest.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view name = rest.substr(open + kOpen.size(), close - open - kOpen.size());
    out += rest.substr(0, open);
    if (!name.starts_with(kReferencePrefix)) {
      // Somebody else's notation: channel_regex and the like may hold it.
      out += rest.substr(open, close + 1 - open);
    } else if (const auto found = variables.find(name); found != variables.end()) {
      out += found->second;
      any = true;
    } else {
      draft.error(place, std::string(name), "is referred to, but the environment does not have it");
    }
    rest.remove_prefix(close + 1);
  }
  out += rest;
  if (any) text = std::move(out);
  return any;
}

}  // namespace

void Draft::error(const Place& place, std::string key, std::string message) {
  errors.push_back(problem_at(place, std::move(key), std::move(message)));
}

void Draft::warn(const Place& place, std::string key, std::string message) {
  warnings.push_back(problem_at(place, std::move(key), std::move(message)));
}

Place Draft::place_of(std::string_view key) const {
  for (;;) {
    if (const auto found = places.find(key); found != places.end()) return found->second;
    const size_t dot = key.rfind('.');
    if (dot == std::string_view::npos) return Place{};
    key = key.substr(0, dot);
  }
}

void expand_references(Draft& draft, Value& value, const Variables& variables) {
  if (auto* text = std::get_if<std::string>(&value.data)) {
    if (expand_text(draft, value.place, *text, variables))
      value.untyped = value.from_reference = true;
  } else if (auto* array = std::get_if<Array>(&value.data)) {
    for (Value& item : *array) expand_references(draft, item, variables);
  } else if (auto* table = std::get_if<Table>(&value.data)) {
    for (Member& member : *table) expand_references(draft, member.value, variables);
  }
}

}  // namespace millrace::config
