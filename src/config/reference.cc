// Texts made from the key tables: docs/configuration.md, and the file that `millrace genconfig`
// prints.
#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/keys.h"

namespace millrace::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made by `millrace configdoc` from src/config/keys*.cc: change those, and run it again. -->

Millrace reads one file, then the environment, then its flags; later ones win. `millrace
check-config` tells every mistake with its place, `millrace genconfig` prints a file to start from,
and `millrace --help` lists the flags.

- **File.** `--config FILE`, or the first of `millrace.toml`, `config.toml`, `config.json` in the
  working directory. TOML and JSON hold the same tree: the key `client.ping_interval` is
  `ping_interval` in the table `client`.
- **Environment.** `MILLRACE_` and the key in capitals, with `_` for each dot:
  `MILLRACE_CLIENT_PING_INTERVAL=10s`. A list is words between blanks, or JSON; a whole group may be
  given as a JSON object. `MILLRACE_CHANNEL_NAMESPACES="chat news"` declares namespaces (those that
  the file has keep their options, others of the file are left out), and
  `MILLRACE_CHANNEL_NAMESPACES_CHAT_HISTORY_SIZE=10` sets an option of one (`.` and `-` in its name
  become `_`).
- **References.** `"${MILLRACE_VAR_SECRET}"` in a string of the file or of a variable stands for
  that variable's value.
- **Types.** Durations are strings such as `"500ms"`, `"25s"`, `"1h30m"`. Sizes are bytes.
- **Mistakes.** An unknown key or variable, a value of the wrong type or out of range, and keys that
  don't go together are errors; the server does not start (exit status 2), and a running one keeps
  what it has.

Names, nesting and meaning are those of Centrifugo v6. Marks: **ours**: Centrifugo does not have it.
**live**: a running server takes a change over on SIGHUP; the others need a restart. **not yet**:
read and checked, but this version does not act on it, and says so at start.

`--dev` has no key: it sets `client.insecure`, and where nothing else was said,
`client.allowed_origins = ["*"]`; turns `uni_websocket`, `uni_sse` and `uni_http_stream` on
likewise, and serves the playground page. Without it nobody gets in until the configuration lets
them.
)";

constexpr std::string_view kOptionsText = R"(
## Options of a namespace

They stand in `channel.without_namespace`, for channels without a namespace, and in each element of
`channel.namespaces`, with the namespace's `name` (at least 2 of `a-z A-Z 0-9 _ . -`):

```toml
[channel.without_namespace]
allow_subscribe_for_client = true

[[channel.namespaces]]
name = "chat"
allow_publish_for_subscriber = true
```

)";

constexpr std::string_view kForeignText = R"(
## Keys of Centrifugo that do nothing here

They are named in a warning at start when they ask for something; those in bold are errors then,
because to ignore them would not be safe.

)";

std::string_view group_of(std::string_view path) {
  const size_t dot = path.find('.');
  return dot == std::string_view::npos ? "" : path.substr(0, dot);
}

// Text in which Markdown sees no emphasis.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '*' ? "\\*" : std::string(1, c);
  return out;
}

template <class Owner>
std::string marks(const Key<Owner>& key) {
  std::string out;
  const auto mark = [&](bool on, std::string_view text) {
    if (on) out += (out.empty() ? "" : ", ") + std::string(text);
  };
  mark(key.is_ours, "ours");
  mark(key.is_live, "live");
  mark(key.is_later, "not yet");
  return out.empty() ? out : " **" + out + "**";
}

template <class Owner>
std::string choices(const Key<Owner>& key) {
  std::string out;
  for (const std::string_view choice : key.choices) {
    out += (out.empty() ? " One of `\"" : ", `\"") + std::string(choice) + "\"`";
  }
  return out.empty() ? out : out + ".";
}

// From `min` to `max` as they are written, where they are bounds that somebody chose.
template <class Owner>
std::string range(const Key<Owner>& key) {
  if (key.type != Type::kInteger && key.type != Type::kDuration) return "";
  if (key.max == std::numeric_limits<int64_t>::max()) return "";
  const auto shown = [&](int64_t number) {
    return toml_text(key.type == Type::kDuration ? Setting(Milliseconds{number}) : Setting(number));
  };
  return " `" + shown(key.min) + "` to `" + shown(key.max) + "`.";
}

