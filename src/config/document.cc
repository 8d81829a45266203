#include "config/document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace millrace::config {
namespace {

std::unexpected<Problem> unreadable(const std::string& path, std::string why) {
  return std::unexpected(Problem{path, 0, 0, "", std::move(why)});
}

std::expected<std::string, Problem> read_all(const std::string& path, int fd) {
  struct stat status{};
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) return unreadable(path, "is a directory");
  std::string text;
  std::array<char, 16'384> block{};
  for (;;) {
    const ssize_t got = read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) return text;
    text.append(block.data(), static_cast<size_t>(got));
    if (text.size() > kFileBytesMax) {
      return unreadable(path, "is larger than " + std::to_string(kFileBytesMax) + " bytes");
    }
  }
}

}  // namespace

Problem problem_at(const Place& place, std::string key, std::string message) {
  return Problem{place.source, place.line, place.column, std::move(key), std::move(message)};
}

std::string_view kind_name(const Value& value) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "null",     "a boolean",      "an integer", "a number",
      "a string", "a date or time", "a list",     "a table"};
  static_assert(kNames.size() == std::variant_size_v<decltype(value.data)>);
  return kNames[value.data.index()];
}

std::expected<Value, Problem> read_document(const std::string& path) {
  const bool toml = path.ends_with(".toml");
  if (path.ends_with(".yaml") || path.ends_with(".yml")) {
    return unreadable(path, "YAML is not read here; write it as TOML (.toml) or JSON (.json)");
  }
  if (!toml && !path.ends_with(".json")) {
    return unreadable(path, "the name of a configuration file ends in .toml or .json");
  }
  // Not blocking, so that a pipe without a writer is empty rather than forever.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return unreadable(path, std::string("cannot be opened: ") + std::strerror(errno));
  std::expected<std::string, Problem> text = read_all(path, fd);
  close(fd);
  if (!text) return std::unexpected(std::move(text.error()));
  return toml ? parse_toml(*text, path) : parse_json(*text, path);
}

}  // namespace millrace::config
