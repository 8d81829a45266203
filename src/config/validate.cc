// What one value alone can't show: how keys go together, and the shape of names, paths and
// patterns.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <initializer_list>
#include <set>
#include <utility>
#include <vector>

#include "config/draft.h"
#include "config/duration.h"
#include "net/net.h"

namespace millrace::config {
namespace {

constexpr size_t kUnixPathMax = 107;  // bytes of sockaddr_un::sun_path, without its end
constexpr size_t kSignBytesMax = 8;
// What nginx, HAProxy's examples and the load balancers of clouds wait by default, and what leaves
// them some time.
constexpr Milliseconds kProxiesWait = std::chrono::seconds(60);
constexpr Milliseconds kHoldUsual = std::chrono::seconds(55);
constexpr Milliseconds kIntervalMin = std::chrono::seconds(1);

// Complains about keys, unless one that it depends on has been refused already.
class Checker {
 public:
  explicit Checker(Draft& draft) : draft_(draft) {}

  // `key` is where the message points; `others` are the further ones that the rule is about.
  void require(bool holds, const std::string& key, std::initializer_list<std::string_view> others,
               std::string message) {
    if (holds || refused(key) ||
        std::ranges::any_of(others, [&](auto other) { return refused(other); }))
      return;
    // The rule broke where somebody wrote something; that is rarely the key that has its default.
    std::string at = key;
    for (const std::string_view other : others) {
      if (draft_.places.contains(at)) break;
      if (draft_.places.contains(other)) at = other;
    }
    draft_.error(draft_.place_of(at), key, std::move(message));
  }

  // Whether somebody set it, maybe to what it is by default.
  bool written(const std::string& key) const { return draft_.places.contains(key); }

  void warn(bool holds, const std::string& key, std::string message) {
    if (!holds) draft_.warn(draft_.place_of(key), key, std::move(message));
  }
  // Of something that nobody wrote.
  void warn_of_absence(bool holds, const std::string& key, std::string message) {
    if (!holds && draft_.errors.empty()) draft_.warn(Place{}, key, std::move(message));
  }

 private:
  bool refused(std::string_view key) const { return draft_.failed.contains(key); }

  Draft& draft_;
};

bool printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// "" if `pattern` compiles, else why not.
std::string regex_error_of(const std::string& pattern) {
  const re2::RE2 compiled(pattern, re2::RE2::Quiet);
  return compiled.ok() ? std::string() : compiled.error();
}

bool whole_seconds(Milliseconds duration) {
  return duration.count() % 1000 == 0;
}

bool valid_namespace_name(std::string_view name) {
  return name.size() >= 2 && std::ranges::all_of(name, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ||
                  c == '-';
         });
}

// "*", "null", or scheme://host, with an optional port and * for parts of it.
bool valid_origin(std::string_view origin) {
  if (origin == "*" || origin == "null") return true;
  const size_t scheme = origin.find("://");
  if (scheme == 0 || scheme == std::string_view::npos || !printable_ascii(origin)) return false;
  const std::string_view host = origin.substr(scheme + 3);
  return !host.empty() && host.find('/') == std::string_view::npos;
}

bool valid_path(std::string_view path) {
  return path.size() >= 2 && path.starts_with('/') && !path.ends_with('/') &&
         printable_ascii(path) && path.find_first_of("?#*") == std::string_view::npos;
}

void check_server(const Config& config, Checker& check) {
  const HttpServer& server = config.http_server;
  check.require(server.unix_socket.size() <= kUnixPathMax, "http_server.unix_socket", {},
                "is longer than the " + std::to_string(kUnixPathMax) +
                    " bytes that a unix socket's path may have");
  for (const auto& [key, address] :
       {std::pair{"http_server.address", &server.address},
        std::pair{"http_server.internal_address", &server.internal_address}}) {
    check.require(printable_ascii(*address) && address->find('/') == std::string::npos, key, {},
                  "is not an address: \"" + *address + "\"");
  }
  const base::Result<net::TrustedPeers> trusted = net::TrustedPeers::parse(server.trusted_proxies);
  check.require(trusted.has_value(), "http_server.trusted_proxies", {},
                trusted ? "" : trusted.error().message);
  check.require(!server.proxy_protocol || !server.trusted_proxies.empty(),
                "http_server.proxy_protocol", {"http_server.trusted_proxies"},
                "needs http_server.trusted_proxies: whose headers are to be believed");
}

// A path that the server answers at, and the key that says so. `polls`: the second path of
// long_poll.handler_prefix.
struct Endpoint {
  std::string_view key;
  std::string path;
  bool polls = false;

