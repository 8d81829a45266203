// MILLRACE_ variables: which key each one sets.
//
//   MILLRACE_CLIENT_PING_INTERVAL=10s                    a key; a list is words between blanks, or
//   JSON MILLRACE_CLIENT='{"ping_interval": "10s"}'           a group, as a JSON object; single
//   keys go over it MILLRACE_CHANNEL_NAMESPACES="chat news"              names, or a JSON list of
//   objects MILLRACE_CHANNEL_NAMESPACES_CHAT_HISTORY_SIZE=10     an option of a namespace, declared
//   here or in the file MILLRACE_VAR_ANYTHING=...                            no key; for
//   ${MILLRACE_VAR_ANYTHING} in other values
#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "config/draft.h"
#include "config/suggest.h"

namespace millrace::config {
namespace {

constexpr std::string_view kEnvironment = "environment";

Place variable_place(const std::string& variable) {
  return Place{"environment variable " + variable, 0, 0};
}

Value variable_value(Draft& draft, const std::string& variable, const std::string& text,
                     const Variables& variables) {
  Value value;
  value.data = text;
  value.place = variable_place(variable);
  value.untyped = true;
  expand_references(draft, value, variables);
  return value;
}

// Kubernetes describes a service named millrace to every container near it, in variables that look
// like ours.
bool is_from_kubernetes(std::string_view name, std::string_view value) {
  name.remove_prefix(kVariablePrefix.size());
  if (name == "SERVICE_HOST" || name == "SERVICE_PORT" || name.starts_with("SERVICE_PORT_"))
    return true;
  if (name == "PORT") return value.starts_with("tcp://") || value.starts_with("udp://");
  return name.starts_with("PORT_") && name.size() > 5 &&
         std::isdigit(static_cast<unsigned char>(name[5])) != 0;
}

// Every group that holds keys, outermost first, so that an object for an inner one goes over an
// outer one's.
std::vector<std::string> groups() {
  std::set<std::string> names = {std::string(kWithoutNamespace)};
  const auto add = [&](std::string_view path) {
    for (size_t dot = path.find('.'); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
      names.emplace(path.substr(0, dot));
    }
  };
  for (const auto& key : config_keys()) add(key.path);
  std::vector<std::string> sorted(names.begin(), names.end());
  std::ranges::sort(sorted, {}, [](const std::string& name) {
    return std::pair(std::ranges::count(name, '.'), name);
  });
  return sorted;
}

// Works through the variables, and notes which of them it understood.
class EnvironmentReader {
 public:
  EnvironmentReader(Draft& draft, const Variables& variables)
      : draft_(draft), variables_(variables) {
    for (const auto& [name, text] : variables) {
      if (name.starts_with(kVariablePrefix) && !name.starts_with(kReferencePrefix))
        unread_.insert(name);
    }
  }

  void read() {
    read_groups();
    if (std::optional<Value> value = take(variable_name(kNamespaces)))
      apply_namespaces(draft_, *value);
    read_keys(config_keys(), draft_.config, "", "");
    read_keys(channel_keys(), draft_.config.channel.without_namespace,
              std::string(kWithoutNamespace) + ".", std::string(kWithoutNamespace) + ".");
    read_namespaces();
    read_foreign(foreign_keys(), "", "");
    read_foreign(foreign_channel_keys(), std::string(kWithoutNamespace) + ".",
                 std::string(kWithoutNamespace) + ".");
    refuse_rest();
  }

 private:
  std::optional<Value> take(const std::string& variable) {
    if (unread_.erase(variable) == 0) return std::nullopt;
    return variable_value(draft_, variable, variables_.find(variable)->second, variables_);
  }

  void read_groups() {
    for (const std::string& group : groups()) {
      const std::optional<Value> value = take(variable_name(group));
      if (!value) continue;
      auto json = parse_json(*value->string(), value->place.source);
      if (!json) {
        draft_.error(value->place, group, "expects a JSON object: " + json.error().message);
        continue;
      }
      apply_group(draft_, group, *json);
    }
  }

