#include <gtest/gtest.h>

#include "config/test_support.h"

namespace millrace::config {
namespace {

std::string error_of(std::string_view text) {
  return load_text(text).all_errors();
}

std::string option_error(const std::string& options) {
  return error_of("[channel.without_namespace]\n" + options + "\n");
}

TEST(Validate, pong_timeout_is_less_than_ping_interval) {
  EXPECT_EQ(error_of("[client]\nping_interval = \"8s\"\n"),
            "m.toml:2:17: error: client.pong_timeout: must be less than client.ping_interval (8s "
            "and 8s)\n");
  EXPECT_EQ(error_of("[client]\nping_interval = \"9s\"\n"), "");
}

TEST(Validate, trusted_proxies_are_addresses_networks_or_unix) {
  EXPECT_EQ(error_of("[http_server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\", \"unix\"]\n"), "");
  EXPECT_EQ(
      error_of("[http_server]\ntrusted_proxies = [\"10.0.0.1/8\"]\n"),
      "m.toml:2:19: error: http_server.trusted_proxies: \"10.0.0.1/8\" is not an address such "
      "as \"192.0.2.1\", a network such as \"10.0.0.0/8\" (zeros behind its prefix), or "
      "\"unix\"\n");
}

TEST(Validate, the_proxy_protocol_needs_somebody_who_is_trusted) {
  EXPECT_EQ(error_of("[http_server]\nproxy_protocol = true\n"),
            "m.toml:2:18: error: http_server.proxy_protocol: needs http_server.trusted_proxies: "
            "whose headers are to be believed\n");
  EXPECT_EQ(error_of("[http_server]\nproxy_protocol = true\ntrusted_proxies = [\"unix\"]\n"), "");
}

TEST(Validate, history_needs_size_and_ttl) {
  EXPECT_EQ(option_error("history_size = 5"),
            "m.toml:2:16: error: channel.without_namespace.history_size: history needs both "
            "history_size and history_ttl\n");
  EXPECT_EQ(option_error("history_ttl = \"5s\""),
            "m.toml:2:15: error: channel.without_namespace.history_ttl: history needs both "
            "history_size and history_ttl\n");
  EXPECT_EQ(option_error("history_size = 5\nhistory_ttl = \"5s\""), "");
}

TEST(Validate, forced_recovery_and_positioning_need_history) {
  EXPECT_EQ(option_error("force_recovery = true"),
            "m.toml:2:18: error: channel.without_namespace.force_recovery: needs history: set "
            "history_size and history_ttl\n");
  EXPECT_EQ(option_error("force_positioning = true"),
            "m.toml:2:21: error: channel.without_namespace.force_positioning: needs history: set "
            "history_size and history_ttl\n");
  EXPECT_EQ(option_error("force_recovery = true\nhistory_size = 5\nhistory_ttl = \"5s\""), "");
}

TEST(Validate, cache_mode_needs_forced_recovery) {
  EXPECT_EQ(option_error("force_recovery_mode = \"cache\""),
            "m.toml:2:23: error: channel.without_namespace.force_recovery_mode: \"cache\" needs "
            "force_recovery\n");
  EXPECT_NE(option_error("auto_cache_recover = true"), "");
  EXPECT_EQ(
      option_error("auto_cache_recover = true\nforce_recovery_mode = \"cache\"\nforce_recovery = "
                   "true\nhistory_size = 1\nhistory_ttl = \"5s\""),
      "");
}

TEST(Validate, history_times_are_whole_seconds_and_in_order) {
  EXPECT_NE(
      option_error("history_size = 1\nhistory_ttl = \"1500ms\"").find("must be whole seconds"),
      std::string::npos);
  EXPECT_EQ(option_error("history_size = 1\nhistory_ttl = \"721h\""),
            "m.toml:3:15: error: channel.without_namespace.history_ttl: must not be more than "
            "channel.history_meta_ttl (720h)\n");
  EXPECT_EQ(option_error("history_size = 1\nhistory_ttl = \"721h\"\nhistory_meta_ttl = \"800h\""),
            "");
}

TEST(Validate, names_of_namespaces) {
  const auto named = [](const std::string& name) {
    return error_of("[[channel.namespaces]]\nname = \"" + name + "\"\n");
  };
  EXPECT_EQ(named("chat_1.x-Y"), "");
  EXPECT_EQ(named("a"),
            "m.toml:1:1: error: channel.namespaces[a].name: must be at least 2 of the characters "
            "a-z A-Z 0-9 _ . -\n");
  EXPECT_NE(named("a b"), "");
  EXPECT_NE(named("a:b"), "");
  EXPECT_EQ(
      error_of("[[channel.namespaces]]\nname = \"ab\"\n[[channel.namespaces]]\nname = \"ab\"\n"),
      "m.toml:3:1: error: channel.namespaces[ab].name: there is another namespace of this name\n");
  EXPECT_EQ(error_of("[[channel.namespaces]]\npresence = true\n"),
            "m.toml:1:1: error: channel.namespaces[0]: a namespace needs a name\n");
  EXPECT_EQ(
      error_of("[channel]\nnamespace_boundary = \".\"\n[[channel.namespaces]]\nname = \"a.b\"\n"),
      "m.toml:3:1: error: channel.namespaces[a.b].name: holds channel.namespace_boundary\n");
}

TEST(Validate, regular_expressions_compile) {
  EXPECT_TRUE(option_error("channel_regex = \"[\"")
                  .starts_with("m.toml:2:17: error: channel.without_namespace.channel_regex: is "
                               "not a regular expression: "));
  EXPECT_EQ(option_error("channel_regex = \"^[a-z]+$\""), "");
  EXPECT_NE(error_of("[client.token]\nissuer_regex = \"(\"\n"), "");
}

TEST(Validate, keys_of_tokens_can_be_used) {
  EXPECT_EQ(error_of("[client.token]\nrsa_public_key = \"x\"\n"),
            "m.toml:2:18: error: client.token.rsa_public_key: is not a public key in PEM\n");
  EXPECT_EQ(
      error_of("[client.subscription_token]\nenabled = true\ned25519_public_key = \"x\"\n"),
      "m.toml:3:22: error: client.subscription_token.ed25519_public_key: is not a public key in "
      "PEM\n");
  EXPECT_EQ(error_of("[client.token]\nhmac_previous_secret_key = \"x\"\n"),
            "m.toml:2:28: error: client.token.hmac_previous_secret_key: needs hmac_secret_key\n");
  EXPECT_EQ(
      error_of("[client.token]\njwks_public_endpoint = \"https://a/{{realm}}\"\n"),
      "m.toml:2:24: error: client.token.jwks_public_endpoint: has {{realm}}, which is no group of "
      "issuer_regex or audience_regex\n");
  EXPECT_EQ(error_of("[client.token]\njwks_public_endpoint = \"https://a/{{realm}}\"\n"
                     "issuer_regex = \"(?P<realm>[a-z]+)$\"\nuser_id_claim = \"uid\"\n"),
            "");
}

TEST(Validate, subscription_tokens_without_a_key_are_a_warning) {
  const Outcome outcome = load_text("[client.subscription_token]\nenabled = true\n");
  ASSERT_TRUE(outcome.ok);
  EXPECT_NE(outcome.all_warnings().find("m.toml:2:11: warning: client.subscription_token.enabled"),
            std::string::npos);
}

TEST(Validate, delta_types_and_data_formats_are_known) {
  EXPECT_EQ(option_error("allowed_delta_types = [\"fosil\"]"),
            "m.toml:2:23: error: channel.without_namespace.allowed_delta_types: \"fosil\" is not a "
            "delta type; \"fossil\" is the only one\n");
  EXPECT_EQ(option_error("allowed_delta_types = [\"fossil\"]"), "");
  EXPECT_NE(option_error("publication_data_format = \"xml\""), "");
}

TEST(Validate, signs_of_channel_names_differ) {
  EXPECT_EQ(
      error_of("[channel]\nuser_boundary = \":\"\n"),
      "m.toml:2:17: error: channel.user_boundary: is the same as channel.namespace_boundary\n");
  EXPECT_NE(error_of("[channel]\nprivate_prefix = \"\"\n"), "");
}

TEST(Validate, origins_have_scheme_and_host) {
  for (const std::string_view good : {"*", "null", "https://example.com", "http://localhost:3000",
                                      "https://*.example.com", "capacitor://localhost"}) {
    EXPECT_EQ(error_of("[client]\nallowed_origins = [\"" + std::string(good) + "\"]\n"), "")
        << good;
  }
  for (const std::string_view bad : {"", "example.com", "https://", "https://example.com/",
                                     "https://example.com/x", "://x", "https://a b"}) {
    EXPECT_NE(error_of("[client]\nallowed_origins = [\"" + std::string(bad) + "\"]\n"), "") << bad;
  }
}

TEST(Validate, paths_of_endpoints) {
  EXPECT_NE(error_of("[websocket]\nhandler_prefix = \"connection\"\n"), "");
  EXPECT_NE(error_of("[websocket]\nhandler_prefix = \"/connection/\"\n"), "");
  EXPECT_EQ(error_of("[websocket]\nhandler_prefix = \"/api\"\n"),
            "m.toml:2:18: error: http_api.handler_prefix: is the same path as "
            "websocket.handler_prefix\n");
  EXPECT_EQ(error_of("[websocket]\nhandler_prefix = \"/api\"\n[http_api]\ndisabled = true\n"), "");
}

TEST(Validate, no_two_endpoints_have_the_same_path) {
  EXPECT_EQ(error_of("[sse]\nhandler_prefix = \"/connection/http_stream\"\n"),
            "m.toml:2:18: error: sse.handler_prefix: is the same path as "
            "http_stream.handler_prefix\n");
  EXPECT_EQ(error_of("[websocket]\nhandler_prefix = \"/emulation\"\n"),
            "m.toml:2:18: error: emulation.handler_prefix: is the same path as "
            "websocket.handler_prefix\n");
  EXPECT_EQ(error_of("[emulation]\nhandler_prefix = \"/connection/long_poll/poll\"\n"),
            "m.toml:2:18: error: emulation.handler_prefix: is the same path as "
            "long_poll.handler_prefix's polls\n");
  EXPECT_EQ(error_of("[sse]\nhandler_prefix = \"/api/publish\"\n"),
            "m.toml:2:18: error: sse.handler_prefix: lies below http_api.handler_prefix\n");
  EXPECT_EQ(error_of("[http_stream]\nhandler_prefix = \"/health/live\"\n"),
            "m.toml:2:18: error: http_stream.handler_prefix: is a path of the metrics or the "
            "health checks\n");
}

TEST(Validate, paths_count_only_while_their_endpoint_is_on) {
  EXPECT_EQ(error_of("[uni_sse]\nhandler_prefix = \"/connection/sse\"\n"), "");
  EXPECT_NE(error_of("[uni_sse]\nenabled = true\nhandler_prefix = \"/connection/sse\"\n"), "");
  EXPECT_EQ(error_of("[uni_sse]\nhandler_prefix = \"/connection/sse\"\nenabled = true\n[sse]\n"
                     "enabled = false\n"),
            "");
  EXPECT_EQ(error_of("[emulation]\nhandler_prefix = \"x\"\n"),
            "m.toml:2:18: error: emulation.handler_prefix: must be a path such as "
            "\"/emulation\"\n");
  EXPECT_EQ(error_of("[emulation]\nhandler_prefix = \"x\"\n[http_stream]\nenabled = false\n"
                     "[sse]\nenabled = false\n[long_poll]\nenabled = false\n"),
            "");
}

TEST(Validate, times_of_long_polling) {
  EXPECT_NE(error_of("[long_poll]\nhold = \"1h\"\n"), "");
  EXPECT_NE(error_of("[long_poll]\nhold = \"0s\"\n"), "");
  EXPECT_NE(error_of("[long_poll]\npoll_timeout = \"1ms\"\n"), "");
  const Outcome usual = load_text("[client]\ninsecure = true\n[long_poll]\nhold = \"55s\"\n");
  EXPECT_EQ(usual.all_warnings().find("long_poll"), std::string::npos);
  const Outcome longer = load_text("[long_poll]\nhold = \"56s\"\n");
  ASSERT_TRUE(longer.ok);
  EXPECT_NE(longer.all_warnings().find("m.toml:2:8: warning: long_poll.hold: is longer than many "
                                       "proxies wait for a response (1m)"),
            std::string::npos)
      << longer.all_warnings();
}

TEST(Validate, pings_are_not_more_often_than_once_a_second_or_there_are_none) {
  EXPECT_EQ(error_of("[client]\nping_interval = \"999ms\"\npong_timeout = \"500ms\"\n"),
            "m.toml:2:17: error: client.ping_interval: must be 0, or at least 1s\n");
  EXPECT_EQ(error_of("[client]\nping_interval = \"0s\"\n"), "");
  EXPECT_EQ(error_of("[sse]\nkeep_alive_interval = \"50ms\"\n"),
            "m.toml:2:23: error: sse.keep_alive_interval: must be 0, or at least 1s\n");
}

TEST(Validate, connections_that_are_silent_for_longer_than_proxies_wait_are_a_warning) {
  const std::string pings = "[client]\ninsecure = true\nping_interval = ";
  const auto warnings = [](const std::string& text) { return load_text(text).all_warnings(); };
  const std::string insecure = warnings("[client]\ninsecure = true\n");
  EXPECT_EQ(warnings(pings + "\"55s\"\n"), insecure);
  const std::string websocket =
      "m.toml:3:17: warning: client.ping_interval: leaves a WebSocket silent for longer than many "
      "proxies wait (1m), so they would cut it\n";
  EXPECT_EQ(warnings(pings + "\"90s\"\n"), insecure + websocket);
  EXPECT_EQ(warnings(pings + "\"0s\"\n"), insecure + websocket);
  EXPECT_EQ(warnings(pings + "\"90s\"\n[sse]\nkeep_alive_interval = \"0s\"\n"),
            insecure + websocket +
                "m.toml:5:23: warning: sse.keep_alive_interval: leaves a stream silent for longer "
                "than many proxies wait (1m), so they would cut it\n");
  EXPECT_EQ(warnings(pings + "\"0s\"\n[websocket]\ndisabled = true\n"), insecure);
}

TEST(Validate, limits_of_a_transport_over_those_of_all_are_a_warning) {
  const Outcome outcome = load_text(
      "[client]\nconnection_limit = 10\n[sse]\nconnection_limit = 11\n"
      "[websocket]\nconnection_limit = 10\n[uni_sse]\nenabled = true\n"
      "max_request_body_size = 1048577\n");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const std::string warnings = outcome.all_warnings();
  EXPECT_NE(warnings.find("m.toml:4:20: warning: sse.connection_limit: is more than"),
            std::string::npos);
  EXPECT_NE(warnings.find("m.toml:9:25: warning: uni_sse.max_request_body_size: is more than"),
            std::string::npos)
      << warnings;
  EXPECT_EQ(warnings.find("websocket.connection_limit"), std::string::npos);
}

TEST(Validate, addresses_and_unix_sockets) {
  EXPECT_NE(error_of("[http_server]\naddress = \"http://x\"\n"), "");
  EXPECT_EQ(error_of("[http_server]\nunix_socket = \"/" + std::string(106, 'x') + "\"\n"), "");
  EXPECT_NE(error_of("[http_server]\nunix_socket = \"/" + std::string(107, 'x') + "\"\n"), "");
}

TEST(Validate, mistake_in_one_value_is_not_told_twice) {
  EXPECT_EQ(option_error("history_size = 5\nhistory_ttl = 60\nforce_recovery = true"),
            "m.toml:3:15: error: channel.without_namespace.history_ttl: expects a duration such as "
            "\"25s\" or \"1h30m\", got an integer\n");
}

TEST(Validate, batches_of_nothing_that_waits_are_a_warning) {
  const auto warnings = [](std::string_view text) { return load_text(text).all_warnings(); };
  const std::string in = "[client]\ninsecure = true\n";
  const std::string insecure = warnings(in);
  EXPECT_EQ(warnings(in + "[channel.without_namespace]\nbatch_max_size = 100\n"),
            insecure +
                "m.toml:4:18: warning: channel.without_namespace.batch_max_size: has no effect "
                "without batch_max_delay\n");
  EXPECT_EQ(
      warnings(in + "[[channel.namespaces]]\nname = \"aa\"\nbatch_max_size = 5\n"),
      insecure +
          "m.toml:5:18: warning: channel.namespaces[aa].batch_max_size: has no effect without "
          "batch_max_delay\n");
  EXPECT_EQ(warnings(in + "batch_max_size = 5\n"),
            insecure +
                "m.toml:3:18: warning: client.batch_max_size: has no effect without "
                "client.write_delay\n");
  EXPECT_EQ(warnings(in + "batch_max_size = 5\nwrite_delay = \"5ms\"\n[channel.without_namespace]\n"
                          "batch_max_size = 5\nbatch_max_delay = \"5ms\"\n"),
            insecure);
}

TEST(Validate, queue_smaller_than_a_message_is_a_warning) {
  const Outcome outcome = load_text("[client]\nqueue_max_size = 1024\ninsecure = true\n");
  ASSERT_TRUE(outcome.ok);
  EXPECT_NE(outcome.all_warnings().find("m.toml:2:18: warning: client.queue_max_size: "),
            std::string::npos);
}

}  // namespace
}  // namespace millrace::config
