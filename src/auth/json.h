// Reading the JSON of tokens and key sets: the whole text is checked first, and only then read, so
// that what a reader skips is valid, too.
//
// A payload is passed on as it was written (1.10 stays 1.10), so values are read with simdjson's
// On-Demand API, which knows their text; its DOM parser does the checking. It refuses numbers that
// neither 64 bits nor a double can hold, and halves of surrogate pairs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "base/result.h"

namespace millrace::auth {

using JsonObject = simdjson::ondemand::object;
using JsonArray = simdjson::ondemand::array;
using JsonValue = simdjson::ondemand::value;

// Keeps its memory from text to text: one per core.
class JsonReader {
 public:
  // The object that `text` is. It, its values and their strings live until the next call.
  base::Result<JsonObject> object(simdjson::padded_string text);

 private:
  simdjson::padded_string text_;
  simdjson::dom::parser checker_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
};

// Each reads one value; false if it is of another type.
bool read_string(JsonValue value, std::string& out);
bool read_bool(JsonValue value, bool& out);
// Seconds since 1970, as a number of any spelling; a fraction is dropped (RFC 7519, section 2,
// NumericDate allows one).
bool read_seconds(JsonValue value, int64_t& out);
// Any value: its text, on one line.
bool read_text(JsonValue value, std::string& out);

bool is_null(JsonValue value);
bool is_object(JsonValue value);

// Calls `visit(name, value)` for each member that is not null, until it returns false. False: it
// did, or `value` is no object.
template <class Visit>
bool each_member(JsonObject object, Visit visit) {
  for (auto member : object) {
    std::string_view name;
    JsonValue value;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS ||
        member.value().get(value) != simdjson::SUCCESS)
      return false;
    if (!is_null(value) && !visit(name, value)) return false;
  }
  return true;
}

template <class Visit>
bool each_member(JsonValue value, Visit visit) {
  JsonObject object;
  return value.get_object().get(object) == simdjson::SUCCESS && each_member(object, visit);
}

}  // namespace millrace::auth
