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
  registry.core(0).add(Counter::kMessagesInbound, 2);
  registry.core(1).add(Counter::kMessagesInbound, 3);
  registry.core(0).add(Gauge::kSubscriptions, 5);
  registry.core(1).add(Gauge::kSubscriptions, -2);
  EXPECT_EQ(registry.total(Counter::kMessagesInbound), 5U);
  EXPECT_TRUE(has("websocket_messages_total{direction=\"inbound\"} 5"));
  EXPECT_TRUE(has("millrace_subscriptions 3"));
}

TEST_F(MetricsTest, the_connections_gauge_has_its_users_labels_escaped) {
  registry.core(0).add(Gauge::kWebsocketConnections, 7);
  EXPECT_TRUE(has("websocket_connections_total{region=\"eu\\\"1\",server_id=\"node-1\"} 7"));
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
