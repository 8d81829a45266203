#include <toml++/toml.h>

#include <string>
#include <utility>

#include "config/document.h"

namespace millrace::config {
namespace {

Place place_of(const toml::source_region& region, const std::string& source) {
  return Place{source, region.begin.line, region.begin.column};
}

Value convert(const toml::node& node, const std::string& source);

Table convert_table(const toml::table& table, const std::string& source) {
  Table members;
  members.reserve(table.size());
  for (const auto& [key, node] : table) {
    members.push_back(
        Member{std::string(key.str()), place_of(key.source(), source), convert(node, source)});
  }
  return members;
}

Array convert_array(const toml::array& array, const std::string& source) {
  Array values;
  values.reserve(array.size());
  for (const toml::node& node : array) values.push_back(convert(node, source));
  return values;
}

// Recursion is bounded by the parser, which refuses deep nesting.
Value convert(const toml::node& node, const std::string& source) {
  Value value;
  value.place = place_of(node.source(), source);
  switch (node.type()) {
    case toml::node_type::table:
      value.data = convert_table(*node.as_table(), source);
      break;
    case toml::node_type::array:
      value.data = convert_array(*node.as_array(), source);
      break;
    case toml::node_type::string:
      value.data = node.as_string()->get();
      break;
    case toml::node_type::integer:
      value.data = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      value.data = node.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      value.data = node.as_boolean()->get();
      break;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      value.data = Date{};
      break;
    case toml::node_type::none:
      break;
  }
  return value;
}

}  // namespace

std::expected<Value, Problem> parse_toml(std::string_view text, const std::string& source) {
  try {
    const toml::table root = toml::parse(text);
    Value value;
    value.data = convert_table(root, source);
    value.place = Place{source, 1, 1};
    return value;
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        problem_at(place_of(error.source(), source), "", std::string(error.description())));
  }
}

}  // namespace millrace::config