  std::string name() const { return std::string(key) + (polls ? "'s polls" : ""); }
};

std::vector<Endpoint> endpoints(const Config& config) {
  std::vector<Endpoint> all;
  const auto add = [&](bool on, std::string_view group, const std::string& path) {
    if (on) all.push_back({group, path});
  };
  const bool emulated =
      config.http_stream.enabled || config.sse.enabled || config.long_poll.enabled;
  add(!config.websocket.disabled, "websocket.handler_prefix", config.websocket.handler_prefix);
  add(config.http_stream.enabled, "http_stream.handler_prefix", config.http_stream.handler_prefix);
  add(config.sse.enabled, "sse.handler_prefix", config.sse.handler_prefix);
  add(config.long_poll.enabled, "long_poll.handler_prefix", config.long_poll.handler_prefix);
  if (config.long_poll.enabled)
    all.push_back({"long_poll.handler_prefix",
                   config.long_poll.handler_prefix + std::string(kPollPath), true});
  add(emulated, "emulation.handler_prefix", config.emulation.handler_prefix);
  add(config.uni_websocket.enabled, "uni_websocket.handler_prefix",
      config.uni_websocket.handler_prefix);
  add(config.uni_sse.enabled, "uni_sse.handler_prefix", config.uni_sse.handler_prefix);
  add(config.uni_http_stream.enabled, "uni_http_stream.handler_prefix",
      config.uni_http_stream.handler_prefix);
  add(config.init.enabled, "init.handler_prefix", config.init.handler_prefix);
  add(!config.http_api.disabled, "http_api.handler_prefix", config.http_api.handler_prefix);
  return all;
}

// Paths have the shape of paths, and no two endpoints have the same.
void check_paths(const Config& config, Checker& check) {
  constexpr std::string_view kFixed[] = {"/metrics", "/health", "/health/live", "/health/ready"};
  const std::vector<Endpoint> all = endpoints(config);
  const Config defaults;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string key(all[i].key);
    const auto known = std::ranges::find(config_keys(), key, &Key<Config>::path);
    check.require(all[i].polls || valid_path(all[i].path), key, {},
                  "must be a path such as " + toml_text(known->get(defaults)));
    check.require(std::ranges::find(kFixed, all[i].path) == std::end(kFixed), key, {},
                  "is a path of the metrics or the health checks");
    for (size_t j = 0; j < i; ++j) {
      check.require(all[i].path != all[j].path || !valid_path(all[i].path), key, {all[j].key},
                    "is the same path as " + all[j].name());
    }
  }
  if (config.http_api.disabled) return;
  // The API's methods are there.
  const std::string below = config.http_api.handler_prefix + "/";
  for (const Endpoint& endpoint : all) {
    check.require(endpoint.polls || !endpoint.path.starts_with(below), std::string(endpoint.key),
                  {"http_api.handler_prefix"}, "lies below http_api.handler_prefix");
  }
}

