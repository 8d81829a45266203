#include "bench/options.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "bench/target.h"

namespace millrace::bench {
namespace {

std::expected<Options, std::string> parse(std::initializer_list<const char*> words) {
  return parse_options(std::vector<std::string>(words.begin(), words.end()));
}

std::string error(std::initializer_list<const char*> words) {
  const auto options = parse(words);
  return options ? "accepted" : options.error();
}

TEST(BenchOptions, each_scenario_has_what_it_needs_by_default) {
  const auto fanout = parse({"fanout"});
  ASSERT_TRUE(fanout) << fanout.error();
  EXPECT_EQ(fanout->subscribers, 1'000U);
  EXPECT_EQ(fanout->publishers, 1U);
  EXPECT_EQ(fanout->channels, 1U);
  EXPECT_EQ(fanout->window, 1U);
  EXPECT_EQ(fanout->payload_bytes, 125U);
  EXPECT_EQ(fanout->connections_in_all(), 1'001U);
  EXPECT_EQ(fanout->urls, std::vector<std::string>{"ws://127.0.0.1:8000/connection/websocket"});
  const auto connect = parse({"connect"});
  ASSERT_TRUE(connect) << connect.error();
  EXPECT_EQ(connect->connections_in_all(), 1'000U);
  EXPECT_EQ(connect->channels, 0U);
  EXPECT_EQ(connect->rate, 0);
  const auto publish = parse({"publish"});
  ASSERT_TRUE(publish) << publish.error();
  EXPECT_EQ(publish->connections_in_all(), 200U);
}

TEST(BenchOptions, many_channels_are_spread_over_few_connections) {
  EXPECT_EQ(parse({"channels"})->connections, 100U);
  EXPECT_EQ(parse({"channels", "--channels", "3", "--subscribers", "20"})->connections, 20U);
  const auto plain = parse({"channels", "--dialect", "plain", "--channels", "5"});
  ASSERT_TRUE(plain) << plain.error();
  EXPECT_EQ(plain->connections, 50U);
  EXPECT_EQ(plain->publishers, 5U);
}

TEST(BenchOptions, a_rate_takes_the_place_of_the_window) {
  const auto options = parse({"fanout", "--rate", "2.5"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->window, 0U);
  EXPECT_EQ(options->rate, 2.5);
  EXPECT_EQ(error({"fanout", "--rate", "5", "--window", "3"}),
            "--window and --rate exclude each other");
}

TEST(BenchOptions, what_is_repeatable_is) {
  const auto options = parse(
      {"--url", "ws://a", "idle", "--url=ws://b:1/c", "--server-pid", "1", "--server-pid", "2"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->urls, (std::vector<std::string>{"ws://a", "ws://b:1/c"}));
  EXPECT_EQ(options->server_pids, (std::vector<pid_t>{1, 2}));
}

TEST(BenchOptions, mistakes_are_told_in_a_line) {
  EXPECT_TRUE(error({}).starts_with("which scenario? One of: connect, idle"));
  EXPECT_TRUE(error({"fanoot"}).starts_with("unknown scenario fanoot; there are: connect"));
  EXPECT_EQ(error({"fanout", "--zebra"}), "unknown option --zebra");
  EXPECT_EQ(error({"fanout", "--subscribers", "0"}),
            "--subscribers is a whole number from 1 to 10000000");
  EXPECT_EQ(error({"fanout", "--subscribers", "1.5"}),
            "--subscribers is a whole number from 1 to 10000000");
  EXPECT_EQ(error({"fanout", "--rate", "0"}), "--rate is a number over 0, per second");
  EXPECT_EQ(error({"fanout", "--duration", "-1"}), "--duration is in seconds, up to a day");
  EXPECT_EQ(error({"fanout", "--payload", "20"}),
            "--payload is at least 56 bytes: each message carries its number and its time");
  EXPECT_EQ(error({"fanout", "--dialect", "smoke"}),
            "unknown dialect smoke; there are: centrifuge, plain, nats, socketio");
  EXPECT_EQ(error({"fanout", "--format", "xml"}), "--format is json or protobuf, not xml");
  EXPECT_EQ(error({"churn"}), "churn needs --rate: connections that go and come, per second");
}

TEST(BenchOptions, what_a_scenario_or_dialect_has_no_use_for_is_a_mistake) {
  EXPECT_EQ(error({"connect", "--window", "3"}), "--window does not belong to connect");
  EXPECT_EQ(error({"connect", "--duration", "3"}), "--duration does not belong to connect");
  EXPECT_EQ(error({"echo", "--rate", "3"}), "--rate does not belong to echo");
  EXPECT_EQ(error({"fanout", "--connections", "3"}), "--connections does not belong to fanout");
  EXPECT_EQ(error({"idle", "--dialect", "nats", "--format", "protobuf"}),
            "--format belongs to --dialect centrifuge");
  EXPECT_EQ(error({"idle", "--dialect", "plain", "--token", "x"}),
            "--token and --hmac-secret belong to --dialect centrifuge");
  EXPECT_EQ(error({"publish", "--dialect", "plain"}),
            "publish is for --dialect centrifuge: the others have no answers to it");
}

TEST(BenchOptions, transports_other_than_websocket_are_for_those_who_subscribe) {
  const auto options = parse({"fanout", "--transport", "sse"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->transport, TransportKind::kSse);
  EXPECT_TRUE(parse({"fanout", "--transport", "http_stream", "--format", "protobuf"}));
  EXPECT_TRUE(parse({"fanout", "--compression", "--dialect", "plain"})->compression);
  EXPECT_EQ(error({"fanout", "--transport", "pigeon"}),
            "unknown transport pigeon; there are: websocket, http_stream, sse, long_poll, "
            "uni_http_stream, uni_sse");
  EXPECT_EQ(error({"publish", "--transport", "sse"}), "--transport does not belong to publish");
  EXPECT_EQ(error({"idle", "--transport", "sse", "--dialect", "nats"}),
            "--transport belongs to --dialect centrifuge");
  EXPECT_EQ(error({"idle", "--transport", "uni_sse", "--format", "protobuf"}),
            "uni_sse carries JSON only");
  EXPECT_EQ(error({"idle", "--transport", "sse", "--compression"}),
            "--compression belongs to --transport websocket");
  EXPECT_EQ(error({"idle", "--transport", "sse", "--url", "ws://a/b"}),
            "--transport sse needs a --url whose path ends with /websocket: its own path is beside "
            "that");
}

TEST(BenchOptions, help_needs_no_scenario) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"fanout", "-h"})->help);
  EXPECT_NE(help_text().find("reconnect"), std::string::npos);
}

TEST(BenchUrl, is_taken_apart) {
  const auto url = Url::parse("ws://[::1]:9000/a/b?c=d");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 9000);
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(url->query, "?c=d");
  EXPECT_EQ(url->authority, "[::1]:9000");
  EXPECT_EQ(Url::parse("ws://host")->port, 80);
}

TEST(BenchUrl, one_that_cannot_be_connected_to_is_refused) {
  for (const char* text : {"http://a", "wss://a", "ws://", "ws://:80", "ws://a:0", "ws://a:70000",
                           "ws://a:x", "ws://a/b c", "ws://a/#b"})
    EXPECT_FALSE(Url::parse(text)) << text;
}

}  // namespace
}  // namespace millrace::bench
