// JSON by simdjson's on-demand front end, which tells where in the text it stands. Every value is
// visited, so everything is validated; what on-demand leaves to its caller (text after the root,
// duplicate keys, depth) is checked here.
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "config/document.h"

namespace millrace::config {
namespace {

namespace ondemand = simdjson::ondemand;

class JsonReader {
 public:
  JsonReader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  std::expected<Value, Problem> read();

 private:
  using Read = std::expected<Value, Problem>;

  Read read_value(ondemand::value in, int depth);
  Read read_array(ondemand::array array, Value value, int depth);
  Read read_object(ondemand::object object, Value value, int depth);
  Read read_number(ondemand::value in, Value value);

  Place place_at(const char* at);
  std::string_view text() const { return {text_.data(), text_.size()}; }
  std::unexpected<Problem> fail(const Place& place, std::string message) const {
    return std::unexpected(problem_at(place, "", std::move(message)));
  }
  // An error of the library, at the place where the reader stands.
  std::unexpected<Problem> syntax_error(simdjson::error_code error);

  simdjson::padded_string text_;
  const std::string& source_;
  ondemand::parser parser_;
  ondemand::document document_;
  // Where the line of the last place begins, and its number: places are asked for in the order of
  // the text.
  size_t line_start_ = 0;
  size_t line_ = 1;
};

Place JsonReader::place_at(const char* at) {
  const size_t offset = std::min(static_cast<size_t>(at - text().data()), text().size());
  if (offset < line_start_) {
    line_start_ = 0;
    line_ = 1;
  }
  for (;;) {
    const size_t newline = text().find('\n', line_start_);
    if (newline >= offset) break;  // npos is, too
    line_start_ = newline + 1;
    ++line_;
  }
  return Place{source_, line_, offset - line_start_ + 1};
}

std::unexpected<Problem> JsonReader::syntax_error(simdjson::error_code error) {
  const char* at = text_.data() + text_.size();
  if (const char* location = nullptr; !document_.current_location().get(location)) at = location;
  if (at < text_.data() + text_.size() && (*at == '/' || *at == '#')) {
    return fail(place_at(at), "JSON has no comments; a TOML file may hold some");
  }
  std::string message = simdjson::error_message(error);
  if (at >= text_.data() + text_.size()) message = "the text ends too early: " + message;
  return fail(place_at(at), std::move(message));
}

JsonReader::Read JsonReader::read() {
  if (const auto error = parser_.iterate(text_).get(document_)) {
    return fail(Place{source_, 1, 1}, simdjson::error_message(error));
  }
  constexpr std::string_view kBlanks = " \t\r\n";
  Value root;
  root.place = place_at(text_.data() + std::min(text().find_first_not_of(kBlanks), text_.size()));
  // The root is taken as what it is: only then does the library check that its bracket is closed at
  // the end of the text.
  ondemand::json_type type{};
  ondemand::object object;
  ondemand::array array;
  simdjson::error_code error = document_.type().get(type);
  if (!error && type == ondemand::json_type::object) {
    error = document_.get_object().get(object);
  } else if (!error && type == ondemand::json_type::array) {
    error = document_.get_array().get(array);
  } else {
    return fail(root.place, "the text is neither an object nor an array");
  }
  if (error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
    return fail(place_at(text_.data() + text().find_last_not_of(kBlanks)),
                "the text does not end with the bracket that closes it: it is cut off, or there is "
                "more behind it");
  }
  if (error) return syntax_error(error);
  Read value = type == ondemand::json_type::object ? read_object(object, std::move(root), 0)
                                                   : read_array(array, std::move(root), 0);
  if (!value) return value;
  if (const char* at = nullptr; !document_.current_location().get(at)) {
    return fail(place_at(at), "there is text after the end of the document");
  }
  return value;
}

JsonReader::Read JsonReader::read_value(ondemand::value in, int depth) {
  Value value;
  const std::string_view token = in.raw_json_token();
  value.place = place_at(token.data());
  if (depth > kDepthMax) {
    return fail(value.place, "nested deeper than " + std::to_string(kDepthMax) + " levels");
  }
  ondemand::json_type type{};
  if (const auto error = in.type().get(type)) {
    // type() looks at the token without taking it, so the token's own place says more than the
    // reader's.
    if (token.starts_with('/') || token.starts_with('#')) {
      return fail(value.place, "JSON has no comments; a TOML file may hold some");
    }
    return fail(value.place, std::string(simdjson::error_message(error)));
  }
  switch (type) {
    case ondemand::json_type::array: {
      ondemand::array array;
      if (const auto error = in.get_array().get(array)) return syntax_error(error);
      return read_array(array, std::move(value), depth);
    }
    case ondemand::json_type::object: {
      ondemand::object object;
      if (const auto error = in.get_object().get(object)) return syntax_error(error);
      return read_object(object, std::move(value), depth);
    }
    case ondemand::json_type::number:
      return read_number(in, std::move(value));
    case ondemand::json_type::string: {
      std::string_view text;
      if (const auto error = in.get_string().get(text))
        return fail(value.place, simdjson::error_message(error));
      value.data = std::string(text);
      return value;
    }
    case ondemand::json_type::boolean: {
      bool flag = false;
      if (const auto error = in.get_bool().get(flag))
        return fail(value.place, simdjson::error_message(error));
      value.data = flag;
      return value;
    }
    case ondemand::json_type::null:
      break;
  }
  bool is_null = false;
  if (in.is_null().get(is_null) || !is_null)
    return fail(value.place, "a value that begins with n is null");
  return value;
}

JsonReader::Read JsonReader::read_array(ondemand::array array, Value value, int depth) {
  Array values;
  for (simdjson::simdjson_result<ondemand::value> element : array) {
    ondemand::value inner;
    if (const auto error = element.get(inner)) return syntax_error(error);
    Read read = read_value(inner, depth + 1);
    if (!read) return read;
    values.push_back(std::move(*read));
  }
  value.data = std::move(values);
  return value;
}

JsonReader::Read JsonReader::read_object(ondemand::object object, Value value, int depth) {
  Table members;
  std::unordered_map<std::string, size_t> lines;  // of the members so far
  for (simdjson::simdjson_result<ondemand::field> element : object) {
    ondemand::field field;
    if (const auto error = std::move(element).get(field)) return syntax_error(error);
    Member member;
    member.place = place_at(field.key().raw() - 1);  // raw() points behind the quote
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) {
      return fail(member.place, simdjson::error_message(error));
    }
    member.name = std::string(name);
    const auto [same, first] = lines.emplace(member.name, member.place.line);
    if (!first) {
      return fail(member.place, "\"" + member.name + "\" is there twice; first on line " +
                                    std::to_string(same->second));
    }
    Read read = read_value(field.value(), depth + 1);
    if (!read) return read;
    member.value = std::move(*read);
    members.push_back(std::move(member));
  }
  value.data = std::move(members);
  return value;
}

JsonReader::Read JsonReader::read_number(ondemand::value in, Value value) {
  ondemand::number number;
  if (const auto error = in.get_number().get(number))
    return fail(value.place, simdjson::error_message(error));
  switch (number.get_number_type()) {
    case ondemand::number_type::signed_integer:
      value.data = number.get_int64();
      break;
    case ondemand::number_type::unsigned_integer:
      // Beyond what any key takes; as a number it is refused with the key's name.
      value.data = static_cast<double>(number.get_uint64());
      break;
    case ondemand::number_type::floating_point_number:
      value.data = number.get_double();
      break;
  }
  return value;
}

}  // namespace

std::expected<Value, Problem> parse_json_value(std::string_view text, const std::string& source) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return JsonReader(text, source).read();
}

std::expected<Value, Problem> parse_json(std::string_view text, const std::string& source) {
  std::expected<Value, Problem> value = parse_json_value(text, source);
  if (value && value->table() == nullptr) {
    return std::unexpected(
        problem_at(value->place, "", "the root of a configuration is an object"));
  }
  return value;
}

}  // namespace millrace::config
