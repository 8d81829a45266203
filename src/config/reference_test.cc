#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "config/config.h"
#include "config/keys.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

TEST(Reference, file_in_docs_is_current) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/docs/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(text == reference_text()) << "run: millrace configdoc > docs/configuration.md";
}

TEST(Reference, names_every_key_and_no_secret_has_a_default) {
  const std::string text = reference_text();
  for (const auto& key : config_keys())
    EXPECT_NE(text.find("| `" + key.path + "` |"), std::string::npos) << key.path;
  for (const auto& key : channel_keys())
    EXPECT_NE(text.find("| `" + key.path + "` |"), std::string::npos) << key.path;
  for (const auto& key : config_keys()) {
    if (!key.is_secret) continue;
    const std::string empty = key.type == Type::kTableList ? "[]" : "\"\"";
    EXPECT_EQ(toml_text(key.get(Config{})), empty) << key.path;
  }
}

TEST(StartingFile, loads_as_it_is) {
  const Outcome outcome = load_text(starting_file_text());
  EXPECT_TRUE(outcome.ok) << outcome.all_errors();
}

TEST(StartingFile, says_the_defaults_when_its_keys_are_uncommented) {
  std::istringstream lines(starting_file_text());
  std::string text;
  size_t keys = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    keys += is_key && line.find(" = ") != std::string::npos ? 1 : 0;
    text += (is_key ? line.substr(1) : line) + "\n";
  }
  // Those of the example namespace are three more.
  EXPECT_EQ(keys, config_keys().size() + channel_keys().size() + 3);
  Outcome outcome = load_text(text);
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  ASSERT_EQ(outcome.config.channel.namespaces.size(), 1U);
  EXPECT_EQ(outcome.config.channel.namespaces[0].name, "chat");
  outcome.config.channel.namespaces.clear();
  EXPECT_TRUE(reloadable_difference(Config{}, outcome.config).needs_restart.empty());
}

}  // namespace
}  // namespace millrace::config
