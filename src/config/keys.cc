#include "config/keys.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/json_text.h"
#include "config/bind.h"
#include "config/duration.h"

namespace millrace::config {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;
constexpr int64_t kCountMax = 1'000'000'000;

using ConfigKeys = std::vector<Key<Config>>;

void add_server(ConfigKeys& keys) {
  constexpr auto kServer = &Config::http_server;
  keys.push_back(make_key<kServer, &HttpServer::address>(
      "http_server.address", "Address to listen on, IPv4 or IPv6; empty: every interface."));
  keys.push_back(make_key<kServer, &HttpServer::port>(
      "http_server.port", "Port of the client connections; 0: any free port."));
  keys.push_back(make_key<kServer, &HttpServer::unix_socket>(
      "http_server.unix_socket", "Path of a unix socket to listen on as well; empty: none.").ours());
  keys.push_back(make_key<kServer, &HttpServer::internal_address>(
      "http_server.internal_address",
      "Address of the internal endpoints (API, metrics, health, admin); empty: as http_server.address.").later());
  keys.push_back(make_key<kServer, &HttpServer::internal_port>(
      "http_server.internal_port", "Port of the internal endpoints; 0: as http_server.port.").digits().later());
  keys.push_back(make_key<kServer, &HttpServer::head_bytes_max>(
      "http_server.head_bytes_max", "Bytes of a request's line and headers; over it: 431.")
      .range(kKiB, kMiB).ours());
  keys.push_back(make_key<kServer, &HttpServer::headers_max>(
      "http_server.headers_max", "Headers of a request; over it: 431.").range(8, 10'000).ours());
  keys.push_back(make_key<kServer, &HttpServer::body_bytes_max>(
      "http_server.body_bytes_max", "Bytes of a request's body; over it: 413.")
      .range(kKiB, 1024 * kMiB).ours());
  keys.push_back(make_key<kServer, &HttpServer::head_timeout>(
      "http_server.head_timeout", "Time for a request's line and headers; over it: 408 and a close.")
      .range(100ms, 1h).ours());
  keys.push_back(make_key<kServer, &HttpServer::idle_timeout>(
      "http_server.idle_timeout", "How long a kept-alive HTTP connection may wait for its next request.")
      .range(100ms, 24h).ours());
}

void add_process(ConfigKeys& keys) {
  keys.push_back(make_key<&Config::workers>(
      "workers", "Event loops, one thread each; 0: one per CPU of the process's affinity mask.")
      .range(0, 1024).ours());
  keys.push_back(make_key<&Config::open_files_reserve>(
      "open_files_reserve",
      "Open files that client connections may not use up, so that health checks and the API still answer.")
      .range(16, kMiB).ours());
  keys.push_back(make_key<&Config::log, &base::log::Options::level>(
      "log.level", "The least severe level that is logged (trace counts as debug, fatal as error).").live());
  keys.push_back(make_key<&Config::log, &base::log::Options::file>(
      "log.file", "File that log lines are added to; empty: standard error."));
  keys.push_back(make_key<&Config::log, &base::log::Options::format>(
      "log.format", "Lines for people, or one JSON object a line.").ours());
  keys.push_back(make_key<&Config::node, &Node::name>(
      "node.name", "Name of this node, unique in its cluster; empty: host name and port."));
  keys.push_back(make_key<&Config::node, &Node::region>(
      "node.region", "Where this node runs; a label of its metrics.").ours());
  keys.push_back(make_key<&Config::engine_type>(
      "engine.type", "Where messages and history live. This version has the memory engine only."));
  keys.push_back(make_key<&Config::shutdown_timeout>(
      "shutdown.timeout", "How long a stopping server waits for its connections to close.")
      .range(0ms, 1h));
}

void add_client(ConfigKeys& keys) {
  constexpr auto kClient = &Config::client;
  keys.push_back(make_key<kClient, &Client::allowed_origins>(
      "client.allowed_origins",
      "Origins of web pages that may connect, as \"https://*.example.com\"; \"*\": all of them; none: only pages "
      "from the server's own host. Clients that are not browsers send no origin and are let through."));
  keys.push_back(make_key<kClient, &Client::allow_anonymous_connect_without_token>(
      "client.allow_anonymous_connect_without_token", "Lets clients connect without a token, as the user \"\"."));
  keys.push_back(make_key<kClient, &Client::insecure>(
      "client.insecure", "Everybody may connect, subscribe and publish. For development only."));
  keys.push_back(make_key<kClient, &Client::ping_interval>(
      "client.ping_interval", "How often the server pings each client.").range(1s, 24h));
  keys.push_back(make_key<kClient, &Client::pong_timeout>(
      "client.pong_timeout", "How long a client may take to answer a ping; less than client.ping_interval.")
      .range(100ms, 24h));
  keys.push_back(make_key<kClient, &Client::stale_close_delay>(
      "client.stale_close_delay", "How long a new connection may take to send its connect command.")
      .range(100ms, 1h));
  keys.push_back(make_key<kClient, &Client::channel_limit>(
      "client.channel_limit", "Channels that one connection may subscribe to.").range(1, kMiB));
  keys.push_back(make_key<kClient, &Client::queue_max_size>(
      "client.queue_max_size", "Bytes that may wait for one slow client; over it, it is disconnected.")
      .range(kKiB, 1024 * kMiB));
  keys.push_back(make_key<kClient, &Client::connection_limit>(
      "client.connection_limit", "Connections that this node accepts; 0: as many as open files allow.")
      .range(0, kCountMax));
  keys.push_back(make_key<kClient, &Client::connection_rate_limit>(
      "client.connection_rate_limit", "New connections per second that this node accepts; 0: no limit.")
      .range(0, kCountMax));
  keys.push_back(make_key<kClient, &Client::user_connection_limit>(
      "client.user_connection_limit", "Connections of one user to this node; 0: no limit.")
      .range(0, kCountMax).later());
  keys.push_back(make_key<kClient, &Client::connect_include_server_time>(
      "client.connect_include_server_time", "Puts the server's time into the reply to a connect."));
  keys.push_back(make_key<kClient, &Client::history_max_publication_limit>(
      "client.history_max_publication_limit", "Publications that one history call of a client may ask for; 0: no limit.")
      .range(0, kCountMax).later());
  keys.push_back(make_key<kClient, &Client::recovery_max_publication_limit>(
      "client.recovery_max_publication_limit", "Publications that one recovery may bring; over it, none are recovered; 0: no limit.")
      .range(0, kCountMax).later());
  keys.push_back(make_key<kClient, &Client::presence_update_interval>(
      "client.presence_update_interval", "How often a subscriber's presence is renewed.").range(1s, 24h).later());
  keys.push_back(make_key<kClient, &Client::expired_close_delay>(
      "client.expired_close_delay", "How long an expired connection may take to bring a new token.")
      .range(0ms, 24h).later());
  keys.push_back(make_key<kClient, &Client::expired_sub_close_delay>(
      "client.expired_sub_close_delay", "The same for an expired subscription.").range(0ms, 24h).later());
  keys.push_back(make_key<kClient, &Client::disallow_anonymous_connection_tokens>(
      "client.disallow_anonymous_connection_tokens", "Refuses tokens that name no user.").later());
}

template <auto Tokens, auto Member>
Key<Config>& token_key(ConfigKeys& keys, const std::string& group, std::string_view name, std::string_view text) {
  keys.push_back(make_key<&Config::client, Tokens, Member>(group + std::string(name), text).later());
  return keys.back();
}

template <auto Tokens>
void add_token_keys(ConfigKeys& keys, const std::string& group) {
  token_key<Tokens, &TokenKeys::hmac_secret_key>(keys, group, "hmac_secret_key",
      "Secret of tokens signed with HS256, HS384 or HS512.").is_secret = true;
  token_key<Tokens, &TokenKeys::hmac_previous_secret_key>(keys, group, "hmac_previous_secret_key",
      "A secret that is still accepted while it is being replaced.").is_secret = true;
  token_key<Tokens, &TokenKeys::hmac_previous_secret_key_valid_until>(
      keys, group, "hmac_previous_secret_key_valid_until",
      "Until when the previous secret is accepted, in Unix seconds; 0: without an end.");
  token_key<Tokens, &TokenKeys::rsa_public_key>(keys, group, "rsa_public_key",
      "PEM of the public key of tokens signed with RS256, RS384 or RS512.");
  token_key<Tokens, &TokenKeys::ecdsa_public_key>(keys, group, "ecdsa_public_key",
      "PEM of the public key of tokens signed with ES256, ES384 or ES512.");
  token_key<Tokens, &TokenKeys::jwks_public_endpoint>(keys, group, "jwks_public_endpoint",
      "URL of a JSON Web Key Set with the public keys.");
  token_key<Tokens, &TokenKeys::audience>(keys, group, "audience", "The aud claim that a token must have; empty: any.");
  token_key<Tokens, &TokenKeys::audience_regex>(keys, group, "audience_regex",
      "A regular expression that the aud claim must match; empty: any.");
  token_key<Tokens, &TokenKeys::issuer>(keys, group, "issuer", "The iss claim that a token must have; empty: any.");
  token_key<Tokens, &TokenKeys::issuer_regex>(keys, group, "issuer_regex",
      "A regular expression that the iss claim must match; empty: any.");
  token_key<Tokens, &TokenKeys::user_id_claim>(keys, group, "user_id_claim",
      "The claim that holds the user's id; empty: sub.");
}

void add_tokens(ConfigKeys& keys) {
  add_token_keys<&Client::token>(keys, "client.token.");
  keys.push_back(make_key<&Config::client, &Client::subscription_token_enabled>(
      "client.subscription_token.enabled", "Subscription tokens have keys of their own, those below.").later());
  add_token_keys<&Client::subscription_token>(keys, "client.subscription_token.");
}

void add_channel(ConfigKeys& keys) {
  constexpr auto kChannel = &Config::channel;
  keys.push_back(make_key<kChannel, &Channel::max_length>(
      "channel.max_length", "Bytes of a channel's name.").range(1, 65'535));
  keys.push_back(make_key<kChannel, &Channel::private_prefix>(
      "channel.private_prefix", "Channels that begin with this need a subscription token."));
  keys.push_back(make_key<kChannel, &Channel::namespace_boundary>(
      "channel.namespace_boundary", "What stands between a channel's namespace and the rest of its name."));
  keys.push_back(make_key<kChannel, &Channel::user_boundary>(
      "channel.user_boundary", "What stands before the list of users of a user-limited channel."));
  keys.push_back(make_key<kChannel, &Channel::user_separator>(
      "channel.user_separator", "What stands between the users of that list."));
  keys.push_back(make_key<kChannel, &Channel::history_meta_ttl>(
      "channel.history_meta_ttl", "How long a channel's position outlives its last publication; whole seconds.")
      .range(1s, 87'600h).later());
  keys.push_back(make_key<kChannel, &Channel::publication_data_format>(
      "channel.publication_data_format", "publication_data_format of the namespaces that have none of their own."));
}

void add_transports(ConfigKeys& keys) {
  constexpr auto kWebSocket = &Config::websocket;
  keys.push_back(make_key<kWebSocket, &WebSocket::disabled>("websocket.disabled", "Turns the WebSocket endpoint off."));
  keys.push_back(make_key<kWebSocket, &WebSocket::handler_prefix>("websocket.handler_prefix", "Path of the WebSocket endpoint."));
  keys.push_back(make_key<kWebSocket, &WebSocket::compression>(
      "websocket.compression", "Offers permessage-deflate to clients that ask for it."));
  keys.push_back(make_key<kWebSocket, &WebSocket::compression_min_size>(
      "websocket.compression_min_size", "Bytes from which on a message is compressed.").range(0, 64 * kMiB));
  keys.push_back(make_key<kWebSocket, &WebSocket::compression_level>(
      "websocket.compression_level", "From 1, fast, to 9, small.").range(1, 9));
  keys.push_back(make_key<kWebSocket, &WebSocket::message_size_limit>(
      "websocket.message_size_limit", "Bytes of a message from a client; over it: close code 1009.")
      .range(1, 64 * kMiB));
  keys.push_back(make_key<kWebSocket, &WebSocket::message_fragments_limit>(
      "websocket.message_fragments_limit", "Frames that one message may come in; over it: close code 1009.")
      .range(1, kMiB).ours());
  keys.push_back(make_key<kWebSocket, &WebSocket::write_timeout>(
      "websocket.write_timeout", "How long the kernel may take none of what waits for a client, before it is closed.")
      .range(10ms, 1h).later());
  keys.push_back(make_key<&Config::http_api, &HttpApi::disabled>("http_api.disabled", "Turns the server API off."));
  keys.push_back(make_key<&Config::http_api, &HttpApi::handler_prefix>("http_api.handler_prefix", "Path of the server API."));
  keys.push_back(make_key<&Config::http_api, &HttpApi::key>(
      "http_api.key", "Key that callers of the server API send, as X-API-Key or Authorization: apikey.").secret());
  keys.push_back(make_key<&Config::http_api, &HttpApi::insecure>(
      "http_api.insecure", "Lets everybody who can reach it call the server API without a key."));
  keys.push_back(make_key<&Config::http_api, &HttpApi::external>(
      "http_api.external", "Serves the API on the clients' port, too, when the internal endpoints have their own.").later());
  keys.push_back(make_key<&Config::admin_enabled>("admin.enabled", "Turns the admin page on.").later());
  keys.push_back(make_key<&Config::prometheus_enabled>(
      "prometheus.enabled", "Serves metrics at /metrics (off by default in Centrifugo)."));
  keys.push_back(make_key<&Config::health_enabled>(
      "health.enabled", "Serves /health, /health/live and /health/ready (off by default in Centrifugo)."));
}

bool below(std::string_view path, std::string_view group) {
  return path.size() > group.size() && path.starts_with(group) && path[group.size()] == '.';
}

}  // namespace

const std::vector<Key<Config>>& config_keys() {
  static const ConfigKeys kKeys = [] {
    ConfigKeys keys;
    add_server(keys);
    add_process(keys);
    add_client(keys);
    add_tokens(keys);
    add_channel(keys);
    add_transports(keys);
    return keys;
  }();
  return kKeys;
}

bool is_group(std::string_view path) {
  if (path == kWithoutNamespace || below(kWithoutNamespace, path)) return true;
  if (std::ranges::any_of(config_keys(), [&](const auto& key) { return below(key.path, path); })) return true;
  return std::ranges::any_of(foreign_keys(), [&](const auto& key) { return below(key.path, path); });
}

std::string variable_name(std::string_view path) {
  std::string name(kVariablePrefix);
  for (const char c : path) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool sign = c == '.' || c == '-';
    name.push_back(lower ? static_cast<char>(c - 'a' + 'A') : sign ? '_' : c);
  }
  return name;
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kBoolean: return "boolean";
    case Type::kInteger: return "integer";
    case Type::kDuration: return "duration";
    case Type::kString: return "string";
    case Type::kChoice: return "choice";
    case Type::kStringList: return "list of strings";
  }
  return "";
}

std::string toml_text(const Setting& setting) {
  // A JSON string is a TOML basic string.
  std::string out;
  if (const auto* flag = std::get_if<bool>(&setting)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&setting)) return std::to_string(*number);
  if (const auto* duration = std::get_if<Milliseconds>(&setting)) return '"' + format_duration(*duration) + '"';
  if (const auto* text = std::get_if<std::string>(&setting)) {
    base::append_json_string(out, *text);
    return out;
  }
  out = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(setting)) {
    if (out.size() > 1) out += ", ";
    base::append_json_string(out, item);
  }
  return out + "]";
}

}  // namespace millrace::config
