// Writing a tree of values into a draft: which key each belongs to, and what to say of those that
// belong to none.
#include <algorithm>
#include <sstream>
#include <utility>

#include "config/draft.h"
#include "config/suggest.h"

namespace millrace::config {
namespace {

// Every name that a key may have, for "did you mean"; patterns stand for no name.
template <class Owner>
std::vector<std::string> names_of(const std::vector<Key<Owner>>& keys,
                                  std::span<const ForeignKey> foreign) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.path);
  for (const ForeignKey& key : foreign) {
    if (!key.path.ends_with(".*")) names.emplace_back(key.path);
  }
  return names;
}

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names = names_of(config_keys(), foreign_keys());
    names.emplace_back(kNamespaces);
    for (const auto& key : channel_keys())
      names.push_back(std::string(kWithoutNamespace) + "." + key.path);
    return names;
  }();
  return kNames;
}

const std::vector<std::string>& known_option_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names = names_of(channel_keys(), foreign_channel_keys());
    names.emplace_back("name");
    return names;
  }();
  return kNames;
}

template <class Owner>
const Key<Owner>* find_key(const std::vector<Key<Owner>>& keys, std::string_view path) {
  const auto found = std::ranges::find(keys, path, &Key<Owner>::path);
  return found == keys.end() ? nullptr : &*found;
}

std::string joined(std::string_view group, std::string_view name) {
  return group.empty() ? std::string(name) : std::string(group) + "." + std::string(name);
}

// The leaves below a table that only Centrifugo knows; each is judged for itself.
void apply_foreign_table(Draft& draft, std::span<const ForeignKey> keys, const std::string& path,
                         const std::string& full_key, const Value& value) {
  if (value.table() != nullptr) {
    for (const Member& member : *value.table()) {
      apply_foreign_table(draft, keys, joined(path, member.name), joined(full_key, member.name),
                          member.value);
    }
    return;
  }
  if (const ForeignKey* key = find_foreign(keys, path)) apply_foreign(draft, *key, full_key, value);
}

// Options of a namespace; `prefix` is what stands before their names in messages.
void apply_options(Draft& draft, ChannelOptions& options, const std::string& prefix,
                   const Value& value) {
  for (const Member& member : *value.table()) {
    const std::string full_key = prefix + member.name;
    if (const auto* key = find_key(channel_keys(), member.name)) {
      apply_value(draft, *key, options, full_key, member.value);
    } else if (find_foreign(foreign_channel_keys(), member.name) != nullptr ||
               find_foreign(foreign_channel_keys(), member.name + ".") != nullptr) {
      apply_foreign_table(draft, foreign_channel_keys(), member.name, full_key, member.value);
    } else {
      draft.error(
          member.place, full_key,
          "unknown option of a namespace" + did_you_mean(member.name, known_option_names()));
    }
  }
}

void apply_member(Draft& draft, const std::string& path, const Member& member) {
  if (path == kNamespaces) return apply_namespaces(draft, member.value);
  if (const auto* key = find_key(config_keys(), path)) {
    return apply_value(draft, *key, draft.config, path, member.value);
  }
  if (path == "dev") {
    return draft.error(member.place, path, "is a flag only: start with --dev");
  }
  if (is_group(path)) {
    if (member.value.table() == nullptr) {
      return draft.error(member.value.place, path,
                         "expects a table, got " + std::string(kind_name(member.value)));
    }
    return apply_group(draft, path, member.value);
  }
  if (find_foreign(foreign_keys(), path) != nullptr) {
    return apply_foreign_table(draft, foreign_keys(), path, path, member.value);
  }
  draft.error(member.place, path, "unknown key" + did_you_mean(path, known_names(), "._"));
}

// The name of one element of channel.namespaces, or nullopt if it has none that is a string (said
// already).
std::optional<std::string> take_name(Draft& draft, const std::string& where, const Value& element) {
  if (element.table() == nullptr) {
    draft.error(element.place, where, "expects a table, got " + std::string(kind_name(element)));
    return std::nullopt;
  }
  const auto name = std::ranges::find(*element.table(), "name", &Member::name);
  if (name == element.table()->end()) {
    draft.error(element.place, where, "a namespace needs a name");
    return std::nullopt;
  }
  if (name->value.string() == nullptr) {
    draft.error(name->value.place, where + ".name",
                "expects a string, got " + std::string(kind_name(name->value)));
    return std::nullopt;
  }
  return *name->value.string();
}