// How long nothing may be said on a connection.
void check_silence(const Config& config, Checker& check) {
  const auto cut = [](const std::string& what) {
    return "leaves " + what + " silent for longer than many proxies wait (" +
           format_duration(kProxiesWait) + "), so they would cut it";
  };
  const Milliseconds pings = config.client.ping_interval;
  const bool pings_do = pings.count() > 0 && pings <= kHoldUsual;
  check.require(pings.count() == 0 || pings >= kIntervalMin, "client.ping_interval", {},
                "must be 0, or at least " + format_duration(kIntervalMin));
  const bool websockets = !config.websocket.disabled || config.uni_websocket.enabled;
  check.warn(!websockets || pings_do, "client.ping_interval", cut("a WebSocket"));
  const auto stream = [&](const std::string& group, const HttpTransport& transport) {
    const std::string key = group + "keep_alive_interval";
    const Milliseconds interval = transport.keep_alive_interval;
    check.require(interval.count() == 0 || interval >= kIntervalMin, key, {},
                  "must be 0, or at least " + format_duration(kIntervalMin));
    const bool kept_alive = interval.count() > 0 && interval <= kHoldUsual;
    check.warn(!transport.enabled || pings_do || kept_alive, key, cut("a stream"));
  };
  stream("http_stream.", config.http_stream);
  stream("sse.", config.sse);
  stream("uni_http_stream.", config.uni_http_stream);
  stream("uni_sse.", config.uni_sse);
}

void check_transports(const Config& config, Checker& check) {
  const auto body = [&](bool on, const std::string& group, size_t bytes) {
    check.warn(!on || bytes <= config.http_server.body_bytes_max, group + "max_request_body_size",
               "is more than http_server.body_bytes_max, which is what counts");
  };
  body(config.http_stream.enabled, "http_stream.", config.http_stream.max_request_body_size);
  body(config.sse.enabled, "sse.", config.sse.max_request_body_size);
  body(config.long_poll.enabled, "long_poll.", config.long_poll.max_request_body_size);
  body(true, "emulation.", config.emulation.max_request_body_size);
  body(config.uni_sse.enabled, "uni_sse.", config.uni_sse.max_request_body_size);
  body(config.uni_http_stream.enabled, "uni_http_stream.",
       config.uni_http_stream.max_request_body_size);
  check.warn(!config.long_poll.enabled || config.long_poll.hold <= kHoldUsual, "long_poll.hold",
             "is longer than many proxies wait for a response (" + format_duration(kProxiesWait) +
                 "), so polls would end in errors");

  const size_t total = config.client.connection_limit;
  const auto limit = [&](const std::string& group, size_t connections) {
    check.warn(total == 0 || connections <= total, group + "connection_limit",
               "is more than client.connection_limit, which is what counts");
  };
  limit("websocket.", config.websocket.connection_limit);
  limit("http_stream.", config.http_stream.connection_limit);
  limit("sse.", config.sse.connection_limit);
  limit("long_poll.", config.long_poll.connection_limit);
  limit("uni_websocket.", config.uni_websocket.connection_limit);
  limit("uni_sse.", config.uni_sse.connection_limit);
  limit("uni_http_stream.", config.uni_http_stream.connection_limit);
}

// How clients that only listen are told that they can't connect.
void check_refusals(const Config& config, Checker& check) {
  const auto used = [&](const std::string& group, bool enabled, bool any) {
    check.warn(!enabled || any, group + "enabled", "is on without transforms, and does nothing");
  };
  const auto& disconnects = config.client.connect_code_to_unidirectional_disconnect;
  used("client.connect_code_to_unidirectional_disconnect.", disconnects.enabled,
       !disconnects.transforms.empty());
  for (const auto& [name, transport] : {std::pair{"uni_sse", &config.uni_sse},
                                        std::pair{"uni_http_stream", &config.uni_http_stream}}) {
    const auto& responses = transport->connect_code_to_http_response;
    const std::string group = std::string(name) + ".connect_code_to_http_response.";
    used(group, responses.enabled, !responses.transforms.empty());
    for (size_t i = 0; i < responses.transforms.size(); ++i) {
      const CodeToHttpResponse& each = responses.transforms[i];
      const bool bodiless =
          each.to_status_code == 204 || each.to_status_code == 205 || each.to_status_code == 304;
      check.require(
          !bodiless || each.to_body.empty(),
          group + "transforms[" + std::to_string(i) + "].to.body", {},
          "a response with status " + std::to_string(each.to_status_code) + " has no body");
    }
  }
  const UniWebSocket& websocket = config.uni_websocket;
  check.warn(!websocket.disable_disconnect_push || !websocket.disable_closing_handshake,
             "uni_websocket.disable_closing_handshake",
             "and uni_websocket.disable_disconnect_push are both on: clients are not told why they "
             "are closed");
}

