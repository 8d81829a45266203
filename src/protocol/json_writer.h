// Writes messages as JSON text: a visitor of schema.h. Appends to a string and allocates nothing
// else.
//
// Payloads are placed as they are: the caller saw to it that they are JSON without raw line breaks
// (append_json_line).
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/json_text.h"
#include "protocol/schema.h"

namespace millrace::protocol {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  template <class Message>
  void write(const Message& message) {
    const bool outer_first = std::exchange(first_, true);
    out_.push_back('{');
    Schema<Message>::fields(*this, message);
    out_.push_back('}');
    first_ = outer_first;
  }

  void text(uint32_t number, std::string_view name, std::string_view value) {
    if (!value.empty()) text_always(number, name, value);
  }
  void text_always(uint32_t, std::string_view name, std::string_view value) {
    key(name);
    string(value);
  }

  void payload(uint32_t, std::string_view name, std::string_view json,
               Carriage carriage = Carriage::kPlain) {
    if (json.empty()) return;
    if (carriage == Carriage::kText) {
      key(name);
      return base::append_json_string(out_, json);
    }
    MILLRACE_DEBUG_ASSERT(json.find_first_of("\r\n") == std::string_view::npos);
    key(name);
    out_ += json;
  }

  void boolean(uint32_t, std::string_view name, bool value) {
    if (!value) return;
    key(name);
    out_ += "true";
  }

  template <std::integral T>
  void integer(uint32_t number, std::string_view name, T value) {
    if (value != 0) integer_always(number, name, value);
  }
  template <std::integral T>
  void integer_always(uint32_t, std::string_view name, T value) {
    key(name);
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    MILLRACE_DEBUG_ASSERT(error == std::errc());
    out_.append(digits, end);
  }

  template <class Message>
  void message(uint32_t, std::string_view name, const Message& value) {
    key(name);
    write(value);
  }
  void optional_message(uint32_t number, std::string_view name, const auto& value) {
    if (value) message(number, name, *value);
  }

  void messages(uint32_t number, std::string_view name, const auto& values) {
    if (!values.empty()) messages_always(number, name, values);
  }
  void messages_always(uint32_t, std::string_view name, const auto& values) {
    key(name);
    out_.push_back('[');
    bool first = true;
    for (const auto& value : values) {
      if (!std::exchange(first, false)) out_.push_back(',');
      write(value);
    }
    out_.push_back(']');
  }

  template <class Map>
  void entries(uint32_t number, std::string_view name, const Map& map) {
    if (!map.empty()) entries_always(number, name, map);
  }
  template <class Map>
  void entries_always(uint32_t, std::string_view name, const Map& map) {
    object(name, map, [this](const auto& value) { this->write(value); });
  }

  template <class Map>
  void texts(uint32_t, std::string_view name, const Map& map) {
    if (!map.empty()) object(name, map, [this](std::string_view value) { this->string(value); });
  }

 private:
  // A field's name needs no escaping.
  void key(std::string_view name) {
    out_.append(std::exchange(first_, false) ? "\"" : ",\"");
    out_.append(name);
    out_.append("\":");
  }

  // Nearly every name and id is plain ASCII, which goes in as a whole; base/ knows what to do with
  // the rest.
  void string(std::string_view text) {
    constexpr auto kIsPlain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
    if (!std::ranges::all_of(text, kIsPlain)) {
      base::append_json_string(out_, text);
      return;
    }
    out_.push_back('"');
    out_ += text;
    out_.push_back('"');
  }

  void object(std::string_view name, const auto& map, auto write_value) {
    key(name);
    out_.push_back('{');
    bool first = true;
    for (const auto& [entry_key, value] : map) {
      if (!std::exchange(first, false)) out_.push_back(',');
      string(entry_key);
      out_.push_back(':');
      write_value(value);
    }
    out_.push_back('}');
  }

  std::string& out_;
  bool first_ = true;  // nothing is in the innermost object yet
};

}  // namespace millrace::protocol
