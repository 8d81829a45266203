// A parsed configuration file: a tree of values that know where they were written. The same for
// TOML and JSON.
//
// Both libraries' own trees are left behind here, so that everything above reads one kind of tree,
// with places for its messages. A key that is written twice in one table is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace millrace::config {

struct Place {
  std::string source;
  size_t line = 0;    // from 1; 0: unknown
  size_t column = 0;  // from 1, in bytes
};

struct Member;
struct Value;

using Array = std::vector<Value>;
using Table = std::vector<Member>;  // in the order of the text for JSON; of the names for TOML

struct Null {};
// A TOML date or time: no key takes one.
struct Date {};

struct Value {
  std::variant<Null, bool, int64_t, double, std::string, Date, Array, Table> data;
  Place place;
  // Text from the environment, a flag or a ${...} reference: its type is what its key wants.
  bool untyped = false;
  bool from_reference = false;  // holds what a ${...} stood for, perhaps a secret: not to be shown

  const std::string* string() const { return std::get_if<std::string>(&data); }
  const Array* array() const { return std::get_if<Array>(&data); }
  const Table* table() const { return std::get_if<Table>(&data); }
};

struct Member {
  std::string name;
  Place place;
  Value value;
};

inline constexpr size_t kFileBytesMax = 4UL * 1024 * 1024;
inline constexpr int kDepthMax = 64;

Problem problem_at(const Place& place, std::string key, std::string message);

// "a string", "a table", …: for messages.
std::string_view kind_name(const Value& value);

// The root is always a table. `source` is how messages call the text.
std::expected<Value, Problem> parse_toml(std::string_view text, const std::string& source);
std::expected<Value, Problem> parse_json(std::string_view text, const std::string& source);
// As parse_json, but the root may be an array, too.
std::expected<Value, Problem> parse_json_value(std::string_view text, const std::string& source);

// Reads a file and parses it by the ending of its name, .toml or .json.
std::expected<Value, Problem> read_document(const std::string& path);

}  // namespace millrace::config
