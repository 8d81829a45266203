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

using ConfigKeys = std::vector<Key<Config>>;

void add_server(ConfigKeys& keys) {
  constexpr auto kServer = &Config::http_server;
  add<kServer, &HttpServer::address>(keys, "http_server.address",
                                     "Address to listen on, IPv4 or IPv6; empty: every interface.");
  add<kServer, &HttpServer::port>(keys, "http_server.port",
                                  "Port of the client connections; 0: any free port.");
  add<kServer, &HttpServer::unix_socket>(keys, "http_server.unix_socket",
                                         "Path of a unix socket to listen on as well; empty: none.")
      .ours();
  add<kServer, &HttpServer::internal_address>(
      keys, "http_server.internal_address",
      "Address of the internal endpoints (API, metrics, health, admin); empty: as "
      "http_server.address.")
      .later();
  add<kServer, &HttpServer::internal_port>(
      keys, "http_server.internal_port", "Port of the internal endpoints; 0: as http_server.port.")
      .digits()
      .later();
  add<kServer, &HttpServer::head_bytes_max>(keys, "http_server.head_bytes_max",
                                            "Bytes of a request's line and headers; over it: 431.")
      .range(kKiB, kMiB)
      .ours();
  add<kServer, &HttpServer::headers_max>(keys, "http_server.headers_max",
                                         "Headers of a request; over it: 431.")
      .range(8, 10'000)
      .ours();
  add<kServer, &HttpServer::body_bytes_max>(keys, "http_server.body_bytes_max",
                                            "Bytes of a request's body; over it: 413.")
      .range(kKiB, 1024 * kMiB)
      .ours();
  add<kServer, &HttpServer::head_timeout>(
      keys, "http_server.head_timeout",
      "Time for a request's line and headers; over it: 408 and a close.")
      .range(100ms, 1h)
      .ours();
  add<kServer, &HttpServer::idle_timeout>(
      keys, "http_server.idle_timeout",
      "How long a kept-alive HTTP connection may wait for its next request.")
      .range(100ms, 24h)
      .ours();
  add<kServer, &HttpServer::proxy_protocol>(
      keys, "http_server.proxy_protocol",
      "Connections from http_server.trusted_proxies must begin with a header of the PROXY "
      "protocol, "
      "version 1 or 2, within http_server.head_timeout; those from elsewhere are closed.")
      .ours();
  add<kServer, &HttpServer::trusted_proxies>(
      keys, "http_server.trusted_proxies",
      "Proxies whose word about a client's address is taken (PROXY protocol, X-Forwarded-For, "
      "Forwarded): addresses, networks as \"10.0.0.0/8\", \"unix\" for whoever comes by the unix "
      "socket; empty: nobody.")
      .ours();
}

void add_tls(ConfigKeys& keys) {
  constexpr auto kServer = &Config::http_server;
  constexpr auto kTls = &HttpServer::tls;
  add<kServer, kTls, &Tls::enabled>(
      keys, "http_server.tls.enabled",
      "Speaks TLS on http_server.port, instead of leaving it to a balancer.");
  add<kServer, kTls, &Tls::cert_pem>(
      keys, "http_server.tls.cert_pem",
      "The certificate and those that lead to its authority, in PEM; base64 of that, or the path "
      "of a file with it. SIGHUP reads files again, also if nothing else has changed.")
      .live();
  add<kServer, kTls, &Tls::key_pem>(
      keys, "http_server.tls.key_pem",
      "The certificate's private key, in the same forms, without a password.")
      .secret()
      .live();
  add<kServer, kTls, &Tls::second_cert_pem>(
      keys, "http_server.tls.second_cert_pem",
      "A second certificate with another kind of key, so that clients that cannot verify ECDSA get "
      "RSA; empty: none.")
      .live()
      .ours();
  add<kServer, kTls, &Tls::second_key_pem>(keys, "http_server.tls.second_key_pem",
                                           "The private key of the second certificate.")
      .secret()
      .live()
      .ours();
  add<kServer, kTls, &Tls::min_version>(keys, "http_server.tls.min_version",
                                        "The oldest version of TLS that is spoken.")
      .live()
      .ours();
  add<kServer, kTls, &Tls::session_ticket_key_files>(
      keys, "http_server.tls.session_ticket_key_files",
      "Files with a key of session tickets each, 80 or 48 random bytes, the same on all nodes "
      "behind "
      "a balancer; the first one makes tickets, all are accepted. SIGHUP reads them again. None: "
      "each process makes keys of its own.")
      .live()
      .ours();
}

void add_process(ConfigKeys& keys) {
  add<&Config::workers>(
      keys, "workers",
      "Event loops, one thread each; 0: one per CPU of the process's affinity mask.")
      .range(0, 1024)
      .ours();
  add<&Config::open_files_reserve>(keys, "open_files_reserve",
                                   "Open files that client connections may not use up, so "
                                   "that health checks and the API still answer.")
      .range(16, kMiB)
      .ours();
  add<&Config::log, &base::log::Options::level>(
      keys, "log.level",
      "The least severe level that is logged (trace counts as debug, fatal as error).")
      .live();
  add<&Config::log, &base::log::Options::file>(
      keys, "log.file", "File that log lines are added to; empty: standard error.");
  add<&Config::log, &base::log::Options::format>(keys, "log.format",
                                                 "Lines for people, or one JSON object a line.")
      .ours();
  add<&Config::node, &Node::name>(
      keys, "node.name", "Name of this node, unique in its cluster; empty: host name and port.");
  add<&Config::node, &Node::region>(keys, "node.region",
                                    "Where this node runs; a label of its metrics.")
      .ours();
  add<&Config::engine_type>(
      keys, "engine.type",
      "Where messages and history live. This version has the memory engine only.");
  add<&Config::shutdown_timeout>(keys, "shutdown.timeout",
                                 "How long a stopping server waits for its connections to close.")
      .range(0ms, 1h);
}

void add_client(ConfigKeys& keys) {
  constexpr auto kClient = &Config::client;
  add<kClient, &Client::allowed_origins>(
      keys, "client.allowed_origins",
      "Origins of web pages that may connect, as \"https://*.example.com\"; \"*\": all of them; "
      "none: only pages from the server's own host. Clients that are not browsers send no origin "
      "and are let through.");
  add<kClient, &Client::allow_anonymous_connect_without_token>(
      keys, "client.allow_anonymous_connect_without_token",
      "Lets clients connect without a token, as the user \"\".");
  add<kClient, &Client::user_id_http_header>(
      keys, "client.user_id_http_header",
      "Header in which a proxy in front names the user of a client that has no token. Only proxies "
      "of http_server.trusted_proxies are believed, and they must not let a client's own header "
      "pass; empty: none.");
  add<kClient, &Client::insecure>(
      keys, "client.insecure",
      "Everybody may connect, subscribe and publish. For development only.");
  add<kClient, &Client::ping_interval>(keys, "client.ping_interval",
                                       "How often the server pings each client; 0: never, and "
                                       "clients that vanish are found out only by writing to them.")
      .range(0ms, 24h);
  add<kClient, &Client::pong_timeout>(
      keys, "client.pong_timeout",
      "How long a client may take to answer a ping; less than client.ping_interval.")
      .range(100ms, 24h);
  add<kClient, &Client::stale_close_delay>(
      keys, "client.stale_close_delay",
      "How long a new connection may take to send its connect command.")
      .range(100ms, 1h);
}

void add_client_limits(ConfigKeys& keys) {
  constexpr auto kClient = &Config::client;
  add<kClient, &Client::channel_limit>(keys, "client.channel_limit",
                                       "Channels that one connection may subscribe to.")
      .range(1, kMiB);
  add<kClient, &Client::queue_max_size>(
      keys, "client.queue_max_size",
      "Bytes that may wait for one slow client; over it, it is disconnected.")
      .range(kKiB, 1024 * kMiB);
  add<kClient, &Client::write_delay>(
      keys, "client.write_delay",
      "How long publications wait for others to the same connection, to leave in one write.")
      .range(0ms, 10s);
  add<kClient, &Client::batch_max_size>(
      keys, "client.batch_max_size",
      "With client.write_delay: so many messages of a connection don't wait any longer.")
      .range(1, kMiB)
      .ours();
  add<kClient, &Client::busy_write_delay>(
      keys, "client.busy_write_delay",
      "While a core has more to do than it can, what it has to send waits for more, for so long "
      "at most.")
      .range(0ms, 10s)
      .ours();
  add<kClient, &Client::connection_limit>(
      keys, "client.connection_limit",
      "Connections that this node accepts; 0: as many as open files allow.")
      .range(0, kCountMax);
  add<kClient, &Client::connection_rate_limit>(
      keys, "client.connection_rate_limit",
      "New connections per second that this node accepts; 0: no limit.")
      .range(0, kCountMax);
  add<kClient, &Client::user_connection_limit>(keys, "client.user_connection_limit",
                                               "Connections of one user to this node; 0: no limit.")
      .range(0, kCountMax);
  add<kClient, &Client::connect_include_server_time>(
      keys, "client.connect_include_server_time",
      "Puts the server's time into the reply to a connect.");
  add<kClient, &Client::history_max_publication_limit>(
      keys, "client.history_max_publication_limit",
      "Publications that one history call of a client may ask for; 0: no limit.")
      .range(0, kCountMax);
  add<kClient, &Client::recovery_max_publication_limit>(
      keys, "client.recovery_max_publication_limit",
      "Publications that one recovery may bring; over it, none are recovered; 0: no limit.")
      .range(0, kCountMax);
  add<kClient, &Client::recovery_max_bytes>(
      keys, "client.recovery_max_bytes",
      "Bytes of payload that one recovery may bring; over it, nothing is recovered.")
      .range(kKiB, 1024 * kMiB)
      .ours();
  add<kClient, &Client::presence_max_members>(
      keys, "client.presence_max_members",
      "Members that one presence call may list; a channel with more tells their number only.")
      .range(1, kCountMax)
      .ours();
  add<kClient, &Client::presence_update_interval>(keys, "client.presence_update_interval",
                                                  "How often a subscriber's presence is renewed.")
      .range(1s, 24h)
      .later();
  add<kClient, &Client::expired_close_delay>(
      keys, "client.expired_close_delay",
      "How long an expired connection may take to bring a new token.")
      .range(0ms, 24h);
  add<kClient, &Client::expired_sub_close_delay>(keys, "client.expired_sub_close_delay",
                                                 "The same for an expired subscription.")
      .range(0ms, 24h);
  add<kClient, &Client::disallow_anonymous_connection_tokens>(
      keys, "client.disallow_anonymous_connection_tokens", "Refuses tokens that name no user.");
}

template <auto Tokens, auto Member>
Key<Config>& token_key(ConfigKeys& keys, const std::string& group, std::string_view name,
                       std::string_view text) {
  return add<&Config::client, Tokens, Member>(keys, group + std::string(name), text);
}

template <auto Tokens>
void add_token_keys(ConfigKeys& keys, const std::string& group) {
  token_key<Tokens, &TokenKeys::hmac_secret_key>(
      keys, group, "hmac_secret_key", "Secret of tokens signed with HS256, HS384 or HS512.")
      .secret();
  token_key<Tokens, &TokenKeys::hmac_previous_secret_key>(
      keys, group, "hmac_previous_secret_key",
      "A secret that is still accepted while it is being replaced.")
      .secret();
  token_key<Tokens, &TokenKeys::hmac_previous_secret_key_valid_until>(
      keys, group, "hmac_previous_secret_key_valid_until",
      "Until when the previous secret is accepted, in Unix seconds; 0: without an end.");
  token_key<Tokens, &TokenKeys::rsa_public_key>(
      keys, group, "rsa_public_key",
      "PEM of the public key of tokens signed with RS256, RS384 or RS512.");
  token_key<Tokens, &TokenKeys::ecdsa_public_key>(
      keys, group, "ecdsa_public_key",
      "PEM of the public key of tokens signed with ES256, ES384 or ES512.");
  token_key<Tokens, &TokenKeys::ed25519_public_key>(
      keys, group, "ed25519_public_key",
      "PEM of the public key of tokens signed with EdDSA, of the type Ed25519.")
      .ours();
  token_key<Tokens, &TokenKeys::jwks_public_endpoint>(
      keys, group, "jwks_public_endpoint",
      "URL of a JSON Web Key Set with the public keys, by kid. {{name}} in it stands for a named "
      "group of audience_regex or issuer_regex.");
  token_key<Tokens, &TokenKeys::audience>(keys, group, "audience",
                                          "The aud claim that a token must have; empty: any.");
  token_key<Tokens, &TokenKeys::audience_regex>(
      keys, group, "audience_regex",
      "A regular expression that the aud claim must match; empty: any.");
  token_key<Tokens, &TokenKeys::issuer>(keys, group, "issuer",
                                        "The iss claim that a token must have; empty: any.");
  token_key<Tokens, &TokenKeys::issuer_regex>(
      keys, group, "issuer_regex",
      "A regular expression that the iss claim must match; empty: any.");
  token_key<Tokens, &TokenKeys::user_id_claim>(keys, group, "user_id_claim",
                                               "The claim that holds the user's id; empty: sub.");
}

void add_tokens(ConfigKeys& keys) {
  add_token_keys<&Client::token>(keys, "client.token.");
  add<&Config::client, &Client::subscription_token_enabled>(
      keys, "client.subscription_token.enabled",
      "Subscription tokens have keys of their own, those below.");
  add_token_keys<&Client::subscription_token>(keys, "client.subscription_token.");
}

void add_channel(ConfigKeys& keys) {
  constexpr auto kChannel = &Config::channel;
  add<kChannel, &Channel::max_length>(keys, "channel.max_length", "Bytes of a channel's name.")
      .range(1, 65'535);
  add<kChannel, &Channel::private_prefix>(
      keys, "channel.private_prefix", "Channels that begin with this need a subscription token.");
  add<kChannel, &Channel::namespace_boundary>(
      keys, "channel.namespace_boundary",
      "What stands between a channel's namespace and the rest of its name.");
  add<kChannel, &Channel::user_boundary>(
      keys, "channel.user_boundary",
      "What stands before the list of users of a user-limited channel.");
  add<kChannel, &Channel::user_separator>(keys, "channel.user_separator",
                                          "What stands between the users of that list.");
  add<kChannel, &Channel::history_meta_ttl>(
      keys, "channel.history_meta_ttl",
      "How long a channel's position outlives its last publication; whole seconds.")
      .range(1s, 87'600h)
      .later();
  add<kChannel, &Channel::publication_data_format>(
      keys, "channel.publication_data_format",
      "publication_data_format of the namespaces that have none of their own.");
}

void add_endpoints(ConfigKeys& keys) {
  add<&Config::http_api, &HttpApi::disabled>(keys, "http_api.disabled",
                                             "Turns the server API off.");
  add<&Config::http_api, &HttpApi::handler_prefix>(keys, "http_api.handler_prefix",
                                                   "Path of the server API.");
  add<&Config::http_api, &HttpApi::key>(
      keys, "http_api.key",
      "Key that callers of the server API send, as X-API-Key or Authorization: apikey.")
      .secret();
  add<&Config::http_api, &HttpApi::error_mode>(keys, "http_api.error_mode",
                                               "How errors are answered: with status 200 and an "
                                               "error object, or with a status of their own.");
  add<&Config::http_api, &HttpApi::insecure>(
      keys, "http_api.insecure",
      "Lets everybody who can reach it call the server API without a key.");
  add<&Config::http_api, &HttpApi::external>(
      keys, "http_api.external",
      "Serves the API on the clients' port, too, when the internal endpoints have their own.")
      .later();
  add<&Config::admin_enabled>(keys, "admin.enabled", "Turns the admin page on.").later();
  add<&Config::prometheus_enabled>(keys, "prometheus.enabled",
                                   "Serves metrics at /metrics (off by default in Centrifugo).");
  add<&Config::health_enabled>(
      keys, "health.enabled",
      "Serves /health, /health/live and /health/ready (off by default in Centrifugo).");
}

bool below(std::string_view path, std::string_view group) {
  return path.size() > group.size() && path.starts_with(group) && path[group.size()] == '.';
}

}  // namespace

const std::vector<Key<Config>>& config_keys() {
  static const ConfigKeys kKeys = [] {
    ConfigKeys keys;
    add_server(keys);
    add_tls(keys);
    add_process(keys);
    add_client(keys);
    add_client_limits(keys);
    add_tokens(keys);
    add_proxy_keys(keys);
    add_channel(keys);
    add_transport_keys(keys);
    add_endpoints(keys);
    return keys;
  }();
  return kKeys;
}

bool is_group(std::string_view path) {
  if (path == kWithoutNamespace || below(kWithoutNamespace, path)) return true;
  if (std::ranges::any_of(config_keys(), [&](const auto& key) { return below(key.path, path); }))
    return true;
  return std::ranges::any_of(foreign_keys(),
                             [&](const auto& key) { return below(key.path, path); });
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
    case Type::kBoolean:
      return "boolean";
    case Type::kInteger:
      return "integer";
    case Type::kDuration:
      return "duration";
    case Type::kString:
      return "string";
    case Type::kChoice:
      return "choice";
    case Type::kStringList:
      return "list of strings";
    case Type::kTableList:
      return "list of tables";
  }
  return "";
}

namespace {

// {code = 109, to.code = 4109}
std::string row_text(const Row& row) {
  std::string out = "{";
  for (const auto& [path, cell] : row) {
    if (out.size() > 1) out += ", ";
    out += std::string(path) + " = " +
           std::visit([](const auto& value) { return toml_text(Setting(value)); }, cell);
  }
  return out + "}";
}

}  // namespace

std::string toml_text(const Setting& setting) {
  // A JSON string is a TOML basic string.
  std::string out;
  if (const auto* flag = std::get_if<bool>(&setting)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&setting)) return std::to_string(*number);
  if (const auto* duration = std::get_if<Milliseconds>(&setting))
    return '"' + format_duration(*duration) + '"';
  if (const auto* text = std::get_if<std::string>(&setting)) {
    base::append_json_string(out, *text);
    return out;
  }
  out = "[";
  const auto add_item = [&out](const std::string& item) {
    out += (out.size() > 1 ? ", " : "") + item;
  };
  if (const auto* rows = std::get_if<std::vector<Row>>(&setting)) {
    for (const Row& row : *rows) add_item(row_text(row));
    return out + "]";
  }
  for (const std::string& item : std::get<std::vector<std::string>>(setting)) {
    std::string quoted;
    base::append_json_string(quoted, item);
    add_item(quoted);
  }
  return out + "]";
}

}  // namespace millrace::config
