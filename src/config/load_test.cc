#include <gtest/gtest.h>

#include <algorithm>

#include "config/config.h"
#include "config/keys.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

bool mentions(const std::vector<std::string>& lines, std::string_view part) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST(Load, nothing_gives_the_defaults) {
  const Outcome outcome = load_text("");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const Config& config = outcome.config;
  EXPECT_EQ(config.http_server.port, 8000);
  EXPECT_EQ(config.client.ping_interval, Milliseconds(25'000));
  EXPECT_EQ(config.client.channel_limit, 128U);
  EXPECT_EQ(config.channel.history_meta_ttl, std::chrono::hours(720));
  EXPECT_EQ(config.websocket.handler_prefix, "/connection/websocket");
  EXPECT_TRUE(config.prometheus_enabled);
  EXPECT_TRUE(config.health_enabled);
}

TEST(Load, defaults_let_nobody_in_and_say_so) {
  const Outcome outcome = load_text("");
  EXPECT_FALSE(outcome.config.client.insecure);
  EXPECT_FALSE(outcome.config.client.allow_anonymous_connect_without_token);
  EXPECT_TRUE(outcome.config.client.allowed_origins.empty());
  EXPECT_FALSE(outcome.config.http_api.insecure);
  EXPECT_FALSE(outcome.config.channel.without_namespace.allow_subscribe_for_client);
  EXPECT_FALSE(outcome.config.dev);
  EXPECT_TRUE(mentions(outcome.warnings, "nobody can connect"));
}

TEST(Load, every_type_of_value_is_read) {
  const Outcome outcome = load_text(R"(
workers = 3
[http_server]
address = "127.0.0.1"
port = 9000
internal_port = "9001"
[client]
allowed_origins = ["https://*.example.com", "*"]
allow_anonymous_connect_without_token = true
ping_interval = "1m30s"
queue_max_size = 2048
[log]
level = "trace"
format = "json"
[channel.without_namespace]
publication_data_format = "json_object"
[[channel.namespaces]]
name = "chat"
allow_publish_for_client = true
)");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const Config& config = outcome.config;
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.http_server.address, "127.0.0.1");
  EXPECT_EQ(config.http_server.port, 9000);
  EXPECT_EQ(config.http_server.internal_port, 9001);
  EXPECT_EQ(config.client.allowed_origins,
            (std::vector<std::string>{"https://*.example.com", "*"}));
  EXPECT_TRUE(config.client.allow_anonymous_connect_without_token);
  EXPECT_EQ(config.client.ping_interval, Milliseconds(90'000));
  EXPECT_EQ(config.client.queue_max_size, 2048U);
  EXPECT_EQ(config.log.level, base::log::Level::kDebug);
  EXPECT_EQ(config.log.format, base::log::Format::kJson);
  EXPECT_EQ(config.channel.without_namespace.publication_data_format, DataFormat::kJsonObject);
  ASSERT_EQ(config.channel.namespaces.size(), 1U);
  EXPECT_EQ(config.channel.namespaces[0].name, "chat");
  EXPECT_TRUE(config.channel.namespaces[0].options.allow_publish_for_client);
}

TEST(Load, json_and_toml_mean_the_same) {
  const Outcome toml = load_text(
      "[client]\nping_interval = \"10s\"\n[[channel.namespaces]]\nname = \"ab\"\nhistory_size = "
      "5\nhistory_ttl = \"1m\"\n");
  const Outcome json = load_text(
      R"({"client": {"ping_interval": "10s"},
          "channel": {"namespaces": [{"history_size": 5, "history_ttl": "1m", "name": "ab"}]}})",
      {}, "m.json");
  ASSERT_TRUE(toml.ok && json.ok) << toml.all_errors() << json.all_errors();
  const Difference difference = reloadable_difference(toml.config, json.config);
  EXPECT_TRUE(difference.live.empty());
  EXPECT_TRUE(difference.needs_restart.empty());
  EXPECT_EQ(json.config.channel.namespaces[0].options.history_ttl, Milliseconds(60'000));
}

TEST(Load, unknown_key_is_named_with_its_place_and_the_nearest_known_one) {
  EXPECT_EQ(load_text("[client]\nping_intervall = \"25s\"\n").all_errors(),
            "m.toml:2:1: error: client.ping_intervall: unknown key, did you mean "
            "client.ping_interval?\n");
  EXPECT_EQ(
      load_text("{\n  \"client\": {\n    \"chanel_limit\": 5}}", {}, "m.json").all_errors(),
      "m.json:3:5: error: client.chanel_limit: unknown key, did you mean client.channel_limit?\n");
  EXPECT_EQ(
      load_text("allowed_origins = []\n").all_errors(),
      "m.toml:1:1: error: allowed_origins: unknown key, did you mean client.allowed_origins?\n");
  EXPECT_EQ(load_text("[zebra]\nx = 1\n").all_errors(), "m.toml:1:2: error: zebra: unknown key\n");
  EXPECT_EQ(load_text("[[channel.namespaces]]\nname = \"ab\"\nhistory_sise = 1\n").all_errors(),
            "m.toml:3:1: error: channel.namespaces[ab].history_sise: unknown option of a "
            "namespace, did you mean history_size?\n");
  EXPECT_EQ(load_text("[channel.without_namespace]\npresense = true\n").all_errors(),
            "m.toml:2:1: error: channel.without_namespace.presense: unknown option of a namespace, "
            "did you mean presence?\n");
}

TEST(Load, ill_typed_value_is_named_with_its_place) {
  EXPECT_EQ(load_text("[http_server]\nport = \"8000\"\n").all_errors(),
            "m.toml:2:8: error: http_server.port: expects an integer, got \"8000\"\n");
  EXPECT_EQ(load_text("[client]\nping_interval = 25\n").all_errors(),
            "m.toml:2:17: error: client.ping_interval: expects a duration such as \"25s\" or "
            "\"1h30m\", got an integer\n");
  EXPECT_EQ(load_text("[client]\ninsecure = \"yes\"\n").all_errors(),
            "m.toml:2:12: error: client.insecure: expects true or false, got \"yes\"\n");
  EXPECT_EQ(load_text("[client]\nallowed_origins = \"*\"\n").all_errors(),
            "m.toml:2:19: error: client.allowed_origins: expects a list of strings, got \"*\"\n");
  EXPECT_EQ(load_text("[client]\nallowed_origins = [1]\n").all_errors(),
            "m.toml:2:19: error: client.allowed_origins: expects a list of strings, got an integer "
            "in it\n");
  EXPECT_EQ(load_text("client = 5\n").all_errors(),
            "m.toml:1:10: error: client: expects a table, got an integer\n");
  EXPECT_EQ(load_text("[channel]\nnamespaces = [1]\n").all_errors(),
            "m.toml:2:15: error: channel.namespaces[0]: expects a table, got an integer\n");
  EXPECT_EQ(load_text("[channel]\nwithout_namespace = 1\n").all_errors(),
            "m.toml:2:21: error: channel.without_namespace: expects a table, got an integer\n");
  EXPECT_EQ(load_text("[log]\nlevel = \"inf\"\n").all_errors(),
            "m.toml:2:9: error: log.level: must be one of \"debug\", \"info\", \"warn\", "
            "\"error\", \"none\", \"trace\", "
            "\"fatal\", got \"inf\", did you mean info?\n");
  EXPECT_EQ(load_text(R"({"workers": null})", {}, "m.json").all_errors(),
            "m.json:1:13: error: workers: expects an integer, got null\n");
  EXPECT_EQ(load_text(R"({"workers": 1.5})", {}, "m.json").all_errors(),
            "m.json:1:13: error: workers: expects an integer, got a number\n");
}

TEST(Load, value_out_of_range_is_named_with_its_bounds) {
  EXPECT_EQ(load_text("[http_server]\nport = 65536\n").all_errors(),
            "m.toml:2:8: error: http_server.port: must be between 0 and 65535, got 65536\n");
  EXPECT_EQ(load_text("[client]\nping_interval = \"25h\"\n").all_errors(),
            "m.toml:2:17: error: client.ping_interval: must be between 0s and 24h, got 25h\n");
  EXPECT_EQ(load_text("workers = -1\n").all_errors(),
            "m.toml:1:11: error: workers: must be between 0 and 1024, got -1\n");
  EXPECT_TRUE(load_text("[http_server]\nport = 65535\n").ok);
}

TEST(Load, several_mistakes_are_told_in_one_run_in_order) {
  const Outcome outcome =
      load_text("prot = 1\n[client]\nchannel_limit = 0\nping_intervall = 1\n[log]\nlevel = 1\n");
  ASSERT_EQ(outcome.errors.size(), 4U) << outcome.all_errors();
  EXPECT_TRUE(outcome.errors[0].starts_with("m.toml:1:1:"));
  EXPECT_TRUE(outcome.errors[1].starts_with("m.toml:3:17:"));
  EXPECT_TRUE(outcome.errors[2].starts_with("m.toml:4:1:"));
  EXPECT_TRUE(outcome.errors[3].starts_with("m.toml:6:9:"));
}

TEST(Load, syntax_error_is_one_error_with_its_place) {
  const Outcome toml = load_text("[client\n");
  ASSERT_EQ(toml.errors.size(), 1U);
  EXPECT_TRUE(toml.errors[0].starts_with("m.toml:1:")) << toml.errors[0];
  const Outcome json = load_text("{\"client\": {\n}", {}, "m.json");
  ASSERT_EQ(json.errors.size(), 1U);
  EXPECT_TRUE(json.errors[0].starts_with("m.json:2:")) << json.errors[0];
}

TEST(Load, key_of_centrifugo_is_a_warning_that_names_it) {
  const Outcome outcome = load_text(
      "[swagger]\nenabled = true\n[engine.redis]\naddress = \"redis://x\"\n[client]\ninsecure = "
      "true\n[[consumers]]\nname = \"x\"\n");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_TRUE(mentions(outcome.warnings, "m.toml:2:11: warning: swagger.enabled: "));
  EXPECT_TRUE(mentions(outcome.warnings, "m.toml:4:11: warning: engine.redis.address: "));
  EXPECT_TRUE(mentions(outcome.warnings, ": warning: consumers: "));
  const Outcome options = load_text(
      "[[channel.namespaces]]\nname = \"ab\"\nsubscribe_proxy_enabled = true\nmap.mode = "
      "\"ephemeral\"\n");
  ASSERT_TRUE(options.ok) << options.all_errors();
  EXPECT_TRUE(mentions(options.warnings, "channel.namespaces[ab].subscribe_proxy_enabled: "));
  EXPECT_TRUE(mentions(options.warnings, "channel.namespaces[ab].map.mode: "));
}

TEST(Load, key_of_centrifugo_that_asks_for_nothing_is_silent) {
  const Outcome outcome = load_text(
      "[client]\ninsecure = true\nconcurrency = 0\n[swagger]\nenabled = false\n[broker]\ntype = "
      "\"memory\"\nenabled = false\n"
      "[usage_stats]\ndisabled = true\n[channel.without_namespace]\nsubscription_type = "
      "\"stream\"\nsubscribe_proxy_name = \"default\"\n");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.all_warnings(),
            "m.toml:2:12: warning: client.insecure: is on: everybody may connect, subscribe and "
            "publish\n");
}

TEST(Load, encryption_that_was_asked_for_is_not_ignored) {
  EXPECT_EQ(
      load_text("[http_server.tls_autocert]\nenabled = true\n").all_errors(),
      "m.toml:2:11: error: http_server.tls_autocert.enabled: is not supported by Millrace, and "
      "ignoring it would not be safe\n");
  EXPECT_TRUE(load_text("[http_server.tls_autocert]\nenabled = false\n").ok);
}

TEST(Load, option_without_effect_in_this_version_is_a_warning) {
  const Outcome outcome =
      load_text("[websocket]\nwrite_timeout = \"2s\"\n[admin]\nenabled = false\n");
  ASSERT_TRUE(outcome.ok);
  EXPECT_TRUE(
      mentions(outcome.warnings, "m.toml:2:17: warning: websocket.write_timeout: has no effect"));
  EXPECT_FALSE(mentions(outcome.warnings, "admin"));
}

TEST(Load, dev_is_a_flag_only) {
  EXPECT_EQ(load_text("dev = true\n").all_errors(),
            "m.toml:1:1: error: dev: is a flag only: start with --dev\n");
}

TEST(Load, dev_opens_everything_and_warns_of_nothing) {
  const Outcome outcome = load_text("[client]\ninsecure = false\n", {}, "m.toml", {}, true);
  ASSERT_TRUE(outcome.ok);
  EXPECT_TRUE(outcome.config.dev);
  EXPECT_TRUE(outcome.config.client.insecure);
  EXPECT_EQ(outcome.config.client.allowed_origins, (std::vector<std::string>{"*"}));
  EXPECT_EQ(outcome.all_warnings(), "");
}

TEST(Load, dev_leaves_allowed_origins_that_somebody_wrote) {
  const std::vector<std::string> own{"https://a.b"};
  const auto origins = [](std::string_view text, const Environment& environment) {
    const Outcome outcome = load_text(text, environment, "m.toml", {}, true);
    EXPECT_TRUE(outcome.ok) << outcome.all_errors();
    return outcome.config.client.allowed_origins;
  };
  EXPECT_EQ(origins("[client]\nallowed_origins = [\"https://a.b\"]\n", {}), own);
  EXPECT_EQ(origins("", {{"MILLRACE_CLIENT_ALLOWED_ORIGINS", "https://a.b"}}), own);
  EXPECT_EQ(origins("[client]\nallowed_origins = []\n", {}), std::vector<std::string>());
}

TEST(Load, dev_turns_unidirectional_transports_on_unless_something_else_was_said) {
  EXPECT_FALSE(load_text("").config.uni_sse.enabled);
  const Outcome outcome =
      load_text("[uni_sse]\nenabled = false\n", {{"MILLRACE_UNI_WEBSOCKET_ENABLED", "false"}},
                "m.toml", {}, true);
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_FALSE(outcome.config.uni_sse.enabled);
  EXPECT_FALSE(outcome.config.uni_websocket.enabled);
  EXPECT_TRUE(outcome.config.uni_http_stream.enabled);
}

TEST(Load, fallbacks_are_on_by_default) {
  const Config config = load_text("").config;
  EXPECT_TRUE(config.http_stream.enabled);
  EXPECT_TRUE(config.sse.enabled);
  EXPECT_TRUE(config.long_poll.enabled);
  EXPECT_FALSE(config.uni_websocket.enabled);
  EXPECT_FALSE(config.uni_http_stream.enabled);
}

TEST(Load, transports_take_what_centrifugo_writes_by_default) {
  const Outcome outcome = load_text(
      "[client]\nallow_anonymous_connect_without_token = true\n[sse]\nenabled = false\n"
      "handler_prefix = \"/connection/sse\"\nmax_request_body_size = 65536\n[uni_websocket]\n"
      "compression_level = 1\nwrite_timeout = \"1s\"\ncompression = false\n"
      "[uni_sse.connect_code_to_http_response]\nenabled = false\ntransforms = []\n");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.all_warnings(), "");
  EXPECT_TRUE(mentions(load_text("[uni_websocket]\nread_buffer_size = 512\n").warnings,
                       "m.toml:2:20: warning: uni_websocket.read_buffer_size: "));
}

TEST(Load, reference_stands_for_its_variable) {
  const Environment environment = {{"MILLRACE_VAR_HOST", "example.com"},
                                   {"MILLRACE_VAR_PORT", "9000"}};
  const Outcome outcome = load_text(
      "[client]\nallowed_origins = [\"https://${MILLRACE_VAR_HOST}\"]\n[http_server]\nport = "
      "\"${MILLRACE_VAR_PORT}\"\n"
      "[node]\nname = \"a${HOME}b${\"\n",
      environment);
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.client.allowed_origins[0], "https://example.com");
  EXPECT_EQ(outcome.config.http_server.port, 9000);
  EXPECT_EQ(outcome.config.node.name, "a${HOME}b${");
}