void check_tls(const Tls& tls, Checker& check) {
  if (!tls.enabled) return;
  const auto loaded = load_tls(tls);
  if (!loaded)
    check.require(false, loaded.error().key, {"http_server.tls.enabled"}, loaded.error().message);
  for (const TlsProblem& doubt : doubts_of(tls)) check.warn(false, doubt.key, doubt.message);
}

void check_tokens(const std::string& group, const TokenKeys& keys, Checker& check) {
  const base::Result<> good = auth::check(token_options(keys));
  if (good) return;
  // "option: what is wrong with it"
  const std::string& message = good.error().message;
  const size_t colon = message.find(": ");
  check.require(false, group + message.substr(0, colon), {}, message.substr(colon + 2));
}

void check_client(const Config& config, Checker& check) {
  const Client& client = config.client;
  check.require(client.ping_interval < kIntervalMin || client.pong_timeout < client.ping_interval,
                "client.pong_timeout", {"client.ping_interval"},
                "must be less than client.ping_interval (" + format_duration(client.pong_timeout) +
                    " and " + format_duration(client.ping_interval) + ")");
  for (const std::string& origin : client.allowed_origins) {
    check.require(
        valid_origin(origin), "client.allowed_origins", {},
        "\"" + origin + "\" is not an origin: it is \"*\", or scheme://host without a path");
  }
  check_tokens("client.token.", client.token, check);
  check_tokens("client.subscription_token.", client.subscription_token, check);
  check.warn(!client.subscription_token_enabled || client.subscription_token.any_key(),
             "client.subscription_token.enabled",
             "is on without a key, so no subscription token is valid");
  check.warn(client.queue_max_size >= config.websocket.message_size_limit, "client.queue_max_size",
             "is less than websocket.message_size_limit: the largest messages would disconnect "
             "whoever gets them");
  check.warn(client.write_delay.count() > 0 || !check.written("client.batch_max_size"),
             "client.batch_max_size", "has no effect without client.write_delay");
}

void check_questions(const Config& config, Checker& check) {
  for (const ProxyFinding& each : check_backend(config)) {
    if (each.is_error) check.require(false, each.key, {}, each.message);
    if (!each.is_error) check.warn(false, each.key, each.message);
  }
}

void check_signs(const Channel& channel, Checker& check) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> signs = {
      {{"channel.private_prefix", &channel.private_prefix},
       {"channel.namespace_boundary", &channel.namespace_boundary},
       {"channel.user_boundary", &channel.user_boundary},
       {"channel.user_separator", &channel.user_separator}}};
  for (size_t i = 0; i < signs.size(); ++i) {
    const std::string& sign = *signs[i].second;
    check.require(!sign.empty() && sign.size() <= kSignBytesMax && printable_ascii(sign),
                  std::string(signs[i].first), {},
                  "must be 1 to " + std::to_string(kSignBytesMax) + " printable ASCII characters");
    for (size_t j = 0; j < i; ++j) {
      check.require(sign.empty() || sign != *signs[j].second, std::string(signs[i].first),
                    {signs[j].first}, "is the same as " + std::string(signs[j].first));
    }
  }
}

