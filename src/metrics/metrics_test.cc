#include "metrics/metrics.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::metrics {
namespace {

class MetricsTest : public testing::Test {
 protected:
  bool has(const std::string& line) const {
    return ("\n" + registry.render()).find("\n" + line + "\n") != std::string::npos;
  }
  Registry registry{2, {.region = "eu\"1", .server_id = "node-1", .version = "1.2.3"}};
};

TEST_F(MetricsTest, values_are_summed_over_cores) {
  registry.core(0).add(Counter::kPublishes, 2);
  registry.core(1).add(Counter::kPublishes, 3);
  registry.core(0).add(Gauge::kSubscriptions, 5);
  registry.core(1).add(Gauge::kSubscriptions, -2);
  EXPECT_EQ(registry.total(Counter::kPublishes), 5U);
  EXPECT_TRUE(has("millrace_publishes_total 5"));
  EXPECT_TRUE(has("millrace_subscriptions 3"));
}

TEST_F(MetricsTest, the_connections_gauge_has_its_users_labels_escaped) {
  registry.core(0).add(TransportGauge::kConnections, Transport::kWebSocket, 7);
  EXPECT_TRUE(has("websocket_connections_total{region=\"eu\\\"1\",server_id=\"node-1\"} 7"));
}

TEST_F(MetricsTest, transports_are_told_apart_and_summed_over_cores) {
  registry.core(0).add(TransportCounter::kMessagesOutbound, Transport::kSse, 2);
  registry.core(1).add(TransportCounter::kMessagesOutbound, Transport::kSse, 3);
  registry.core(1).add(TransportCounter::kMessagesOutbound, Transport::kUniSse);
  registry.core(1).add(TransportCounter::kHandshakeLimit, Transport::kLongPoll);
  registry.core(0).add(TransportGauge::kOutboxBytes, Transport::kHttpStream, 9);
  registry.core(1).add(TransportGauge::kOutboxBytes, Transport::kHttpStream, -4);
  EXPECT_TRUE(has("millrace_messages_total{direction=\"outbound\",transport=\"sse\"} 5"));
  EXPECT_TRUE(has("millrace_messages_total{direction=\"outbound\",transport=\"uni_sse\"} 1"));
  EXPECT_TRUE(has("millrace_messages_total{direction=\"inbound\",transport=\"sse\"} 0"));
  EXPECT_TRUE(has("millrace_handshakes_total{outcome=\"limit\",transport=\"long_poll\"} 1"));
  EXPECT_TRUE(has("millrace_transport_outbox_bytes{transport=\"http_stream\"} 5"));
  EXPECT_EQ(registry.total(TransportCounter::kMessagesOutbound, Transport::kSse), 5U);
}

TEST_F(MetricsTest, names_of_websockets_are_sums_over_both_kinds) {
  registry.core(0).add(TransportCounter::kMessagesInbound, Transport::kWebSocket, 2);
  registry.core(1).add(TransportCounter::kMessagesInbound, Transport::kUniWebSocket, 3);
  registry.core(1).add(TransportCounter::kMessagesInbound, Transport::kSse, 100);
  registry.core(0).add(TransportGauge::kConnections, Transport::kWebSocket, 1);
  registry.core(1).add(TransportGauge::kConnections, Transport::kUniWebSocket, 1);
  registry.core(1).add(TransportGauge::kConnections, Transport::kUniSse, 5);
  EXPECT_TRUE(has("websocket_messages_total{direction=\"inbound\"} 5"));
  EXPECT_TRUE(has("websocket_connections_total{region=\"eu\\\"1\",server_id=\"node-1\"} 2"));
  EXPECT_TRUE(has("millrace_connections 7"));
  EXPECT_EQ(registry.total(TransportGauge::kConnections), 7);
}

TEST_F(MetricsTest, plain_requests_have_bytes_and_nothing_else) {
  registry.core(0).add(TransportCounter::kBytesInbound, Transport::kHttp, 11);
  EXPECT_TRUE(has("millrace_bytes_total{direction=\"inbound\",transport=\"http\"} 11"));
  EXPECT_TRUE(has("millrace_bytes_total{direction=\"inbound\",transport=\"websocket\"} 0"));
  const std::string page = registry.render();
  EXPECT_EQ(page.find("millrace_messages_total{direction=\"inbound\",transport=\"http\"}"),
            std::string::npos);
  EXPECT_EQ(page.find("millrace_transport_connections{transport=\"http\"}"), std::string::npos);
}

TEST_F(MetricsTest, every_transport_has_a_name_of_its_own) {
  const std::string page = registry.render();
  for (const Transport transport : kAllTransports) {
    const std::string line = "\nmillrace_transport_connections{transport=\"" +
                             std::string(name_of(transport)) + "\"} 0\n";
    const size_t at = page.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    EXPECT_EQ(page.find(line, at + 1), std::string::npos) << line;
  }
}

TEST_F(MetricsTest, histogram_buckets_are_cumulative_and_their_bounds_inclusive) {
  registry.core(0).observe(Histogram::kMessageLatencyMs, 0.5);
  registry.core(1).observe(Histogram::kMessageLatencyMs, 5, 2);
  registry.core(1).observe(Histogram::kMessageLatencyMs, 5000);
  EXPECT_TRUE(has("websocket_message_latency_ms_bucket{le=\"1\"} 1"));
  EXPECT_TRUE(has("websocket_message_latency_ms_bucket{le=\"5\"} 3"));
  EXPECT_TRUE(has("websocket_message_latency_ms_bucket{le=\"1000\"} 3"));
  EXPECT_TRUE(has("websocket_message_latency_ms_bucket{le=\"+Inf\"} 4"));
  EXPECT_TRUE(has("websocket_message_latency_ms_count 4"));
  EXPECT_TRUE(has("websocket_message_latency_ms_sum 5010.5"));
}

TEST_F(MetricsTest, codes_appear_once_they_were_counted) {
  registry.core(0).add(CodeCounter::kDisconnects, 3501);
  registry.core(1).add(CodeCounter::kDisconnects, 3501);
  registry.core(1).add(CodeCounter::kDisconnects, 99'999);
  EXPECT_TRUE(has("millrace_disconnects_total{code=\"3501\"} 2"));
  EXPECT_TRUE(has("millrace_disconnects_total{code=\"0\"} 1"));
}

TEST_F(MetricsTest, the_process_describes_itself) {
  const ProcessStats stats = read_process_stats();
  EXPECT_GT(stats.resident_bytes, 100'000U);
  EXPECT_GT(stats.open_files, 2U);
  EXPECT_GE(stats.open_files_max, stats.open_files);
  EXPECT_GT(stats.start_time_seconds, 1.6e9);
  EXPECT_TRUE(has("millrace_build_info{version=\"1.2.3\"} 1"));
}

}  // namespace
}  // namespace millrace::metrics