// What each table of a list holds.
template <class Owner>
std::string columns(const Key<Owner>& key) {
  std::string out;
  for (const Column& column : key.columns) {
    out += (out.empty() ? " Each has `" : ", `") + std::string(column.path) + "`";
    if (column.type == Type::kInteger)
      out += " (`" + std::to_string(column.min) + "` to `" + std::to_string(column.max) + "`)";
    if (column.type == Type::kString && column.max != std::numeric_limits<int64_t>::max())
      out += " (up to " + std::to_string(column.max) + " bytes)";
  }
  return out.empty() ? out : out + ".";
}

template <class Owner>
void append_row(std::string& out, const Key<Owner>& key, const Owner& defaults) {
  out += "| `" + key.path + "` | " + std::string(type_name(key.type)) + " | `" +
         toml_text(key.get(defaults)) + "` | " + escaped(key.text) + choices(key) + range(key) +
         columns(key) + marks(key) + " |\n";
}

constexpr std::string_view kTableHead = "| key | type | default | |\n|---|---|---|---|\n";

// Groups in the order in which the table names them first.
std::vector<std::string_view> table_groups() {
  std::vector<std::string_view> names;
  for (const auto& key : config_keys()) {
    if (std::ranges::find(names, group_of(key.path)) == names.end())
      names.push_back(group_of(key.path));
  }
  return names;
}

void append_foreign(std::string& out, std::span<const ForeignKey> keys, std::string_view lead) {
  out += lead;
  bool first = true;
  for (const ForeignKey& key : keys) {
    const std::string_view around = key.refused ? "**" : "";
    out += (first ? "" : ", ") + std::string(around) + "`" + std::string(key.path) + "`" +
           std::string(around);
    first = false;
  }
  out += ".\n";
}

// A key with its text, commented out.
template <class Owner>
void append_commented(std::string& out, const Key<Owner>& key, std::string_view name,
                      const Owner& defaults) {
  out += "\n# " + std::string(key.text) +
         (key.is_later ? " (Not yet: no effect in this version.)" : "") + "\n";
  out += "#" + std::string(name) + " = " + toml_text(key.get(defaults)) + "\n";
}

}  // namespace

std::string reference_text() {
  const Config defaults;
  std::string out(kIntroduction);
  for (const std::string_view group : table_groups()) {
    out += "\n## " + (group.empty() ? std::string("The process") : "`" + std::string(group) + "`") +
           "\n\n";
    out += kTableHead;
    for (const auto& key : config_keys()) {
      if (group_of(key.path) == group) append_row(out, key, defaults);
    }
    if (group == "channel")
      out += "| `channel.without_namespace`, `channel.namespaces` | | | See below. |\n";
  }
  out += kOptionsText;
  out += kTableHead;
  for (const auto& key : channel_keys()) append_row(out, key, ChannelOptions{});
  out += kForeignText;
  append_foreign(out, foreign_keys(), "");
  append_foreign(out, foreign_channel_keys(), "\nOf a namespace's options: ");
  return out;
}

std::string starting_file_text() {
  const Config defaults;
  std::string out =
      "# Configuration of Millrace. Every key is here, in a comment, with its default.\n"
      "# Check it with: millrace check-config -c FILE\n"
      "#\n"
      "# Nobody gets in until this file lets them: see client.token and\n"
      "# client.allow_anonymous_connect_without_token.\n";
  std::string table;
  for (const std::string_view group : table_groups()) {
    if (group.empty()) {
      for (const auto& key : config_keys()) {
        if (group_of(key.path).empty()) append_commented(out, key, key.path, defaults);
      }
    }
  }
  for (const std::string_view group : table_groups()) {
    if (group.empty()) continue;
    for (const auto& key : config_keys()) {
      if (group_of(key.path) != group) continue;
      const size_t dot = key.path.rfind('.');
      if (key.path.substr(0, dot) != table) {
        table = key.path.substr(0, dot);
        out += "\n[" + table + "]\n";
      }
      append_commented(out, key, std::string_view(key.path).substr(dot + 1), defaults);
    }
  }
  out += "\n# What channels without a namespace can do.\n[channel.without_namespace]\n";
  for (const auto& key : channel_keys()) append_commented(out, key, key.path, ChannelOptions{});
  out +=
      "\n# Channels such as \"chat:room\", with the same options as above.\n"
      "#[[channel.namespaces]]\n"
      "#name = \"chat\"\n"
      "#allow_subscribe_for_client = true\n"
      "#allow_publish_for_subscriber = true\n";
  return out;
}

}  // namespace millrace::config
