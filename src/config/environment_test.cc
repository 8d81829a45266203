#include <gtest/gtest.h>

#include <algorithm>

#include "config/test_support.h"

namespace millrace::config {
namespace {

TEST(Environment, variable_sets_its_key) {
  const Outcome outcome = load_environment({{"MILLRACE_CLIENT_TOKEN_HMAC_SECRET_KEY", "secret"},
                                            {"MILLRACE_HTTP_SERVER_PORT", "9000"},
                                            {"MILLRACE_CLIENT_INSECURE", "TRUE"},
                                            {"MILLRACE_HEALTH_ENABLED", "0"},
                                            {"MILLRACE_CLIENT_PING_INTERVAL", "10s"},
                                            {"MILLRACE_CHANNEL_WITHOUT_NAMESPACE_PRESENCE", "1"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.client.token.hmac_secret_key, "secret");
  EXPECT_EQ(outcome.config.http_server.port, 9000);
  EXPECT_TRUE(outcome.config.client.insecure);
  EXPECT_FALSE(outcome.config.health_enabled);
  EXPECT_EQ(outcome.config.client.ping_interval, Milliseconds(10'000));
  EXPECT_TRUE(outcome.config.channel.without_namespace.presence);
}

TEST(Environment, list_is_words_or_json) {
  const std::vector<std::string> both = {"https://a.b", "https://c.d"};
  EXPECT_EQ(load_environment({{"MILLRACE_CLIENT_ALLOWED_ORIGINS", " https://a.b  https://c.d "}})
                .config.client.allowed_origins,
            both);
  EXPECT_EQ(
      load_environment({{"MILLRACE_CLIENT_ALLOWED_ORIGINS", R"(["https://a.b", "https://c.d"])"}})
          .config.client.allowed_origins,
      both);
  EXPECT_TRUE(
      load_text("[client]\nallowed_origins = [\"*\"]\n", {{"MILLRACE_CLIENT_ALLOWED_ORIGINS", ""}})
          .config.client.allowed_origins.empty());
  EXPECT_TRUE(load_environment({{"MILLRACE_CLIENT_ALLOWED_ORIGINS", "[\"a"}})
                  .all_errors()
                  .starts_with("environment variable MILLRACE_CLIENT_ALLOWED_ORIGINS: error: "
                               "client.allowed_origins: is not valid JSON"));
}

TEST(Environment, group_is_a_json_object_and_single_keys_go_over_it) {
  const Outcome outcome = load_environment(
      {{"MILLRACE_CLIENT", R"({"channel_limit": 5, "pong_timeout": "2s"})"},
       {"MILLRACE_CLIENT_CHANNEL_LIMIT", "6"},
       {"MILLRACE_CHANNEL_WITHOUT_NAMESPACE", R"({"allow_publish_for_client": true})"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.client.channel_limit, 6U);
  EXPECT_EQ(outcome.config.client.pong_timeout, Milliseconds(2'000));
  EXPECT_TRUE(outcome.config.channel.without_namespace.allow_publish_for_client);
  EXPECT_EQ(load_environment({{"MILLRACE_CLIENT", R"({"chanel_limit": 5})"}}).all_errors(),
            "environment variable MILLRACE_CLIENT:1:2: error: client.chanel_limit: unknown key, "
            "did you mean client.channel_limit?\n");
}

TEST(Environment, namespaces_are_named_and_then_filled) {
  const Outcome outcome =
      load_environment({{"MILLRACE_CHANNEL_NAMESPACES", "chat news.eu-1"},
                        {"MILLRACE_CHANNEL_NAMESPACES_CHAT_HISTORY_SIZE", "10"},
                        {"MILLRACE_CHANNEL_NAMESPACES_CHAT_HISTORY_TTL", "1m"},
                        {"MILLRACE_CHANNEL_NAMESPACES_NEWS_EU_1_PRESENCE", "true"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const auto& namespaces = outcome.config.channel.namespaces;
  ASSERT_EQ(namespaces.size(), 2U);
  EXPECT_EQ(namespaces[0].name, "chat");
  EXPECT_EQ(namespaces[0].options.history_size, 10U);
  EXPECT_EQ(namespaces[1].name, "news.eu-1");
  EXPECT_TRUE(namespaces[1].options.presence);
}

TEST(Environment, namespaces_may_be_json) {
  const Outcome outcome = load_environment(
      {{"MILLRACE_CHANNEL_NAMESPACES", R"([{"name": "chat", "presence": true}])"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  ASSERT_EQ(outcome.config.channel.namespaces.size(), 1U);
  EXPECT_TRUE(outcome.config.channel.namespaces[0].options.presence);
}

TEST(Environment, namespace_of_the_file_keeps_its_options) {
  const std::string file =
      "[[channel.namespaces]]\nname = \"chat\"\nallow_publish_for_client = "
      "true\n[[channel.namespaces]]\nname = \"old\"\n";
  const Outcome filled = load_text(file, {{"MILLRACE_CHANNEL_NAMESPACES_CHAT_PRESENCE", "true"}});
  ASSERT_TRUE(filled.ok) << filled.all_errors();
  EXPECT_EQ(filled.config.channel.namespaces.size(), 2U);
  EXPECT_TRUE(filled.config.channel.namespaces[0].options.presence);
  const Outcome named = load_text(file, {{"MILLRACE_CHANNEL_NAMESPACES", "news chat"}});
  ASSERT_TRUE(named.ok) << named.all_errors();
  ASSERT_EQ(named.config.channel.namespaces.size(), 2U);
  EXPECT_EQ(named.config.channel.namespaces[0].name, "news");
  EXPECT_TRUE(named.config.channel.namespaces[1].options.allow_publish_for_client);
}

TEST(Environment, unknown_variable_is_an_error_with_the_nearest_known_one) {
  EXPECT_EQ(load_environment({{"MILLRACE_CLIENT_PING_INTERVL", "3s"}}).all_errors(),
            "environment: error: MILLRACE_CLIENT_PING_INTERVL: unknown variable, did you mean "
            "MILLRACE_CLIENT_PING_INTERVAL?\n");
  EXPECT_EQ(
      load_environment({{"MILLRACE_LEVEL", "info"}}).all_errors(),
      "environment: error: MILLRACE_LEVEL: unknown variable, did you mean MILLRACE_LOG_LEVEL?\n");
  EXPECT_EQ(load_environment({{"MILLRACE_ZEBRA", "3"}}).all_errors(),
            "environment: error: MILLRACE_ZEBRA: unknown variable\n");
  EXPECT_EQ(load_environment({{"MILLRACE_CHANNEL_NAMESPACES", "chat"},
                              {"MILLRACE_CHANNEL_NAMESPACES_CHAT_PRESENSE", "1"}})
                .all_errors(),
            "environment: error: MILLRACE_CHANNEL_NAMESPACES_CHAT_PRESENSE: no namespace or no "
            "option of that name, did you mean "
            "MILLRACE_CHANNEL_NAMESPACES_CHAT_PRESENCE?\n");
  EXPECT_EQ(load_environment({{"MILLRACE_CHANNEL_NAMESPACES_CHAT_PRESENCE", "1"}}).errors.size(),
            1U);
  EXPECT_EQ(load_environment({{"MILLRACE_DEV", "1"}}).all_errors(),
            "environment: error: MILLRACE_DEV: is a flag only: start with --dev\n");
}

TEST(Environment, ill_typed_value_names_variable_and_key) {
  EXPECT_EQ(load_environment({{"MILLRACE_HTTP_SERVER_PORT", "80a"}}).all_errors(),
            "environment variable MILLRACE_HTTP_SERVER_PORT: error: http_server.port: expects an "
            "integer, got \"80a\"\n");
  EXPECT_EQ(load_environment({{"MILLRACE_CLIENT_INSECURE", ""}}).all_errors(),
            "environment variable MILLRACE_CLIENT_INSECURE: error: client.insecure: expects true "
            "or false, got \"\"\n");
}

TEST(Environment, variable_of_centrifugos_key_is_a_warning) {
  const Outcome outcome =
      load_environment({{"MILLRACE_ENGINE_REDIS_ADDRESS", "redis://x"},
                        {"MILLRACE_SSE_ENABLED", "false"},
                        {"MILLRACE_CHANNEL_WITHOUT_NAMESPACE_SUBSCRIBE_PROXY_ENABLED", "true"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_NE(outcome.all_warnings().find("MILLRACE_ENGINE_REDIS_ADDRESS: warning: "),
            std::string::npos);
  EXPECT_NE(outcome.all_warnings().find("SUBSCRIBE_PROXY_ENABLED: warning: "), std::string::npos);
  EXPECT_EQ(outcome.all_warnings().find("SSE"), std::string::npos);
}

TEST(Environment, what_kubernetes_says_of_a_service_is_no_error) {
  const Outcome outcome = load_environment({{"MILLRACE_PORT", "tcp://10.0.0.1:8000"},
                                            {"MILLRACE_SERVICE_HOST", "10.0.0.1"},
                                            {"MILLRACE_SERVICE_PORT_HTTP", "8000"},
                                            {"MILLRACE_PORT_8000_TCP_ADDR", "10.0.0.1"}});
  EXPECT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(std::ranges::count_if(
                outcome.warnings,
                [](const auto& line) { return line.find("Kubernetes") != std::string::npos; }),
            4);
  EXPECT_EQ(load_environment({{"MILLRACE_PORT", "8000"}}).all_errors(),
            "environment: error: MILLRACE_PORT: unknown variable, did you mean "
            "MILLRACE_HTTP_SERVER_PORT?\n");
}

TEST(Environment, namespaces_with_the_same_variables_are_told_apart_in_the_file_only) {
  const Outcome outcome = load_environment({{"MILLRACE_CHANNEL_NAMESPACES", "a.b a-b"},
                                            {"MILLRACE_CHANNEL_NAMESPACES_A_B_PRESENCE", "1"}});
  EXPECT_EQ(outcome.all_errors(),
            "environment: error: MILLRACE_CHANNEL_NAMESPACES_A_B_PRESENCE: may mean the namespace "
            "a.b or a-b; set it in the file\n");
}

TEST(Environment, reference_in_a_variable_is_expanded) {
  const Outcome outcome = load_environment(
      {{"MILLRACE_VAR_NAME", "n1"}, {"MILLRACE_NODE_NAME", "x-${MILLRACE_VAR_NAME}"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  EXPECT_EQ(outcome.config.node.name, "x-n1");
}

}  // namespace
}  // namespace millrace::config
