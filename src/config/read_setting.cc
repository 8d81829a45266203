// From a value in a document, or text from outside it, to what a key's member holds.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>

#include "config/document.h"
#include "config/draft.h"
#include "config/duration.h"
#include "config/suggest.h"

namespace millrace::config {
namespace {

using Read = std::expected<Setting, std::string>;

std::string_view wanted(Type type) {
  switch (type) {
    case Type::kBoolean:
      return "true or false";
    case Type::kInteger:
      return "an integer";
    case Type::kDuration:
      return "a duration such as \"25s\" or \"1h30m\"";
    case Type::kString:
    case Type::kChoice:
      return "a string";
    case Type::kStringList:
      return "a list of strings";
    case Type::kTableList:
      return "a list of tables";
  }
  return "";
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  out += text;
  return out + "\"";
}

// What `value` is, in words; the text of what may be a secret stays out of them.
std::string got(const Value& value, bool secret) {
  const std::string* text = value.string();
  if (text == nullptr) return std::string(kind_name(value));
  return secret || value.from_reference ? "a string" : in_quotes(*text);
}

Read mismatch(Type type, const Value& value, bool secret) {
  return std::unexpected("expects " + std::string(wanted(type)) + ", got " + got(value, secret));
}

std::optional<bool> parse_boolean(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string number_text(Type type, int64_t number) {
  return type == Type::kDuration ? format_duration(Milliseconds{number}) : std::to_string(number);
}

// `number` if it is within the key's range.
Read in_range(Type type, int64_t number, int64_t min, int64_t max) {
  if (number < min || number > max) {
    const bool open = max == std::numeric_limits<int64_t>::max();
    std::string message =
        open ? "must be at least " + number_text(type, min)
             : "must be between " + number_text(type, min) + " and " + number_text(type, max);
    return std::unexpected(message + ", got " + number_text(type, number));
  }
  if (type == Type::kDuration) return Milliseconds{number};
  return number;
}

Read read_choice(std::span<const std::string_view> choices, const Value& value) {
  const std::string& text = *value.string();
  if (std::ranges::find(choices, text) != choices.end()) return text;
  std::vector<std::string> names;
  std::string list;
  for (const std::string_view choice : choices) {
    names.emplace_back(choice);
    list += (list.empty() ? "" : ", ") + in_quotes(choice);
  }
  return std::unexpected((names.size() == 1 ? "must be " : "must be one of ") + list + ", got " +
                         got(value, false) + did_you_mean(text, names));
}

// Words between blanks.
Read read_words(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Read read_list(const Value& value, bool secret) {
  if (const std::string* text = value.string(); text != nullptr && value.untyped) {
    if (!text->starts_with('[')) return read_words(*text);
    const auto json = parse_json_value(*text, "");
    if (!json) return std::unexpected("is not valid JSON: " + json.error().message);
    return read_list(*json, secret);
  }
  const Array* array = value.array();
  if (array == nullptr) return mismatch(Type::kStringList, value, secret);
  std::vector<std::string> items;
  for (const Value& item : *array) {
    if (item.string() == nullptr) {
      return std::unexpected("expects a list of strings, got " + std::string(kind_name(item)) +
                             " in it");
    }
    items.push_back(*item.string());
  }
  return items;
}

}  // namespace

template <class Owner>
Read read_setting(const Key<Owner>& key, const Value& value) {
  const std::string* text = value.string();
  switch (key.type) {
    case Type::kBoolean: {
      if (const bool* flag = std::get_if<bool>(&value.data)) return *flag;
      if (text == nullptr || !value.untyped) break;
      if (const std::optional<bool> flag = parse_boolean(*text)) return *flag;
      break;
    }
    case Type::kInteger: {
      if (const int64_t* number = std::get_if<int64_t>(&value.data)) {
        return in_range(key.type, *number, key.min, key.max);
      }
      if (text == nullptr || (!value.untyped && !key.takes_digits)) break;
      if (key.takes_digits && text->empty()) return int64_t{0};
      if (const std::optional<int64_t> number = parse_integer(*text)) {
        return in_range(key.type, *number, key.min, key.max);
      }
      break;
    }
    case Type::kDuration: {
      if (text == nullptr) break;
      if (const std::optional<Milliseconds> duration = parse_duration(*text)) {
        return in_range(key.type, duration->count(), key.min, key.max);
      }
      break;
    }
    case Type::kString:
      if (text == nullptr) break;
      return *text;
    case Type::kChoice:
      if (text == nullptr) break;
      return read_choice(key.choices, value);
    case Type::kStringList:
      return read_list(value, key.is_secret);
    case Type::kTableList:
      break;  // read_tables()
  }
  return mismatch(key.type, value, key.is_secret);
}

template Read read_setting(const Key<Config>& key, const Value& value);
template Read read_setting(const Key<ChannelOptions>& key, const Value& value);

}  // namespace millrace::config