  // `path` is the group as variables spell it, `full` as messages do.
  template <class Owner>
  void read_keys(const std::vector<Key<Owner>>& keys, Owner& owner, const std::string& path,
                 const std::string& full) {
    for (const auto& key : keys) {
      const std::optional<Value> value = take(variable_name(path + key.path));
      if (value) apply_value(draft_, key, owner, full + key.path, *value);
    }
  }

  void read_namespaces() {
    for (Namespace& space : draft_.config.channel.namespaces) {
      const std::string path = std::string(kNamespaces) + "." + space.name + ".";
      for (const Namespace& other : draft_.config.channel.namespaces) {
        if (&other == &space || variable_name(other.name) != variable_name(space.name)) continue;
        refuse_ambiguous(variable_name(path), space.name, other.name);
      }
      read_keys(channel_keys(), space.options, path, namespace_prefix(space.name));
      read_foreign(foreign_channel_keys(), path, namespace_prefix(space.name));
    }
  }

  // "a.b" and "a-b" have the same variables, so that neither can be meant.
  void refuse_ambiguous(const std::string& prefix, const std::string& name,
                        const std::string& other) {
    std::erase_if(unread_, [&](const std::string& variable) {
      if (!variable.starts_with(prefix)) return false;
      draft_.error(Place{std::string(kEnvironment), 0, 0}, variable,
                   "may mean the namespace " + name + " or " + other + "; set it in the file");
      return true;
    });
  }

  void read_foreign(std::span<const ForeignKey> keys, const std::string& path,
                    const std::string& full) {
    for (const ForeignKey& key : keys) {
      const bool pattern = key.path.ends_with(".*");
      const std::string_view stem = pattern ? key.path.substr(0, key.path.size() - 1) : key.path;
      const std::string name = variable_name(path + std::string(stem));
      const std::set<std::string> unread = unread_;
      for (const std::string& variable : unread) {
        if (pattern ? !variable.starts_with(name) : variable != name) continue;
        const std::optional<Value> value = take(variable);
        apply_foreign(draft_, key, full + std::string(key.path), *value);
      }
    }
  }

  std::vector<std::string> known_paths() const {
    std::vector<std::string> paths = {std::string(kNamespaces)};
    for (const auto& key : config_keys()) paths.push_back(key.path);
    for (const auto& key : channel_keys()) {
      paths.push_back(std::string(kWithoutNamespace) + "." + key.path);
      for (const Namespace& space : draft_.config.channel.namespaces) {
        paths.push_back(std::string(kNamespaces) + "." + space.name + "." + key.path);
      }
    }
    return paths;
  }

  // Compares keys rather than variables: they tell where a part ends.
  static std::string did_you_mean_variable(const std::string& variable,
                                           std::span<const std::string> paths) {
    std::string word = variable.substr(kVariablePrefix.size());
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string path = nearest(word, paths, "._-");
    return path.empty() ? "" : ", did you mean " + variable_name(path) + "?";
  }

  void refuse_rest() {
    if (unread_.empty()) return;
    const Place environment{std::string(kEnvironment), 0, 0};
    const std::vector<std::string> known = known_paths();
    for (const std::string& variable : unread_) {
      if (is_from_kubernetes(variable, variables_.find(variable)->second)) {
        draft_.warn(environment, variable,
                    "is what Kubernetes says of a service named millrace; it has no effect");
      } else if (variable == variable_name("dev")) {
        draft_.error(environment, variable, "is a flag only: start with --dev");
      } else if (variable.starts_with(variable_name(kNamespaces) + "_")) {
        draft_.error(
            environment, variable,
            "no namespace or no option of that name" + did_you_mean_variable(variable, known));
      } else {
        draft_.error(environment, variable,
                     "unknown variable" + did_you_mean_variable(variable, known));
      }
    }
  }

  Draft& draft_;
  const Variables& variables_;
  std::set<std::string> unread_;
};

}  // namespace

void apply_environment(Draft& draft, const Variables& variables) {
  EnvironmentReader(draft, variables).read();
}

}  // namespace millrace::config