void apply_namespace(Draft& draft, size_t index, const Value& element) {
  const std::string where = std::string(kNamespaces) + "[" + std::to_string(index) + "]";
  std::optional<std::string> name = take_name(draft, where, element);
  if (!name) {
    draft.failed.emplace(kNamespaces);
    return;
  }
  Value options = element;
  auto& members = std::get<Table>(options.data);
  std::erase_if(members, [](const Member& member) { return member.name == "name"; });
  const std::string prefix = namespace_prefix(*name);
  draft.places[prefix + "name"] = element.place;
  draft.config.channel.namespaces.push_back(Namespace{std::move(*name), {}});
  apply_options(draft, draft.config.channel.namespaces.back().options, prefix, options);
}

void apply_namespace_names(Draft& draft, const Value& value) {
  std::vector<Namespace> named;
  std::istringstream in(*value.string());
  for (std::string name; in >> name;) {
    const auto there = std::ranges::find(draft.config.channel.namespaces, name, &Namespace::name);
    const bool is_there = there != draft.config.channel.namespaces.end();
    named.push_back(is_there ? *there : Namespace{name, {}});
    draft.places[namespace_prefix(name) + "name"] = value.place;
  }
  draft.config.channel.namespaces = std::move(named);
}

}  // namespace

std::string namespace_prefix(std::string_view name) {
  return std::string(kNamespaces) + "[" + std::string(name) + "].";
}

void apply_group(Draft& draft, std::string_view group, const Value& value) {
  draft.places[std::string(group)] = value.place;
  if (group == kWithoutNamespace) {
    return apply_options(draft, draft.config.channel.without_namespace, std::string(group) + ".",
                         value);
  }
  for (const Member& member : *value.table())
    apply_member(draft, joined(group, member.name), member);
}

template <class Owner>
void apply_value(Draft& draft, const Key<Owner>& key, Owner& owner, const std::string& full_key,
                 const Value& value) {
  std::expected<Setting, std::string> setting;
  if (key.type == Type::kTableList) {
    auto rows = read_tables(draft, key.columns, full_key, value);
    if (!rows) {
      draft.failed.insert(full_key);
      return;
    }
    setting = std::move(*rows);
  } else {
    setting = read_setting(key, value);
  }
  if (!setting) {
    draft.failed.insert(full_key);
    return draft.error(value.place, full_key, std::move(setting.error()));
  }
  draft.failed.erase(full_key);
  draft.places[full_key] = value.place;
  const bool changes = *setting != key.get(owner);
  key.set(owner, *setting);
  if (key.is_later && changes) draft.warn(value.place, full_key, "has no effect in this version");
}

template void apply_value(Draft&, const Key<Config>&, Config&, const std::string&, const Value&);
template void apply_value(Draft&, const Key<ChannelOptions>&, ChannelOptions&, const std::string&,
                          const Value&);

void apply_foreign(Draft& draft, const ForeignKey& key, const std::string& full_key,
                   const Value& value) {
  const std::string* text = value.string();
  const auto* flag = std::get_if<bool>(&value.data);
  const auto* number = std::get_if<int64_t>(&value.data);
  std::string written = text != nullptr ? *text : flag != nullptr ? (*flag ? "true" : "false") : "";
  if (number != nullptr) written = std::to_string(*number);
  const bool scalar = text != nullptr || flag != nullptr || number != nullptr;
  const bool empty_list = value.array() != nullptr && value.array()->empty();
  const bool nothing = written.empty() || written == "false" || written == "0" || written == "0s" ||
                       written == "[]" || written == "{}";
  if (empty_list || (scalar && (nothing || (!key.off.empty() && written == key.off)))) return;
  if (key.refused) {
    draft.error(value.place, full_key,
                "is not supported by Millrace, and ignoring it would not be safe");
  } else {
    draft.warn(value.place, full_key,
               "is a key of Centrifugo that Millrace does not support; it has no effect");
  }
}

void apply_namespaces(Draft& draft, const Value& value) {
  draft.places[std::string(kNamespaces)] = value.place;
  const Value* list = &value;
  std::expected<Value, Problem> json;
  if (const std::string* text = value.string(); text != nullptr && value.untyped) {
    if (!text->starts_with('[')) return apply_namespace_names(draft, value);
    json = parse_json_value(*text, value.place.source);
    if (!json)
      return draft.error(value.place, std::string(kNamespaces),
                         "is not valid JSON: " + json.error().message);
    list = &*json;
  }
  if (list->array() == nullptr) {
    return draft.error(value.place, std::string(kNamespaces),
                       "expects a list of tables, got " + std::string(kind_name(value)));
  }
  draft.config.channel.namespaces.clear();
  for (size_t i = 0; i < list->array()->size(); ++i) apply_namespace(draft, i, (*list->array())[i]);
}

}  // namespace millrace::config
