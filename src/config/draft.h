// A configuration while it is being put together: the values so far, who set each, and everything
// that is wrong with it.
//
// load() makes one, lets the file, the environment and the flags write into it in that order, and
// has it checked.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/keys.h"

namespace millrace::config {

struct Draft {
  Config config;
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
  std::map<std::string, Place, std::less<>> places;  // of the keys that somebody set
  std::set<std::string, std::less<>>
      failed;  // keys whose value was refused: not to be complained about twice

  void error(const Place& place, std::string key, std::string message);
  void warn(const Place& place, std::string key, std::string message);
  // Where `key` was set, or the nearest group around it; a place without a source if it has its
  // default.
  Place place_of(std::string_view key) const;
};

// "channel.namespaces[chat].": what stands before the options of a namespace in messages.
std::string namespace_prefix(std::string_view name);

// Puts a whole tree (a file, or a JSON object from the environment) into the draft, below `group`
// ("": the root).
void apply_group(Draft& draft, std::string_view group, const Value& value);

// Puts one value of a known key into the draft. `full_key` is the key as messages name it.
template <class Owner>
void apply_value(Draft& draft, const Key<Owner>& key, Owner& owner, const std::string& full_key,
                 const Value& value);

// The list of namespaces: tables, or, untyped, JSON or names with blanks between them. Names that
// are there keep their options.
void apply_namespaces(Draft& draft, const Value& value);

// A key that only Centrifugo has: a warning or an error if it asks for something.
void apply_foreign(Draft& draft, const ForeignKey& key, const std::string& full_key,
                   const Value& value);

// What `value` means to `key`, or why it means nothing.
template <class Owner>
std::expected<Setting, std::string> read_setting(const Key<Owner>& key, const Value& value);

// A list of tables as the columns say, untyped text being JSON; or nullopt, and every mistake in it
// is told, each with its place. That of the table i is kept as the place of "<full_key>[i]".
std::optional<std::vector<Row>> read_tables(Draft& draft, std::span<const Column> columns,
                                            const std::string& full_key, const Value& value);

// Variables that ${MILLRACE_VAR_X} refers to.
using Variables = std::map<std::string, std::string, std::less<>>;

// Replaces the references in every string of `value`.
void expand_references(Draft& draft, Value& value, const Variables& variables);

// environment.cc: writes all MILLRACE_ variables into the draft.
void apply_environment(Draft& draft, const Variables& variables);

// validate.cc: what one value alone can't show.
void validate(Draft& draft);

}  // namespace millrace::config