TEST(Load, reference_to_nothing_is_an_error) {
  EXPECT_EQ(load_text("[node]\nname = \"${MILLRACE_VAR_NONE}\"\n").all_errors(),
            "m.toml:2:8: error: MILLRACE_VAR_NONE: is referred to, but the environment does not "
            "have it\n");
}

TEST(Load, secrets_stay_out_of_messages) {
  const Outcome outcome = load_text(
      "[client.token]\nhmac_secret_key = [\"hunter2\"]\n[http_server]\nport = "
      "\"${MILLRACE_VAR_X}\"\n[log]\nlevel = \"${MILLRACE_VAR_X}\"\n",
      {{"MILLRACE_VAR_X", "hunter2"}});
  EXPECT_EQ(outcome.errors.size(), 3U);
  EXPECT_EQ(outcome.all_errors().find("hunter2"), std::string::npos) << outcome.all_errors();
}

TEST(Load, channels_data_format_reaches_namespaces_without_their_own) {
  const Outcome outcome = load_text(
      "[channel]\npublication_data_format = \"json\"\n[[channel.namespaces]]\nname = "
      "\"aa\"\n[[channel.namespaces]]\nname = \"bb\"\npublication_data_format = \"binary\"\n");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.channel.without_namespace.publication_data_format, DataFormat::kJson);
  EXPECT_EQ(outcome.config.channel.namespaces[0].options.publication_data_format,
            DataFormat::kJson);
  EXPECT_EQ(outcome.config.channel.namespaces[1].options.publication_data_format,
            DataFormat::kBinary);
}

