// Structured logs: an event in a few words, and fields that a machine can read.
//
//   log::info("listening", {{"address", address}, {"core", 0}});
//   2026-11-22T10:00:00.123Z info listening address=127.0.0.1:8000 core=0
//
// Thread-safe. Values with spaces, quotes or control characters are quoted as JSON strings, so that
// a peer's bytes can never forge a line. In JSON format each line is one object:
// {"time":…,"level":…,"message":…,fields…}.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::base::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class Format : uint8_t { kText, kJson };

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string file;  // empty: standard error
};

struct Field {
  Field(std::string_view field_name, std::string_view text)
      : name(field_name), value(text), quoted(true) {}
  Field(std::string_view field_name, const char* text)
      : Field(field_name, std::string_view(text)) {}
  Field(std::string_view field_name, const std::string& text)
      : Field(field_name, std::string_view(text)) {}
  Field(std::string_view field_name, bool flag)
      : name(field_name), value(flag ? "true" : "false") {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view field_name, T number) : name(field_name), value(std::to_string(number)) {}
  Field(std::string_view field_name, double number)
      : name(field_name), value(std::to_string(number)) {}

  std::string_view name;
  std::string value;
  bool quoted = false;  // a string in JSON, rather than a number or a boolean
};

// Call once at start; before it, lines of level info and above go to standard error. Fails if the
// file can't be opened.
Result<> configure(const Options& options);

// May be called again at run time (SIGHUP).
void set_level(Level level);
bool enabled(Level level);

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kInfo)) write(Level::kInfo, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kWarn)) write(Level::kWarn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::kError)) write(Level::kError, event, fields);
}

}  // namespace millrace::base::log
