#include "bench/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "bench/bench.h"
#include "bench/stamp.h"
#include "bench/target.h"

namespace millrace::bench {
namespace {

constexpr std::array<std::pair<std::string_view, ScenarioKind>, 8> kScenarios = {{
    {"connect", ScenarioKind::kConnect},
    {"idle", ScenarioKind::kIdle},
    {"fanout", ScenarioKind::kFanout},
    {"channels", ScenarioKind::kChannels},
    {"echo", ScenarioKind::kEcho},
    {"publish", ScenarioKind::kPublish},
    {"churn", ScenarioKind::kChurn},
    {"reconnect", ScenarioKind::kReconnect},
}};
constexpr std::array<std::pair<std::string_view, DialectKind>, 4> kDialects = {{
    {"centrifuge", DialectKind::kCentrifuge},
    {"plain", DialectKind::kPlain},
    {"nats", DialectKind::kNats},
    {"socketio", DialectKind::kSocketIo},
}};

constexpr std::array<std::pair<std::string_view, TransportKind>, 6> kTransports = {{
    {"websocket", TransportKind::kWebSocket},
    {"http_stream", TransportKind::kHttpStream},
    {"sse", TransportKind::kSse},
    {"long_poll", TransportKind::kLongPoll},
    {"uni_http_stream", TransportKind::kUniHttpStream},
    {"uni_sse", TransportKind::kUniSse},
}};

constexpr unsigned bit(ScenarioKind scenario) {
  return 1U << static_cast<unsigned>(scenario);
}
constexpr unsigned kHolding = bit(ScenarioKind::kConnect) | bit(ScenarioKind::kIdle);
constexpr unsigned kStorms = bit(ScenarioKind::kChurn) | bit(ScenarioKind::kReconnect);
constexpr unsigned kRoundTrips = bit(ScenarioKind::kEcho) | bit(ScenarioKind::kPublish);
constexpr unsigned kFlows = bit(ScenarioKind::kFanout) | bit(ScenarioKind::kChannels);

// An option that only some scenarios know.
struct Rule {
  const char* option;
  unsigned scenarios;
};
constexpr std::array kRules = {
    Rule{"--connections",
         kHolding | kRoundTrips | bit(ScenarioKind::kChurn) | bit(ScenarioKind::kChannels)},
    Rule{"--subscribers", kFlows | bit(ScenarioKind::kReconnect)},
    Rule{"--publishers", kFlows},
    Rule{"--channels", kHolding | bit(ScenarioKind::kChannels)},
    Rule{"--window", kFlows | kRoundTrips},
    Rule{"--rate", kFlows | bit(ScenarioKind::kConnect) | bit(ScenarioKind::kChurn)},
    Rule{"--publish-rate", kStorms},
    Rule{"--warmup", ~bit(ScenarioKind::kConnect)},
    Rule{"--duration", ~bit(ScenarioKind::kConnect)},
    Rule{"--payload", ~kHolding},
    Rule{"--recoverable", ~kRoundTrips},
    Rule{"--transport", ~kRoundTrips},
};

// As they were typed; the numbers are checked once the scenario is known.
struct Words {
  std::string scenario;
  std::string dialect = "centrifuge";
  std::string format = "json";
  std::string transport = "websocket";
  std::optional<double> connections, subscribers, publishers, channels, payload, window, rate,
      publish_rate, in_progress, warmup, duration, processes, source_addresses;
};

template <class Kind, size_t Count>
std::optional<Kind> find(const std::array<std::pair<std::string_view, Kind>, Count>& names,
                         std::string_view name) {
  for (const auto& [known, kind] : names) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

template <class Kind, size_t Count>
std::string listed(const std::array<std::pair<std::string_view, Kind>, Count>& names) {
  std::string text;
  for (const auto& [name, kind] : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

void declare(CLI::App& app, Words& words, Options& options) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("SCENARIO", words.scenario);
  app.add_flag("-h,--help", options.help);
  app.add_option("--url", options.urls)->allow_extra_args(false);
  app.add_option("--dialect", words.dialect);
  app.add_option("--format", words.format);
  app.add_option("--transport", words.transport);
  app.add_flag("--compression", options.compression);
  app.add_option("--token", options.token);
  app.add_option("--hmac-secret", options.hmac_secret);
  app.add_option("--channel", options.channel);
  app.add_flag("--recoverable", options.recoverable);
  app.add_option("--connections", words.connections);
  app.add_option("--subscribers", words.subscribers);
  app.add_option("--publishers", words.publishers);
  app.add_option("--channels", words.channels);
  app.add_option("--payload", words.payload);
  app.add_option("--window", words.window);
  app.add_option("--rate", words.rate);
  app.add_option("--publish-rate", words.publish_rate);
  app.add_option("--in-progress", words.in_progress);
  app.add_option("--warmup", words.warmup);
  app.add_option("--duration", words.duration);
  app.add_option("--processes", words.processes);
  app.add_option("--source-addresses", words.source_addresses);
  app.add_option("--server-pid", options.server_pids)->allow_extra_args(false);
  app.add_option("--json", options.json_file);
  app.add_flag("--quiet", options.quiet);
}

// Collects what is wrong; the first complaint is the one that is told.
class Checker {
 public:
  void complain(std::string text) {
    if (error_.empty()) error_ = std::move(text);
  }
  const std::string& error() const { return error_; }

  // A whole number, or `otherwise` where none was typed.
  void count(const char* name, const std::optional<double>& typed, double least, double most,
             size_t otherwise, size_t& to) {
    to = otherwise;
    if (!typed) return;
    if (*typed != std::floor(*typed) || *typed < least || *typed > most) {
      return complain(std::string(name) + " is a whole number from " + shown(least) + " to " +
                      shown(most));
    }
    to = static_cast<size_t>(*typed);
  }

  void seconds(const char* name, const std::optional<double>& typed, double least, double& to) {
    if (typed && (!(*typed >= least) || *typed > 86'400))
      complain(std::string(name) + " is in seconds, up to a day");
    if (typed) to = *typed;
  }

  void rate(const char* name, const std::optional<double>& typed, double& to) {
    if (typed && (!(*typed > 0) || *typed > 1e8))
      complain(std::string(name) + " is a number over 0, per second");
    if (typed) to = *typed;
  }

 private:
  static std::string shown(double number) { return std::to_string(static_cast<int64_t>(number)); }
  std::string error_;
};

constexpr double kCountMax = 10'000'000;
constexpr size_t kChannelsPerConnection = 100;  // servers have a limit; 128 is usual

// The connections that the subscriptions of `channels` are spread over. Each may have only one of a
// channel; a plain one has only one at all.
size_t default_connections(const Options& options) {
  switch (options.scenario) {
    case ScenarioKind::kEcho:
    case ScenarioKind::kPublish:
      return 200;
    case ScenarioKind::kChannels: {
      const size_t subscriptions = options.channels * options.subscribers;
      if (options.dialect == DialectKind::kPlain) return subscriptions;
      const size_t spread = (subscriptions + kChannelsPerConnection - 1) / kChannelsPerConnection;
      return std::max(options.subscribers, spread);
    }
    case ScenarioKind::kFanout:
    case ScenarioKind::kReconnect:
      return 0;
    default:
      return 1'000;
  }
}

void read_numbers(const Words& words, Options& options, Checker& check) {
  const ScenarioKind scenario = options.scenario;
  const bool flows = (bit(scenario) & (kFlows | kStorms)) != 0;
  const bool many = scenario == ScenarioKind::kChannels;
  const bool holding = (bit(scenario) & kHolding) != 0;
  const size_t subscribers = many                                                       ? 10
                             : bit(scenario) & (kFlows | bit(ScenarioKind::kReconnect)) ? 1'000
                                                                                        : 0;
  check.count("--subscribers", words.subscribers, 1, kCountMax, subscribers, options.subscribers);
  check.count("--channels", words.channels, 1, kCountMax,
              many    ? 1'000
              : flows ? 1
                      : 0,
              options.channels);
  check.count("--publishers", words.publishers, 1, 10'000, flows ? 1 : 0, options.publishers);
  check.count("--connections", words.connections, 1, kCountMax, default_connections(options),
              options.connections);
  check.count("--payload", words.payload, 1, 16e6, holding ? 0 : 125, options.payload_bytes);
  check.count("--in-progress", words.in_progress, 1, 10'000, 100, options.in_progress);
  check.count("--processes", words.processes, 1, kProcessesMax, 0, options.processes);
  check.count("--source-addresses", words.source_addresses, 1, 65'536, 0, options.source_addresses);
  check.rate("--rate", words.rate, options.rate);
  check.rate("--publish-rate", words.publish_rate, options.publish_rate);
  const bool window = (bit(scenario) & (kFlows | kRoundTrips)) != 0 && options.rate == 0;
  check.count("--window", words.window, 1, kWindowMax, window ? 1 : 0, options.window);
  check.seconds("--warmup", words.warmup, 0, options.warmup_seconds);
  check.seconds("--duration", words.duration, 0.05, options.duration_seconds);
}

void check_transport(const Options& options, Checker& check) {
  if (options.transport == TransportKind::kWebSocket) return;
  const std::string name(name_of(options.transport));
  if (options.dialect != DialectKind::kCentrifuge)
    check.complain("--transport belongs to --dialect centrifuge");
  if (options.compression) check.complain("--compression belongs to --transport websocket");
  const bool has_protobuf = options.transport == TransportKind::kHttpStream ||
                            options.transport == TransportKind::kLongPoll;
  if (options.protobuf && !has_protobuf) check.complain(name + " carries JSON only");
  for (const std::string& text : options.urls) {
    if (!Url::parse(text)->beside("")) {
      check.complain("--transport " + name +
                     " needs a --url whose path ends with /websocket: its own path is beside that");
    }
  }
}

void check_together(const Words& words, Options& options, Checker& check) {
  const std::string scenario(name_of(options.scenario));
  const DialectKind dialect = options.dialect;
  if (words.window && words.rate && options.scenario != ScenarioKind::kChurn)
    check.complain("--window and --rate exclude each other");
  if (options.scenario == ScenarioKind::kChurn && !words.rate)
    check.complain("churn needs --rate: connections that go and come, per second");
  if (words.format != "json" && words.format != "protobuf")
    check.complain("--format is json or protobuf, not " + words.format);
  options.protobuf = words.format == "protobuf";
  const bool centrifuge = dialect == DialectKind::kCentrifuge;
  if (options.protobuf && !centrifuge) check.complain("--format belongs to --dialect centrifuge");
  if (!options.token.empty() && !options.hmac_secret.empty())
    check.complain("--token and --hmac-secret exclude each other");
  if ((!options.token.empty() || !options.hmac_secret.empty()) && !centrifuge)
    check.complain("--token and --hmac-secret belong to --dialect centrifuge");
  if (options.recoverable && !centrifuge)
    check.complain("--recoverable belongs to --dialect centrifuge");
  const bool needs_protocol =
      options.scenario == ScenarioKind::kPublish || options.scenario == ScenarioKind::kReconnect;
  if (needs_protocol && !centrifuge)
    check.complain(scenario + " is for --dialect centrifuge: the others have no answers to it");
  const bool prefixed = dialect == DialectKind::kPlain || options.scenario == ScenarioKind::kEcho;
  const size_t least = kPayloadBytesMin + (prefixed ? 1 : 0);
  if (options.payload_bytes != 0 && options.payload_bytes < least) {
    check.complain("--payload is at least " + std::to_string(least) +
                   " bytes: each message carries its number and its time");
  }
  if (options.scenario == ScenarioKind::kChannels && options.connections < options.subscribers)
    check.complain("--connections cannot be fewer than --subscribers: each is a client of its own");
  const bool one_each =
      options.scenario == ScenarioKind::kChannels && dialect == DialectKind::kPlain;
  if (one_each && options.connections != options.channels * options.subscribers)
    check.complain("a plain connection has one channel: leave --connections out");
  check_transport(options, check);
  // A plain publisher's path names its channel.
  if (one_each) options.publishers = options.channels;
  if (options.channel.empty()) check.complain("--channel names no channel");
}

}  // namespace

std::string_view name_of(ScenarioKind scenario) {
  for (const auto& [name, kind] : kScenarios) {
    if (kind == scenario) return name;
  }
  return "";
}

std::string_view name_of(DialectKind dialect) {
  for (const auto& [name, kind] : kDialects) {
    if (kind == dialect) return name;
  }
  return "";
}

std::string_view name_of(TransportKind transport) {
  for (const auto& [name, kind] : kTransports) {
    if (kind == transport) return name;
  }
  return "";
}

size_t Options::connections_in_all() const {
  const bool per_subscriber =
      scenario == ScenarioKind::kFanout || scenario == ScenarioKind::kReconnect;
  return (per_subscriber ? subscribers : connections) + publishers;
}

std::expected<Options, std::string> parse_options(std::span<const std::string> words) {
  CLI::App app;
  Words typed;
  Options options;
  declare(app, typed, options);
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(std::string(error.what()));
  }
  if (options.help) return options;
  const std::vector<std::string> extras = app.remaining();
  if (typed.scenario.empty())
    return std::unexpected("which scenario? One of: " + listed(kScenarios));
  const auto scenario = find(kScenarios, typed.scenario);
  if (!scenario) {
    return std::unexpected("unknown scenario " + typed.scenario +
                           "; there are: " + listed(kScenarios));
  }
  if (!extras.empty()) return std::unexpected("unknown option " + extras.front());
  options.scenario = *scenario;
  const auto dialect = find(kDialects, typed.dialect);
  if (!dialect) {
    return std::unexpected("unknown dialect " + typed.dialect +
                           "; there are: " + listed(kDialects));
  }
  options.dialect = *dialect;
  const auto transport = find(kTransports, typed.transport);
  if (!transport) {
    return std::unexpected("unknown transport " + typed.transport +
                           "; there are: " + listed(kTransports));
  }
  options.transport = *transport;
  for (const Rule& rule : kRules) {
    if (app.count(rule.option) > 0 && (rule.scenarios & bit(options.scenario)) == 0)
      return std::unexpected(std::string(rule.option) + " does not belong to " + typed.scenario);
  }
  if (options.urls.empty()) options.urls.emplace_back("ws://127.0.0.1:8000/connection/websocket");
  for (const std::string& url : options.urls) {
    if (const auto parsed = Url::parse(url); !parsed)
      return std::unexpected(parsed.error().message);
  }
  Checker check;
  read_numbers(typed, options, check);
  check_together(typed, options, check);
  if (!check.error().empty()) return std::unexpected(check.error());
  return options;
}

}  // namespace millrace::bench
