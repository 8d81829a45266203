// The command line, by CLI11. Its exceptions end here, and its own help text is not used (help.cc).
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/duration.h"
#include "config/flags.h"
#include "config/keys.h"
#include "config/suggest.h"
#include "config/version.h"

namespace millrace::config {
namespace {

constexpr std::array<const char*, 3> kDefaultFiles = {"millrace.toml", "config.toml",
                                                      "config.json"};

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr std::array<CommandName, 12> kCommands = {{{"serve", Command::kServe},
                                                    {"check-config", Command::kCheckConfig},
                                                    {"checkconfig", Command::kCheckConfig},
                                                    {"genconfig", Command::kGenerateConfig},
                                                    {"configdoc", Command::kDocument},
                                                    {"gen-token", Command::kGenerateToken},
                                                    {"check-token", Command::kCheckToken},
                                                    {"publish", Command::kPublish},
                                                    {"bench", Command::kBench},
                                                    {"doctor", Command::kDoctor},
                                                    {"version", Command::kVersion},
                                                    {"help", Command::kHelp}}};

// What a machine may be asked to hold.
constexpr uint64_t kConnectionsMin = 1;
constexpr uint64_t kConnectionsMax = 1'000'000'000;

struct Parsed {
  Command command = Command::kServe;
  std::optional<std::string> file;
  bool dev = false;
  std::vector<Flag> flags;
  TokenArguments token;
  PublishArguments publish;
  DoctorArguments doctor;
};

// What is typed behind gen-token and check-token, as it was typed.
struct TokenWords {
  std::optional<std::string> user;
  std::optional<std::string> ttl;
  std::optional<int64_t> expire_at;
  std::optional<std::string> channel;
  std::optional<std::string> token;
};

std::unexpected<CommandLineError> misuse(const std::string& message) {
  return std::unexpected(CommandLineError{2, "millrace: " + message + "\nTry: millrace --help\n"});
}

// Everything that may be typed, for "did you mean".
std::vector<std::string> known_words(bool flags) {
  std::vector<std::string> words;
  if (flags) {
    words = {"--config",    "--dev", "--help",   "--version", "--user",        "--channel",
             "--expire-at", "--ttl", "--server", "--api-key", "--connections", "--json"};
    for (const KeyFlag& flag : key_flags()) words.emplace_back(flag.name);
  } else {
    for (const CommandName& command : kCommands) words.emplace_back(command.name);
  }
  return words;
}

// CLI11 leaves what it does not know; the words are better than its own.
std::unexpected<CommandLineError> unknown_word(const std::string& word) {
  const bool is_flag = word.starts_with('-');
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> known = known_words(is_flag);
  if (std::ranges::find(known, name) != known.end())
    return misuse(name + " does not belong to this command");
  return misuse((is_flag ? "unknown option " : "unknown command ") + name +
                did_you_mean(name, known));
}

void add_token_options(CLI::App& sub, Command command, TokenWords& words) {
  if (command == Command::kGenerateToken) {
    sub.add_option("--user", words.user);
    sub.add_option("--ttl", words.ttl);
    sub.add_option("--expire-at", words.expire_at);
  }
  if (command == Command::kCheckToken) sub.add_option("TOKEN", words.token);
  if (command == Command::kGenerateToken || command == Command::kCheckToken)
    sub.add_option("--channel", words.channel);
}

std::expected<TokenArguments, CommandLineError> token_arguments(Command command,
                                                                const TokenWords& words) {
  TokenArguments result;
  result.user = words.user.value_or("");
  result.channel = words.channel.value_or("");
  result.token = words.token.value_or("");
  result.expire_at = words.expire_at;
  if (words.channel && words.channel->empty()) return misuse("--channel names no channel");
  if (command == Command::kCheckToken && result.token.empty())
    return misuse("check-token needs a token");
  if (command != Command::kGenerateToken) return result;
  if (!words.user) return misuse("gen-token needs --user (\"\": an anonymous one)");
  if (words.ttl && words.expire_at) return misuse("--ttl and --expire-at exclude each other");
  if (words.expire_at && *words.expire_at < 0) return misuse("--expire-at is in Unix seconds");
  if (words.ttl) {
    const std::optional<Milliseconds> ttl = parse_duration(*words.ttl);
    if (!ttl)
      return misuse("--ttl expects a duration such as \"1h30m\", got \"" + *words.ttl + "\"");
    result.ttl = *ttl;
  }
  return result;
}

void add_publish_options(CLI::App& sub, Command command, PublishArguments& to) {
  if (command != Command::kPublish) return;
  sub.add_option("CHANNEL", to.channel);
  sub.add_option("DATA", to.data);
  sub.add_option("--server", to.server);
  sub.add_option("--api-key", to.api_key);
}

std::optional<CommandLineError> check_publish(Command command, const PublishArguments& words) {
  if (command != Command::kPublish) return std::nullopt;
  if (words.channel.empty() || words.data.empty())
    return misuse("publish needs a channel and data").error();
  const bool http = words.server.starts_with("http://") || words.server.starts_with("https://");
  if (!words.server.empty() && !http) {
    return misuse("--server expects a URL such as \"http://127.0.0.1:8000\", got \"" +
                  words.server + "\"")
        .error();
  }
  return std::nullopt;
}

void add_doctor_options(CLI::App& sub, Command command, DoctorArguments& to) {
  if (command != Command::kDoctor) return;
  sub.add_option("--connections", to.connections)
      ->check(CLI::Range(kConnectionsMin, kConnectionsMax));
  sub.add_flag("--json", to.json);
}

std::expected<Parsed, CommandLineError> parse_words(int argument_count,
                                                    const char* const* arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  Parsed parsed;
  std::string file;
  bool help = false;
  bool version = false;
  const CLI::Option* config = app.add_option("-c,--config", file)->type_name("FILE");
  app.add_flag("--dev", parsed.dev);
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  std::vector<std::string> values(key_flags().size());
  std::vector<const CLI::Option*> options;
  for (size_t i = 0; i < values.size(); ++i) {
    const KeyFlag& flag = key_flags()[i];
    const std::string comma = flag.short_name.empty() ? "" : ",";
    options.push_back(
        app.add_option(std::string(flag.short_name) + comma + std::string(flag.name), values[i])
            ->type_name(std::string(flag.argument)));
  }
  std::vector<const CLI::App*> commands;
  TokenWords token_words;
  for (const CommandName& command : kCommands) {
    CLI::App* sub = app.add_subcommand(std::string(command.name));
    sub->set_help_flag();
    sub->fallthrough();
    add_token_options(*sub, command.command, token_words);
    add_publish_options(*sub, command.command, parsed.publish);
    add_doctor_options(*sub, command.command, parsed.doctor);
    commands.push_back(sub);
  }
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return misuse(error.what());
  }
  const std::vector<std::string> extras = app.remaining(true);
  size_t given = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!commands[i]->parsed()) continue;
    parsed.command = kCommands[i].command;
    ++given;
  }
  if (version) parsed.command = Command::kVersion;
  if (help) parsed.command = Command::kHelp;
  if (parsed.command == Command::kHelp || parsed.command == Command::kVersion) return parsed;
  if (parsed.command == Command::kBench) return misuse("bench must be the first word");
  if (!extras.empty()) return unknown_word(extras.front());
  if (given > 1) return misuse("one command at a time");
  auto token = token_arguments(parsed.command, token_words);
  if (!token) return std::unexpected(std::move(token.error()));
  parsed.token = std::move(*token);
  if (auto wrong = check_publish(parsed.command, parsed.publish))
    return std::unexpected(*std::move(wrong));
  if (config->count() > 0) parsed.file = file;
  for (size_t i = 0; i < values.size(); ++i) {
    if (options[i]->count() == 0) continue;
    parsed.flags.push_back(
        {std::string(key_flags()[i].name), std::string(key_flags()[i].key), values[i]});
  }
  return parsed;
}

