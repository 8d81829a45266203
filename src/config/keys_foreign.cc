// The keys of Centrifugo v6 that do nothing here, so that a team's file starts Millrace and is told
// what it will miss.
#include <algorithm>
#include <array>

#include "config/keys.h"

namespace millrace::config {
namespace {

constexpr ForeignKey kForeignKeys[] = {
    // To serve clear text where encryption was asked for, or everybody where certificates were, is
    // not a thing to warn about.
    {.path = "http_server.tls.client_ca_pem", .refused = true},
    {.path = "http_server.tls.server_ca_pem"},
    {.path = "http_server.tls.server_name"},
    {.path = "http_server.tls.insecure_skip_verify"},
    {.path = "http_server.tls_autocert.enabled", .refused = true},
    {.path = "http_server.tls_autocert.*"},
    {.path = "http_server.tls_external"},
    {.path = "http_server.internal_tls.enabled", .refused = true},
    {.path = "http_server.internal_tls.*"},
    {.path = "http_server.http3.enabled"},
    {.path = "http_server.h2c_external"},
    {.path = "engine.redis.*"},
    {.path = "broker.enabled"},
    {.path = "broker.type", .off = "memory"},
    {.path = "broker.*"},
    {.path = "presence_manager.enabled"},
    {.path = "presence_manager.type", .off = "memory"},
    {.path = "presence_manager.*"},
    {.path = "map_broker.type", .off = "memory"},
    {.path = "map_broker.*"},
    {.path = "controller.*"},
    {.path = "shared_poll.*"},
    {.path = "client.proxy.connect.grpc_metadata"},
    {.path = "client.proxy.connect.grpc.*"},
    {.path = "client.proxy.connect.http.tls.*"},
    {.path = "client.proxy.refresh.*"},
    {.path = "client.token.insecure_skip_jwks_endpoint_safety_check"},
    {.path = "client.subscription_token.insecure_skip_jwks_endpoint_safety_check"},
    {.path = "client.concurrency"},
    {.path = "client.channel_position_check_delay"},
    {.path = "client.channel_position_max_time_lag"},
    {.path = "client.insecure_skip_token_signature_verify"},
    {.path = "client.subscribe_to_user_personal_channel.*"},
    {.path = "channel.proxy.*"},
    {.path = "rpc.*"},
    {.path = "proxies"},
    {.path = "grpc_api.*"},
    {.path = "consumers"},
    {.path = "websocket.read_buffer_size"},
    {.path = "websocket.use_write_buffer_pool"},
    {.path = "websocket.write_buffer_size"},
    {.path = "websocket.decompressed_message_size_limit"},
    {.path = "webtransport.*"},
    {.path = "uni_websocket.read_buffer_size"},
    {.path = "uni_websocket.use_write_buffer_pool"},
    {.path = "uni_websocket.write_buffer_size"},
    {.path = "uni_websocket.write_timeout", .off = "1s"},
    {.path = "uni_websocket.decompressed_message_size_limit"},
    {.path = "uni_grpc.*"},
    {.path = "admin.handler_prefix"},
    {.path = "admin.password"},
    {.path = "admin.secret"},
    {.path = "admin.insecure"},
    {.path = "admin.web_path"},
    {.path = "admin.web_proxy_address"},
    {.path = "admin.external"},
    {.path = "prometheus.handler_prefix", .off = "/metrics"},
    {.path = "prometheus.instrument_http_handlers"},
    {.path = "prometheus.recovered_publications_histogram"},
    {.path = "prometheus.native_histograms"},
    {.path = "health.handler_prefix", .off = "/health"},
    {.path = "swagger.*"},
    {.path = "debug.*"},
    {.path = "opentelemetry.*"},
    {.path = "graphite.*"},
    {.path = "usage_stats.disabled", .off = "true"},
    {.path = "node.info_metrics_aggregate_interval"},
    {.path = "pid_file"},
    {.path = "enable_unreleased_features"},
};

constexpr ForeignKey kForeignChannelKeys[] = {
    {.path = "map_clients_presence_channel_prefix"},
    {.path = "map_users_presence_channel_prefix"},
    {.path = "subscribe_proxy_enabled"},
    {.path = "subscribe_proxy_name", .off = "default"},
    {.path = "publish_proxy_enabled"},
    {.path = "publish_proxy_name", .off = "default"},
    {.path = "sub_refresh_proxy_enabled"},
    {.path = "sub_refresh_proxy_name", .off = "default"},
    {.path = "subscribe_stream_proxy_enabled"},
    {.path = "subscribe_stream_proxy_name", .off = "default"},
    {.path = "subscribe_stream_proxy_bidirectional"},
    {.path = "subscription_type", .off = "stream"},
    {.path = "map.*"},
    {.path = "shared_poll.*"},
};

}  // namespace

std::span<const ForeignKey> foreign_keys() {
  return kForeignKeys;
}
std::span<const ForeignKey> foreign_channel_keys() {
  return kForeignChannelKeys;
}

const ForeignKey* find_foreign(std::span<const ForeignKey> keys, std::string_view path) {
  const auto stands_for = [&](const ForeignKey& key) {
    if (!key.path.ends_with(".*")) return key.path == path;
    return path.starts_with(key.path.substr(0, key.path.size() - 1));
  };
  // In the table's order: a key that is named comes before the pattern that would catch it, too.
  const auto found = std::ranges::find_if(keys, stands_for);
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace millrace::config
