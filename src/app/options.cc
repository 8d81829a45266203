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

hub::ChannelOptions mapped(const config::ChannelOptions& from) {
  hub::ChannelOptions to;
  to.allow_subscribe_for_client = from.allow_subscribe_for_client;
  to.allow_subscribe_for_anonymous = from.allow_subscribe_for_anonymous;
  to.allow_user_limited_channels = from.allow_user_limited_channels;
  to.allow_publish_for_client = from.allow_publish_for_client;
  to.allow_publish_for_subscriber = from.allow_publish_for_subscriber;
  to.allow_publish_for_anonymous = from.allow_publish_for_anonymous;
  to.channel_regex = from.channel_regex;
  to.publication_data_format = mapped(from.publication_data_format);
  return to;
}

hub::Options hub_options(const config::Config& config) {
  std::vector<std::pair<std::string, hub::ChannelOptions>> namespaces;
  for (const config::Namespace& from : config.channel.namespaces)
    namespaces.emplace_back(from.name, mapped(from.options));
  hub::Options options;
  options.namespaces =
      hub::Namespaces({.max_length = config.channel.max_length,
                       .private_prefix = config.channel.private_prefix,
                       .namespace_boundary = config.channel.namespace_boundary,
                       .user_boundary = config.channel.user_boundary,
                       .user_separator = config.channel.user_separator},
                      mapped(config.channel.without_namespace), std::move(namespaces));
  options.insecure = config.client.insecure;
  return options;
}

edge::Options edge_options(const config::Config& config) {
  edge::Options options;
  options.server_version = "Millrace " + std::string(kVersion);
  options.allowed_origins = config.client.allowed_origins;
  options.allow_anonymous_connect_without_token =
      config.client.allow_anonymous_connect_without_token;
  options.insecure = config.client.insecure;
  options.ping_interval = config.client.ping_interval;
  options.pong_timeout = config.client.pong_timeout;
  options.stale_close_delay = config.client.stale_close_delay;
  options.channel_limit = config.client.channel_limit;
  options.outbox_bytes_max = config.client.queue_max_size;
  options.connect_include_server_time = config.client.connect_include_server_time;
  options.websocket_disabled = config.websocket.disabled;
  options.websocket_path = config.websocket.handler_prefix;
  options.message_bytes_max = config.websocket.message_size_limit;
  options.message_fragments_max = config.websocket.message_fragments_limit;
  options.compression = config.websocket.compression;
  options.compression_level = config.websocket.compression_level;
  options.compression_bytes_min = config.websocket.compression_min_size;
  options.echo = config.dev;
  return options;
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
  options.connection_rate_limit = config.client.connection_rate_limit;
  options.shutdown_timeout = config.shutdown_timeout;
  options.region = config.node.region;
  options.server_id = config.node.name.empty()
                          ? host_name() + "_" + std::to_string(config.http_server.port)
                          : config.node.name;
  options.version = kVersion;
  options.http = http_options(config.http_server);
  options.hub = hub_options(config);
  options.edge = edge_options(config);
  options.api = {.prefix = config.http_api.handler_prefix,
                 .key = config.http_api.key,
                 .insecure = config.http_api.insecure || config.dev};
  options.api_enabled = !config.http_api.disabled;
  options.admin.metrics = config.prometheus_enabled;
  options.admin.health = config.health_enabled;
  options.admin.page = config.dev;
  options.admin.tables = config.dev;
  return options;
}

}  // namespace millrace::app
