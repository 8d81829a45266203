// Putting the sources together, in order: file, environment, flags. And telling two configurations
// apart.
#include <algorithm>
#include <tuple>
#include <utility>

#include "config/config.h"
#include "config/document.h"
#include "config/draft.h"

namespace millrace::config {
namespace {

void apply_file(Draft& draft, const std::string& path, const Variables& variables) {
  std::expected<Value, Problem> root = read_document(path);
  if (!root) {
    draft.errors.push_back(std::move(root.error()));
    return;
  }
  expand_references(draft, *root, variables);
  apply_group(draft, "", *root);
}

void apply_flags(Draft& draft, const std::vector<Flag>& flags) {
  for (const Flag& flag : flags) {
    const auto key = std::ranges::find(config_keys(), flag.key, &Key<Config>::path);
    Value value;
    value.data = flag.value;
    value.place = Place{"flag " + flag.name, 0, 0};
    value.untyped = true;
    if (key == config_keys().end()) {
      draft.error(value.place, flag.key, "unknown key");
    } else {
      apply_value(draft, *key, draft.config, flag.key, value);
    }
  }
}

void apply_dev(Draft& draft) {
  Config& config = draft.config;
  config.dev = true;
  config.client.insecure = true;
  // Who wrote down which pages may connect means it, on a laptop too.
  if (!draft.places.contains("client.allowed_origins")) config.client.allowed_origins = {"*"};
  const auto turn_on = [&](bool& enabled, std::string_view key) {
    if (!draft.places.contains(key)) enabled = true;
  };
  turn_on(config.uni_websocket.enabled, "uni_websocket.enabled");
  turn_on(config.uni_sse.enabled, "uni_sse.enabled");
  turn_on(config.uni_http_stream.enabled, "uni_http_stream.enabled");
}

void resolve_data_formats(Channel& channel) {
  const auto resolve = [&](ChannelOptions& options) {
    if (options.publication_data_format == DataFormat::kAny) {
      options.publication_data_format = channel.publication_data_format;
    }
  };
  resolve(channel.without_namespace);
  for (Namespace& space : channel.namespaces) resolve(space.options);
}

// In the order of the text, and nothing twice: an option that two sources set may be warned about
// by both.
void sort_problems(std::vector<Problem>& problems) {
  const auto place = [](const Problem& problem) {
    return std::tie(problem.source, problem.line, problem.column, problem.key, problem.message);
  };
  std::ranges::sort(problems, {}, place);
  const auto again = std::ranges::unique(problems, {}, place);
  problems.erase(again.begin(), again.end());
}

class Comparison {
 public:
  template <class Owner>
  void compare(const std::vector<Key<Owner>>& keys, const std::string& prefix, const Owner& a,
               const Owner& b) {
    for (const auto& key : keys) {
      if (key.get(a) != key.get(b))
        (key.is_live ? result.live : result.needs_restart).push_back(prefix + key.path);
    }
  }

  Difference result;
};

}  // namespace

std::string to_string(const Problem& problem, std::string_view kind) {
  std::string out = problem.source;
  if (problem.line != 0)
    out += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
  if (!out.empty()) out += ": ";
  out += kind;
  out += ": ";
  if (!problem.key.empty()) out += problem.key + ": ";
  return out + problem.message;
}

std::expected<Loaded, Refused> load(const Sources& sources) {
  Draft draft;
  const Variables variables(sources.environment.begin(), sources.environment.end());
  if (!sources.file.empty()) apply_file(draft, sources.file, variables);
  apply_environment(draft, variables);
  apply_flags(draft, sources.flags);
  if (sources.dev) apply_dev(draft);
  // A file that could not be read says nothing about what it would have set.
  const bool unreadable = !draft.errors.empty() && draft.errors.front().key.empty();
  if (!unreadable) validate(draft);
  resolve_data_formats(draft.config.channel);
  sort_problems(draft.errors);
  sort_problems(draft.warnings);
  if (!draft.errors.empty())
    return std::unexpected(Refused{std::move(draft.errors), std::move(draft.warnings)});
  return Loaded{std::move(draft.config), std::move(draft.warnings)};
}

Difference reloadable_difference(const Config& running, const Config& loaded) {
  Comparison comparison;
  comparison.compare(config_keys(), "", running, loaded);
  comparison.compare(channel_keys(), std::string(kWithoutNamespace) + ".",
                     running.channel.without_namespace, loaded.channel.without_namespace);
  const auto& before = running.channel.namespaces;
  const auto& after = loaded.channel.namespaces;
  if (!std::ranges::equal(before, after, {}, &Namespace::name, &Namespace::name)) {
    comparison.result.needs_restart.emplace_back(kNamespaces);
  }
  for (const Namespace& space : before) {
    const auto same = std::ranges::find(after, space.name, &Namespace::name);
    if (same == after.end()) continue;
    comparison.compare(channel_keys(), namespace_prefix(space.name), space.options, same->options);
  }
  return std::move(comparison.result);
}

}  // namespace millrace::config