TEST(Load, flags_go_over_the_environment_and_that_over_the_file) {
  const std::string file = "workers = 1\n[http_server]\nport = 1\n[log]\nlevel = \"debug\"\n";
  const Environment environment = {{"MILLRACE_HTTP_SERVER_PORT", "2"},
                                   {"MILLRACE_LOG_LEVEL", "warn"}};
  const Outcome outcome =
      load_text(file, environment, "m.toml", {{"--port", "http_server.port", "3"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.workers, 1U);
  EXPECT_EQ(outcome.config.log.level, base::log::Level::kWarn);
  EXPECT_EQ(outcome.config.http_server.port, 3);
}

TEST(Load, may_be_called_again_after_the_file_changed) {
  const TemporaryDirectory directory;
  const Sources sources{
      .file = directory.write("m.toml", "[log]\nlevel = \"info\"\nfile = \"a\"\n"),
      .environment = {},
      .flags = {},
      .dev = false};
  const auto first = load(sources);
  ASSERT_TRUE(first);
  directory.write("m.toml", "workers = 2\n[log]\nlevel = \"debug\"\nfile = \"a\"\n");
  const auto second = load(sources);
  ASSERT_TRUE(second);
  const Difference difference = reloadable_difference(first->config, second->config);
  EXPECT_EQ(difference.live, (std::vector<std::string>{"log.level"}));
  EXPECT_EQ(difference.needs_restart, (std::vector<std::string>{"workers"}));
}

TEST(Difference, namespaces_are_compared_option_by_option) {
  Config before;
  before.channel.namespaces = {{"aa", {}}, {"bb", {}}};
  Config after = before;
  after.channel.namespaces[1].options.allow_publish_for_client = true;
  after.channel.without_namespace.presence = true;
  EXPECT_EQ(reloadable_difference(before, after).needs_restart,
            (std::vector<std::string>{"channel.without_namespace.presence",
                                      "channel.namespaces[bb].allow_publish_for_client"}));
  after = before;
  after.channel.namespaces.push_back({"cc", {}});
  EXPECT_EQ(reloadable_difference(before, after).needs_restart,
            (std::vector<std::string>{"channel.namespaces"}));
  EXPECT_TRUE(reloadable_difference(before, before).needs_restart.empty());
}

// Sets every key to something else than its default and looks for the change in exactly that key.
TEST(Keys, each_key_has_a_member_of_its_own) {
  for (const auto& key : config_keys()) {
    Config config;
    Setting changed = key.get(config);
    switch (key.type) {
      case Type::kBoolean:
        changed = !std::get<bool>(changed);
        break;
      case Type::kInteger:
        changed = std::get<int64_t>(changed) == key.min ? key.min + 1 : key.min;
        break;
      case Type::kDuration:
        changed = std::get<Milliseconds>(changed) + Milliseconds(1);
        break;
      case Type::kString:
        changed = std::get<std::string>(changed) + "x";
        break;
      case Type::kChoice:
        if (key.choices.size() == 1) continue;
        changed = std::string(key.choices[0] == std::get<std::string>(changed) ? key.choices[1]
                                                                               : key.choices[0]);
        break;
      case Type::kStringList:
        changed = std::vector<std::string>{"x"};
        break;
      case Type::kTableList: {
        Row row;
        for (const Column& column : key.columns) {
          row.emplace_back(column.path, column.type == Type::kInteger  ? Cell(column.min)
                                        : column.type == Type::kString ? Cell("x")
                                                                       : Cell(true));
        }
        changed = std::vector<Row>{row};
        break;
      }
    }
    key.set(config, changed);
    const Difference difference = reloadable_difference(Config{}, config);
    std::vector<std::string> all = difference.live;
    all.insert(all.end(), difference.needs_restart.begin(), difference.needs_restart.end());
    EXPECT_EQ(all, (std::vector<std::string>{key.path}));
  }
}

TEST(Keys, no_two_keys_have_the_same_variable) {
  std::vector<std::string> names;
  for (const auto& key : config_keys()) names.push_back(variable_name(key.path));
  const std::string prefix = std::string(kWithoutNamespace) + ".";
  for (const auto& key : channel_keys()) names.push_back(variable_name(prefix + key.path));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(Keys, no_key_is_known_and_foreign) {
  for (const auto& key : config_keys())
    EXPECT_EQ(find_foreign(foreign_keys(), key.path) != nullptr, false) << key.path;
  for (const auto& key : channel_keys())
    EXPECT_EQ(find_foreign(foreign_channel_keys(), key.path) != nullptr, false) << key.path;
}

TEST(Keys, defaults_are_within_their_ranges) {
  for (const auto& key : config_keys()) {
    const Setting setting = key.get(Config{});
    const auto* number = std::get_if<int64_t>(&setting);
    const auto* duration = std::get_if<Milliseconds>(&setting);
    if (number == nullptr && duration == nullptr) continue;
    const int64_t value = number != nullptr ? *number : duration->count();
    EXPECT_GE(value, key.min) << key.path;
    EXPECT_LE(value, key.max) << key.path;
  }
}

}  // namespace
}  // namespace millrace::config