std::vector<std::pair<std::string, std::string>> own_variables(const char* const* environment) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos || !variable.starts_with(kVariablePrefix)) continue;
    variables.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return variables;
}

std::string default_file() {
  for (const char* name : kDefaultFiles) {
    if (::access(name, F_OK) == 0) return name;
  }
  return "";
}

CommandLineError refusal(const Refused& refused) {
  CommandLineError error;
  for (const Problem& problem : refused.warnings)
    error.message += to_string(problem, "warning") + "\n";
  for (const Problem& problem : refused.errors) error.message += to_string(problem, "error") + "\n";
  return error;
}

std::string text_of(Command command) {
  switch (command) {
    case Command::kServe:
      return "";
    case Command::kCheckConfig:
      return "ok\n";
    case Command::kGenerateConfig:
      return starting_file_text();
    case Command::kDocument:
      return reference_text();
    case Command::kGenerateToken:
    case Command::kCheckToken:
    case Command::kPublish:
    case Command::kBench:
    case Command::kDoctor:
      return "";
    case Command::kVersion:
      return "millrace " + std::string(kVersion) + "\n";
    case Command::kHelp:
      return help_text();
  }
  return "";
}

// Commands that borrow a server's configuration for one thing that they do.
bool borrows_configuration(Command command) {
  return command == Command::kGenerateToken || command == Command::kCheckToken ||
         command == Command::kPublish || command == Command::kDoctor;
}

bool needs_configuration(Command command) {
  return command == Command::kServe || command == Command::kCheckConfig ||
         borrows_configuration(command);
}

}  // namespace

std::expected<Invocation, CommandLineError> parse_command_line(int argument_count,
                                                               const char* const* arguments,
                                                               const char* const* environment) {
  // The load generator has options of its own, and no configuration.
  if (argument_count > 1 && std::string_view(arguments[1]) == "bench") {
    Invocation bench;
    bench.command = Command::kBench;
    bench.bench_words.assign(arguments + 2, arguments + argument_count);
    return bench;
  }
  std::expected<Parsed, CommandLineError> parsed = parse_words(argument_count, arguments);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  Invocation invocation;
  invocation.command = parsed->command;
  invocation.output = text_of(parsed->command);
  invocation.token = std::move(parsed->token);
  invocation.publish = std::move(parsed->publish);
  invocation.doctor = parsed->doctor;
  if (!needs_configuration(parsed->command)) return invocation;
  invocation.sources.file = parsed->file ? *parsed->file : default_file();
  if (parsed->file && parsed->file->empty()) return misuse("--config names no file");
  invocation.sources.environment = own_variables(environment);
  invocation.sources.flags = std::move(parsed->flags);
  invocation.sources.dev = parsed->dev;
  std::expected<Loaded, Refused> loaded = load(invocation.sources);
  if (!loaded) return std::unexpected(refusal(loaded.error()));
  invocation.config = std::move(loaded->config);
  // Who uses them is not the one who has to hear of warnings.
  if (borrows_configuration(parsed->command)) return invocation;
  for (const Problem& problem : loaded->warnings)
    invocation.warnings.push_back(to_string(problem, "warning"));
  return invocation;
}

}  // namespace millrace::config
