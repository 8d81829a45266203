#include "app/options.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/version.h"

namespace millrace::app {
namespace {

// One worker per CPU that this process may run on.
size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

hub::DataFormat mapped(config::DataFormat format) {
  switch (format) {
    case config::DataFormat::kAny:
      return hub::DataFormat::kAny;
    case config::DataFormat::kJson:
      return hub::DataFormat::kJson;
    case config::DataFormat::kJsonObject:
      return hub::DataFormat::kJsonObject;
    case config::DataFormat::kBinary:
      return hub::DataFormat::kBinary;
  }
  return hub::DataFormat::kAny;
}

// 0 means that there is no limit; half of what there is will never be reached.
size_t limit_or_none(size_t limit) {
  return limit > 0 ? limit : SIZE_MAX / 2;
}

void map_history(const config::ChannelOptions& from, std::chrono::milliseconds meta_ttl,
                 hub::ChannelOptions& to) {
  to.log.history_size = from.history_size;
  to.log.history_ttl = from.history_ttl;
  to.log.meta_ttl = from.history_meta_ttl.count() > 0 ? from.history_meta_ttl : meta_ttl;
  to.force_positioning = from.force_positioning;
  to.allow_positioning = from.allow_positioning;
  to.force_recovery = from.force_recovery;
  to.allow_recovery = from.allow_recovery;
  to.recovery_mode = from.force_recovery_mode == config::RecoveryMode::kCache
                         ? hub::RecoveryMode::kCache
                         : hub::RecoveryMode::kStream;
  to.auto_cache_recover = from.auto_cache_recover;
  to.allow_history_for_client = from.allow_history_for_client;
  to.allow_history_for_subscriber = from.allow_history_for_subscriber;
  to.allow_history_for_anonymous = from.allow_history_for_anonymous;
}

hub::ChannelOptions mapped(const config::ChannelOptions& from, std::chrono::milliseconds meta_ttl) {
  hub::ChannelOptions to;
  to.allow_subscribe_for_client = from.allow_subscribe_for_client;
  to.allow_subscribe_for_anonymous = from.allow_subscribe_for_anonymous;
  to.allow_user_limited_channels = from.allow_user_limited_channels;
  to.allow_publish_for_client = from.allow_publish_for_client;
  to.allow_publish_for_subscriber = from.allow_publish_for_subscriber;
  to.allow_publish_for_anonymous = from.allow_publish_for_anonymous;
  to.channel_regex = from.channel_regex;
  to.presence = from.presence;
  to.join_leave = from.join_leave;
  to.force_push_join_leave = from.force_push_join_leave;
  to.presence_grace_period = from.presence_grace_period;
  to.allow_presence_for_client = from.allow_presence_for_client;
  to.allow_presence_for_subscriber = from.allow_presence_for_subscriber;
  to.allow_presence_for_anonymous = from.allow_presence_for_anonymous;
  map_history(from, meta_ttl, to);
  to.batch_max_delay = from.batch_max_delay;
  to.batch_max_size = from.batch_max_size;
  to.allow_delta = !from.allowed_delta_types.empty();
  to.delta_publish = from.delta_publish;
  to.allow_tags_filter = from.allow_tags_filter;
  to.publication_data_format = mapped(from.publication_data_format);
  return to;
}

hub::Options hub_options(const config::Config& config) {
  const std::chrono::milliseconds meta_ttl = config.channel.history_meta_ttl;
  std::vector<std::pair<std::string, hub::ChannelOptions>> namespaces;
  for (const config::Namespace& from : config.channel.namespaces)
    namespaces.emplace_back(from.name, mapped(from.options, meta_ttl));
  hub::Options options;
  options.namespaces =
      hub::Namespaces({.max_length = config.channel.max_length,
                       .private_prefix = config.channel.private_prefix,
                       .namespace_boundary = config.channel.namespace_boundary,
                       .user_boundary = config.channel.user_boundary,
                       .user_separator = config.channel.user_separator},
                      mapped(config.channel.without_namespace, meta_ttl), std::move(namespaces));
  const config::Client& client = config.client;
  options.insecure = client.insecure;
  options.allow_anonymous_connect_without_token = client.allow_anonymous_connect_without_token;
  options.disallow_anonymous_connection_tokens = client.disallow_anonymous_connection_tokens;
  options.user_connection_limit = client.user_connection_limit;
  options.history_max_publication_limit = limit_or_none(client.history_max_publication_limit);
  options.recovery_max_publication_limit = limit_or_none(client.recovery_max_publication_limit);
  options.recovery_bytes_max = client.recovery_max_bytes;
  options.presence_members_max = client.presence_max_members;
  return options;
}

std::optional<webhook::ConnectOptions> connect_proxy(const config::ConnectProxy& from) {
  if (!from.enabled) return std::nullopt;
  webhook::ConnectOptions options;
  options.endpoint = from.endpoint;
  options.timeout = from.timeout;
  for (const config::StaticHeader& each : from.static_headers)
    options.static_headers.emplace_back(http::spelled_header(each.key), each.value);
  options.binary_encoding = from.binary_encoding;
  using How = hub::TurnedAway::How;
  for (const config::StatusToCode& each : from.status_to_code_transforms) {
    const bool is_error = each.to_error_code != 0;
    options.statuses.push_back(
        {.status = each.status_code,
         .meaning = {.how = is_error ? How::kError : How::kDisconnect,
                     .code = is_error ? each.to_error_code : each.to_disconnect_code,
                     .text = is_error ? each.to_error_message : each.to_disconnect_reason,
                     .temporary = each.to_error_temporary}});
  }
  options.requests_max = from.requests_max;
  options.connections_max = from.connections_max;
  return options;
}

edge::HttpTransport mapped(const config::HttpTransport& from) {
  edge::HttpTransport to{.enabled = from.enabled,
                         .path = from.handler_prefix,
                         .body_bytes_max = from.max_request_body_size,
                         .keep_alive_interval = from.keep_alive_interval,
                         .padding_bytes = from.padding_bytes};
  if (!from.connect_code_to_http_response.enabled) return to;
  for (const config::CodeToHttpResponse& each : from.connect_code_to_http_response.transforms)
    to.refusals.push_back({each.code, each.to_status_code, each.to_body});
  return to;
}

std::vector<edge::ErrorToDisconnect> mapped(
    const config::Transforms<config::ErrorToDisconnect>& from) {
  std::vector<edge::ErrorToDisconnect> to;
  if (!from.enabled) return to;
  for (const config::ErrorToDisconnect& each : from.transforms)
    to.push_back({each.code, each.to_code, each.to_reason});
  return to;
}

void map_http_transports(const config::Config& config, edge::Options& options) {
  options.http_stream = mapped(config.http_stream);
  options.sse = mapped(config.sse);
  options.long_poll = {
      .enabled = config.long_poll.enabled,
      .path = config.long_poll.handler_prefix,
      .poll_path = config.long_poll.handler_prefix + std::string(config::kPollPath),
      .body_bytes_max = config.long_poll.max_request_body_size,
      .hold = config.long_poll.hold,
      .poll_timeout = config.long_poll.poll_timeout};
  options.uni_websocket = {.enabled = config.uni_websocket.enabled,
                           .path = config.uni_websocket.handler_prefix,
                           .message_bytes_max = config.uni_websocket.message_size_limit,
                           .compression = config.uni_websocket.compression,
                           .compression_level = config.uni_websocket.compression_level,
                           .compression_bytes_min = config.uni_websocket.compression_min_size,
                           .join_push_messages = config.uni_websocket.join_push_messages,
                           .disconnect_push = !config.uni_websocket.disable_disconnect_push,
                           .closing_handshake = !config.uni_websocket.disable_closing_handshake};
  options.uni_sse = mapped(config.uni_sse);
  options.uni_http_stream = mapped(config.uni_http_stream);
  options.unidirectional_disconnects =
      mapped(config.client.connect_code_to_unidirectional_disconnect);
  if (config.init.enabled) options.init_path = config.init.handler_prefix;
  options.emulation_path = config.emulation.handler_prefix;
  options.emulation_body_bytes_max = config.emulation.max_request_body_size;
}

edge::Options edge_options(const config::Config& config) {
  edge::Options options;
  options.server_version = "Millrace " + std::string(kVersion);
  options.allowed_origins = config.client.allowed_origins;
  options.ping_interval = config.client.ping_interval;
  options.pong_timeout = config.client.pong_timeout;
  options.stale_close_delay = config.client.stale_close_delay;
  options.expired_close_delay = config.client.expired_close_delay;
  options.expired_sub_close_delay = config.client.expired_sub_close_delay;
  options.channel_limit = config.client.channel_limit;
  options.outbox_bytes_max = config.client.queue_max_size;
  options.write_delay = config.client.write_delay;
  options.batch_messages_max = config.client.batch_max_size;
  options.busy_write_delay = config.client.busy_write_delay;
  options.connect_include_server_time = config.client.connect_include_server_time;
  options.asks_backend = config.client.connect_proxy.enabled;
  options.forwarded_headers = config.client.connect_proxy.http_headers;
  options.forwarded_emulated_headers = config.client.connect_proxy.emulated_headers;
  options.user_id_http_header = config.client.user_id_http_header;
  options.websocket_disabled = config.websocket.disabled;
  options.websocket_path = config.websocket.handler_prefix;
  options.message_bytes_max = config.websocket.message_size_limit;
  options.message_fragments_max = config.websocket.message_fragments_limit;
  options.compression = config.websocket.compression;
  options.compression_level = config.websocket.compression_level;
  options.compression_bytes_min = config.websocket.compression_min_size;
  map_http_transports(config, options);
  options.echo = config.dev;
  return options;
}

std::array<size_t, metrics::kTransports> connection_limits(const config::Config& config) {
  using metrics::Transport;
  std::array<size_t, metrics::kTransports> limits{};
  const auto set = [&](Transport transport, size_t limit) {
    limits[static_cast<size_t>(transport)] = limit;
  };
  set(Transport::kWebSocket, config.websocket.connection_limit);
  set(Transport::kHttpStream, config.http_stream.connection_limit);
  set(Transport::kSse, config.sse.connection_limit);
  set(Transport::kLongPoll, config.long_poll.connection_limit);
  set(Transport::kUniWebSocket, config.uni_websocket.connection_limit);
  set(Transport::kUniHttpStream, config.uni_http_stream.connection_limit);
  set(Transport::kUniSse, config.uni_sse.connection_limit);
  return limits;
}

http::Options http_options(const config::HttpServer& from) {
  http::Options options;
  options.head_bytes_max = from.head_bytes_max;
  options.headers_max = from.headers_max;
  options.body_bytes_max = from.body_bytes_max;
  options.head_timeout = from.head_timeout;
  options.idle_timeout = from.idle_timeout;
  return options;
}

}  // namespace

Options options_from(const config::Config& config) {
  Options options;
  options.listen.push_back(
      {.host = config.http_server.address, .port = config.http_server.port, .unix_path = {}});
  if (!config.http_server.unix_socket.empty()) {
    options.listen.push_back({.host = {}, .port = 0, .unix_path = config.http_server.unix_socket});
  }
  options.workers = config.workers > 0 ? config.workers : usable_cpus();
  options.open_files_reserve = config.open_files_reserve;
  options.connection_limit = config.client.connection_limit;
  options.transport_connection_limits = connection_limits(config);
  options.connection_rate_limit = config.client.connection_rate_limit;
  options.shutdown_timeout = config.shutdown_timeout;
  options.region = config.node.region;
  options.server_id = config.node.name.empty()
                          ? host_name() + "_" + std::to_string(config.http_server.port)
                          : config.node.name;
  options.version = kVersion;
  options.http = http_options(config.http_server);
  options.proxy_protocol = config.http_server.proxy_protocol;
  // The configuration was checked: there is a list.
  options.trusted_proxies =
      net::TrustedPeers::parse(config.http_server.trusted_proxies).value_or(net::TrustedPeers{});
  options.connection_tokens = config::token_options(config.client.token);
  if (config.client.subscription_token_enabled)
    options.subscription_tokens = config::token_options(config.client.subscription_token);
  options.connect_proxy = connect_proxy(config.client.connect_proxy);
  options.hub = hub_options(config);
  options.edge = edge_options(config);
  options.api = {.prefix = config.http_api.handler_prefix,
                 .key = config.http_api.key,
                 .insecure = config.http_api.insecure || config.dev,
                 .transport_errors = config.http_api.error_mode == config::ErrorMode::kTransport};
  options.api_enabled = !config.http_api.disabled;
  options.admin.metrics = config.prometheus_enabled;
  options.admin.health = config.health_enabled;
  options.admin.page = config.dev;
  options.admin.tables = config.dev;
  return options;
}

}  // namespace millrace::app
