// The table of every key: what a configuration may say, where the value goes, and the sentence that
// documents it.
//
// One table serves the file, the environment, the flags, the comparison for reloading, and
// docs/configuration.md, so that none of them can differ. The options of a namespace have a table
// of their own, for channel.without_namespace and for each of channel.namespaces. A third one names
// the keys of Centrifugo v6 that Millrace has no use for.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/config.h"

namespace millrace::config {

enum class Type : uint8_t {
  kBoolean,
  kInteger,
  kDuration,
  kString,
  kChoice,
  kStringList,
  kTableList
};

// What each table of a list of tables may hold.
struct Column {
  std::string_view path;      // "to.code": `code` in the table `to`
  Type type = Type::kString;  // kBoolean, kInteger or kString; left out: false, 0 or ""
  int64_t min = 0;            // integers
  int64_t max = std::numeric_limits<int64_t>::max();  // integers, and bytes of strings
  bool is_required = false;
  bool is_unique = false;  // no two tables of a list have the same
  bool is_ascii = false;   // a string of printable ASCII and blanks
};

// One of the tables: for each column its path and its value.
using Cell = std::variant<bool, int64_t, std::string>;
using Row = std::vector<std::pair<std::string_view, Cell>>;

// A key's value, whatever its member's own type. A choice is its name.
using Setting = std::variant<bool, int64_t, Milliseconds, std::string, std::vector<std::string>,
                             std::vector<Row>>;

template <class Owner>
struct Key {
  std::string path;       // "client.ping_interval"; of a namespace's options without the namespace
  std::string_view text;  // what it does, for people
  Type type = Type::kString;
  Setting (*get)(const Owner& owner) = nullptr;
  // `setting` is of the type's kind, within the range, and one of the choices.
  void (*set)(Owner& owner, const Setting& setting) = nullptr;
  int64_t min = 0;  // integers, and durations in milliseconds
  int64_t max = std::numeric_limits<int64_t>::max();
  std::vector<std::string_view> choices;
  std::span<const Column> columns;  // of a list of tables
  bool is_ours = false;             // not one of Centrifugo's
  bool is_secret = false;           // its value is never shown
  bool is_live = false;             // a running server takes a change over
  bool is_later = false;            // read and checked, but this version does not act on it
  bool takes_digits = false;  // an integer that may be written as a string, as Centrifugo has it

  Key& ours() { return is_ours = true, *this; }
  Key& secret() { return is_secret = true, *this; }
  Key& live() { return is_live = true, *this; }
  Key& later() { return is_later = true, *this; }
  Key& digits() { return takes_digits = true, *this; }
  Key& range(int64_t from, int64_t to) { return min = from, max = to, *this; }
  Key& range(Milliseconds from, Milliseconds to) {
    return range(int64_t{from.count()}, int64_t{to.count()});
  }
};

const std::vector<Key<Config>>& config_keys();
const std::vector<Key<ChannelOptions>>& channel_keys();
// Appends the part of config_keys() that is about transports (keys_transport.cc).
void add_transport_keys(std::vector<Key<Config>>& keys);
// And that about the application's backend (keys_proxy.cc).
void add_proxy_keys(std::vector<Key<Config>>& keys);

// A key of Centrifugo v6 that does nothing here.
struct ForeignKey {
  std::string_view path;      // "sse.enabled"; one that ends in ".*" stands for everything below
  std::string_view off = "";  // besides false, 0, "" and []: the value that asks for nothing, so
                              // that it needs no warning
  bool refused = false;       // to ignore it would be unsafe: an error rather than a warning
};

std::span<const ForeignKey> foreign_keys();
std::span<const ForeignKey> foreign_channel_keys();
// The entry that stands for `path`, or null.
const ForeignKey* find_foreign(std::span<const ForeignKey> keys, std::string_view path);

// "client" and "client.token" are groups: they hold keys, and have no value of their own.
bool is_group(std::string_view path);

// MILLRACE_CLIENT_PING_INTERVAL
std::string variable_name(std::string_view path);

// As a value is written in TOML: "25s" in quotes, true, 128, ["a", "b"].
std::string toml_text(const Setting& setting);
std::string_view type_name(Type type);

inline constexpr std::string_view kVariablePrefix = "MILLRACE_";
inline constexpr std::string_view kReferencePrefix = "MILLRACE_VAR_";
inline constexpr std::string_view kWithoutNamespace = "channel.without_namespace";
inline constexpr std::string_view kNamespaces = "channel.namespaces";

}  // namespace millrace::config
