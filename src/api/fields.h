// Reading the fields of a JSON object one by one, each into where it belongs, with a word on the
// first that is wrong.
//
//   read_object(json, [&](Field& field) {
//     field.text("channel", channel);
//     field.integer("limit", limit);
//   });
//
// The function is called once for each key, and names every field that it knows; the one whose name
// it is gets the value. What nobody took is skipped. Of a repeated key the last value counts. The
// parser is simdjson, behind fields.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/calls.h"
#include "base/function_ref.h"
#include "model/model.h"

namespace millrace::api {

inline constexpr size_t kNoBound = std::numeric_limits<size_t>::max();

class Field {
 public:
  std::string_view key() const { return key_; }

  void text(std::string_view name, std::string& to, size_t bytes_max = kNoBound);
  void boolean(std::string_view name, bool& to);
  void boolean(std::string_view name, std::optional<bool>& to);
  void integer(std::string_view name, int64_t& to);
  void natural(std::string_view name, uint64_t& to);
  // Any value, `null` too: its exact text, but on one line.
  void payload(std::string_view name, std::optional<std::string>& to);
  // The bytes of a string in base64 (RFC 4648, section 4, with padding).
  void base64(std::string_view name, std::optional<std::string>& to);
  void texts(std::string_view name, std::vector<std::string>& to, size_t entries_max);
  // An object of strings; `bytes_max` is for all of them, names included.
  void tags(std::string_view name, model::Tags& to, size_t entries_max, size_t bytes_max);
  void position(std::string_view name, std::optional<model::Position>& to);
  void object(std::string_view name, base::FunctionRef<void(Field&)> on_field);
  // The exact text of each entry of an array.
  void entries(std::string_view name, std::vector<std::string>& to, size_t entries_max);
  // This field's own objection.
  void fail(std::string_view why);

 private:
  friend class FieldReader;
  Field(std::string_view key, void* value, const Field* parent, std::optional<Failure>& failure)
      : key_(key), value_(value), parent_(parent), failure_(failure) {}

  // Whether the value is wanted under this name and is there.
  bool take(std::string_view name);
  void too_many(size_t bound, std::string_view unit);
  std::string path() const;

  std::string_view key_;
  void* value_;  // simdjson's
  const Field* parent_;
  std::optional<Failure>& failure_;
};

// What was wrong, if something was. `json` is valid JSON.
std::optional<Failure> read_object(std::string_view json, base::FunctionRef<void(Field&)> on_field);

}  // namespace millrace::api
