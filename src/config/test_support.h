// For tests: configuration texts in real temporary files.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace millrace::config {

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace_config_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  std::string path_;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// What came of loading, as lines of text: places without the file's directory.
struct Outcome {
  Config config;
  bool ok = false;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  std::string all_errors() const { return joined(errors); }
  std::string all_warnings() const { return joined(warnings); }

 private:
  static std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
};

// An empty `text` loads without a file.
inline Outcome load_text(std::string_view text, const Environment& environment = {},
                         const std::string& name = "m.toml", const std::vector<Flag>& flags = {},
                         bool dev = false) {
  const TemporaryDirectory directory;
  Sources sources{.file = text.empty() ? "" : directory.write(name, text),
                  .environment = environment,
                  .flags = flags,
                  .dev = dev};
  const auto lines = [&](const std::vector<Problem>& problems, std::string_view kind) {
    std::vector<std::string> out;
    for (const Problem& problem : problems) {
      std::string line = to_string(problem, kind);
      if (line.starts_with(directory.path())) line.erase(0, directory.path().size() + 1);
      out.push_back(std::move(line));
    }
    return out;
  };
  Outcome outcome;
  auto loaded = load(sources);
  outcome.ok = loaded.has_value();
  if (loaded) {
    outcome.config = std::move(loaded->config);
    outcome.warnings = lines(loaded->warnings, "warning");
  } else {
    outcome.errors = lines(loaded.error().errors, "error");
    outcome.warnings = lines(loaded.error().warnings, "warning");
  }
  return outcome;
}

inline Outcome load_environment(const Environment& environment) {
  return load_text("", environment);
}

}  // namespace millrace::config