void check_history(const Channel& channel, const ChannelOptions& options, const std::string& prefix,
                   Checker& check) {
  const std::string size = prefix + "history_size";
  const std::string ttl = prefix + "history_ttl";
  const bool history = options.history_size > 0 && options.history_ttl.count() > 0;
  const bool half = !history && (options.history_size > 0 || options.history_ttl.count() > 0);
  check.require(!half, options.history_size > 0 ? size : ttl, {size, ttl},
                "history needs both history_size and history_ttl");
  check.require(whole_seconds(options.history_ttl), ttl, {}, "must be whole seconds");
  check.require(whole_seconds(options.history_meta_ttl), prefix + "history_meta_ttl", {},
                "must be whole seconds");
  const bool own = options.history_meta_ttl.count() > 0;
  const Milliseconds meta = own ? options.history_meta_ttl : channel.history_meta_ttl;
  check.require(options.history_ttl <= meta, ttl,
                {prefix + "history_meta_ttl", "channel.history_meta_ttl"},
                "must not be more than " + (own ? prefix : "channel.") + "history_meta_ttl (" +
                    format_duration(meta) + ")");
  for (const auto& [name, on] : {std::pair{"force_recovery", options.force_recovery},
                                 std::pair{"force_positioning", options.force_positioning}}) {
    check.require(!on || history || half, prefix + name, {size, ttl},
                  "needs history: set history_size and history_ttl");
  }
  const bool cache = options.force_recovery_mode == RecoveryMode::kCache;
  check.require(!cache || options.force_recovery, prefix + "force_recovery_mode",
                {prefix + "force_recovery"}, "\"cache\" needs force_recovery");
  check.require(!options.auto_cache_recover || (cache && options.force_recovery),
                prefix + "auto_cache_recover",
                {prefix + "force_recovery", prefix + "force_recovery_mode"},
                "needs force_recovery and force_recovery_mode \"cache\"");
}

void check_options(const Channel& channel, const ChannelOptions& options, const std::string& prefix,
                   Checker& check) {
  check_history(channel, options, prefix, check);
  const std::string batch = prefix + "batch_max_size";
  check.warn(options.batch_max_delay.count() > 0 || !check.written(batch), batch,
             "has no effect without batch_max_delay");
  const std::string why = regex_error_of(options.channel_regex);
  check.require(why.empty(), prefix + "channel_regex", {}, "is not a regular expression: " + why);
  for (const std::string& type : options.allowed_delta_types) {
    check.require(type == "fossil", prefix + "allowed_delta_types", {},
                  "\"" + type + "\" is not a delta type; \"fossil\" is the only one");
  }
}

void check_channel(const Channel& channel, Checker& check) {
  check_signs(channel, check);
  check.require(whole_seconds(channel.history_meta_ttl), "channel.history_meta_ttl", {},
                "must be whole seconds");
  check_options(channel, channel.without_namespace, std::string(kWithoutNamespace) + ".", check);
  std::set<std::string_view> names;
  for (const Namespace& space : channel.namespaces) {
    const std::string prefix = namespace_prefix(space.name);
    check.require(names.insert(space.name).second, prefix + "name", {},
                  "there is another namespace of this name");
    check.require(valid_namespace_name(space.name), prefix + "name", {},
                  "must be at least 2 of the characters a-z A-Z 0-9 _ . -");
    check.require(channel.namespace_boundary.empty() ||
                      space.name.find(channel.namespace_boundary) == std::string::npos,
                  prefix + "name", {"channel.namespace_boundary"},
                  "holds channel.namespace_boundary");
    check_options(channel, space.options, prefix, check);
  }
}

void check_access(const Config& config, Checker& check) {
  const Client& client = config.client;
  if (config.dev) return;
  check.warn(!client.insecure, "client.insecure",
             "is on: everybody may connect, subscribe and publish");
  const bool somebody = client.insecure || client.allow_anonymous_connect_without_token ||
                        client.token.any_key() || client.connect_proxy.enabled ||
                        !client.user_id_http_header.empty();
  check.warn_of_absence(
      somebody, "client.token",
      "has no key, so nobody can connect; to try Millrace out, start it with --dev");
}

}  // namespace

void validate(Draft& draft) {
  Checker check(draft);
  check_server(draft.config, check);
  check_tls(draft.config.http_server.tls, check);
  check_paths(draft.config, check);
  check_silence(draft.config, check);
  check_transports(draft.config, check);
  check_refusals(draft.config, check);
  check_client(draft.config, check);
  check_questions(draft.config, check);
  check_channel(draft.config.channel, check);
  check_access(draft.config, check);
}

}  // namespace millrace::config
