#include "auth/json.h"

#include <cmath>
#include <string_view>
#include <utility>

namespace millrace::auth {
namespace {

// Far beyond any date, and exact as a double.
constexpr int64_t kSecondsMax = int64_t{1} << 53U;

base::Result<JsonObject> malformed(simdjson::error_code error) {
  return base::fail(base::ErrorCode::kInvalid, simdjson::error_message(error));
}

bool is_type(JsonValue& value, simdjson::ondemand::json_type expected) {
  simdjson::ondemand::json_type type{};
  return value.type().get(type) == simdjson::SUCCESS && type == expected;
}

}  // namespace

base::Result<JsonObject> JsonReader::object(simdjson::padded_string text) {
  text_ = std::move(text);
  simdjson::dom::object checked;
  if (const auto error = checker_.parse(text_).get_object().get(checked)) return malformed(error);
  if (const auto error = parser_.iterate(text_).get(document_)) return malformed(error);
  JsonObject object;
  if (const auto error = document_.get_object().get(object)) return malformed(error);
  return object;
}

bool read_string(JsonValue value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return false;
  out = text;
  return true;
}

bool read_bool(JsonValue value, bool& out) {
  return value.get_bool().get(out) == simdjson::SUCCESS;
}

bool read_seconds(JsonValue value, int64_t& out) {
  double number = 0;
  if (value.get_int64().get(out) == simdjson::SUCCESS)
    return out >= -kSecondsMax && out <= kSecondsMax;
  if (value.get_double().get(number) != simdjson::SUCCESS) return false;
  if (!(std::abs(number) <= static_cast<double>(kSecondsMax))) return false;
  out = static_cast<int64_t>(std::floor(number));
  return true;
}

bool read_text(JsonValue value, std::string& out) {
  std::string_view text;
  if (simdjson::to_json_string(value).get(text) != simdjson::SUCCESS) return false;
  out = text;
  // Valid JSON has line breaks between its tokens only.
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r'; });
  return true;
}

bool is_null(JsonValue value) {
  return is_type(value, simdjson::ondemand::json_type::null);
}

bool is_object(JsonValue value) {
  return is_type(value, simdjson::ondemand::json_type::object);
}

}  // namespace millrace::auth
