#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <ctime>
#include <memory>

#include "base/clock.h"
#include "base/json_text.h"

namespace millrace::base::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};
std::atomic<Format> g_format{Format::kText};

// Lives until the process ends, so that the last words of a static's destructor still have
// somewhere to go.
std::shared_ptr<spdlog::logger>& logger() {
  static auto* instance = new std::shared_ptr<spdlog::logger>([] {
    auto made = std::make_shared<spdlog::logger>("millrace",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made;
  }());
  return *instance;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
    case Level::kOff:
      return "off";
  }
  return "off";
}

std::string timestamp() {
  const int64_t now_ms = wall_clock_ms();
  const std::time_t seconds = now_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     now_ms % 1000);
}

bool plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

std::string as_text(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line = fmt::format("{} {} {}", timestamp(), name_of(level), event);
  for (const Field& field : fields) {
    line.push_back(' ');
    line += field.name;
    line.push_back('=');
    if (!field.quoted || plain(field.value)) {
      line += field.value;
    } else {
      append_json_string(line, field.value);
    }
  }
  return line;
}

std::string as_json(Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line =
      fmt::format(R"({{"time":"{}","level":"{}","message":)", timestamp(), name_of(level));
  append_json_string(line, event);
  for (const Field& field : fields) {
    line.push_back(',');
    append_json_string(line, field.name);
    line.push_back(':');
    if (field.quoted) {
      append_json_string(line, field.value);
    } else {
      line += field.value;
    }
  }
  line.push_back('}');
  return line;
}

}  // namespace

Result<> configure(const Options& options) {
  if (!options.file.empty()) {
    // The only place in the code where spdlog may throw.
    try {
      logger()->sinks() = {std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file)};
    } catch (const spdlog::spdlog_ex& error) {
      return fail(ErrorCode::kIo, error.what());
    }
    logger()->set_pattern("%v");
    logger()->flush_on(spdlog::level::trace);
  }
  g_format = options.format;
  g_level = options.level;
  return {};
}

void set_level(Level level) {
  g_level = level;
}

bool enabled(Level level) {
  return level >= g_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  const bool json = g_format.load(std::memory_order_relaxed) == Format::kJson;
  logger()->info(json ? as_json(level, event, fields) : as_text(level, event, fields));
}

}  // namespace millrace::base::log
