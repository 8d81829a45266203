// The configuration: one file, then MILLRACE_ environment variables, then command-line flags, later
// ones winning.
//
// app/ calls parse_command_line() once at start, and load() again with the same Sources on SIGHUP;
// it maps Config onto each module's own Options. The keys, their nesting and meaning follow
// Centrifugo v6 (docs/configuration.md is the list, made from the table in keys.cc); those that are
// Millrace's own are marked "ours" there.
//
// Cores      Any thread, none in particular. Nothing here is kept between calls.
// Limits     A file of 4 MiB, nested 64 deep.
// Failure    Everything that is wrong is collected and told at once, each with its place. Nothing
// is printed and nothing is
//            half applied: a Config that is handed out has passed every check. A secret's value is
//            never put into a message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/auth.h"
#include "base/log.h"
#include "config/proxy.h"       // IWYU pragma: export
#include "config/tls.h"         // IWYU pragma: export
#include "config/transports.h"  // IWYU pragma: export

namespace millrace::config {

using Milliseconds = std::chrono::milliseconds;

// ---- The values ----
// A member stands for the key of the same name. Sizes are bytes; docs/configuration.md says the
// rest.

struct HttpServer {
  std::string address;                  // "": every interface
  uint16_t port = 8000;                 // 0: any free port
  std::string unix_socket;              // ours; "": none
  std::string internal_address;         // "": as `address`
  uint16_t internal_port = 0;           // 0: as `port`
  size_t head_bytes_max = 16UL * 1024;  // ours, as are those below
  size_t headers_max = 100;
  size_t body_bytes_max = 1024UL * 1024;
  Milliseconds head_timeout{10'000};
  Milliseconds idle_timeout{75'000};
  bool proxy_protocol = false;
  std::vector<std::string> trusted_proxies;  // addresses, networks, "unix"; none: nobody is
  Tls tls;
};

struct Node {
  std::string name;    // "": host name and port
  std::string region;  // ours; a label of metrics
};

// Keys that tokens are verified with, and what their claims must say. Secrets are never logged.
struct TokenKeys {
  std::string hmac_secret_key;
  std::string hmac_previous_secret_key;
  int64_t hmac_previous_secret_key_valid_until = 0;  // Unix seconds; 0: always
  std::string rsa_public_key;
  std::string ecdsa_public_key;
  std::string ed25519_public_key;  // ours
  std::string jwks_public_endpoint;
  std::string audience;
  std::string audience_regex;
  std::string issuer;
  std::string issuer_regex;
  std::string user_id_claim;

  bool any_key() const {
    return !hmac_secret_key.empty() || !rsa_public_key.empty() || !ecdsa_public_key.empty() ||
           !ed25519_public_key.empty() || !jwks_public_endpoint.empty();
  }
};

// As auth/ takes them.
auth::Options token_options(const TokenKeys& keys);

struct Client {
  std::vector<std::string> allowed_origins;  // "*", or "scheme://host" with * for parts; none: the
                                             // server's own host only
  TokenKeys token;
  bool subscription_token_enabled = false;  // client.subscription_token.enabled
  TokenKeys subscription_token;
  bool allow_anonymous_connect_without_token = false;
  bool disallow_anonymous_connection_tokens = false;
  bool insecure = false;
  Milliseconds ping_interval{25'000};
  Milliseconds pong_timeout{8'000};
  Milliseconds stale_close_delay{10'000};
  Milliseconds expired_close_delay{25'000};
  Milliseconds expired_sub_close_delay{25'000};
  Milliseconds presence_update_interval{27'000};
  size_t channel_limit = 128;
  size_t queue_max_size = 1'048'576;
  Milliseconds write_delay{0};
  size_t batch_max_size = 100;        // ours
  Milliseconds busy_write_delay{10};  // ours
  size_t connection_limit = 0;
  size_t connection_rate_limit = 0;  // per second
  size_t user_connection_limit = 0;
  bool connect_include_server_time = false;
  size_t history_max_publication_limit = 300;
  size_t recovery_max_publication_limit = 300;
  size_t recovery_max_bytes = 512UL * 1024;  // ours
  size_t presence_max_members = 5'000;       // ours
  Transforms<ErrorToDisconnect> connect_code_to_unidirectional_disconnect;
  std::string user_id_http_header;
  ConnectProxy connect_proxy;  // client.proxy.connect
};

enum class DataFormat : uint8_t { kAny, kJson, kJsonObject, kBinary };
enum class RecoveryMode : uint8_t { kStream, kCache };

// What the channels of one namespace can do.
struct ChannelOptions {
  bool presence = false;
  bool join_leave = false;
  bool force_push_join_leave = false;
  Milliseconds presence_grace_period{0};  // ours

  size_t history_size = 0;
  Milliseconds history_ttl{0};
  Milliseconds history_meta_ttl{0};  // 0: channel.history_meta_ttl

  bool force_positioning = false;
  bool allow_positioning = false;
  bool force_recovery = false;
  bool allow_recovery = false;
  RecoveryMode force_recovery_mode = RecoveryMode::kStream;
  bool auto_cache_recover = false;

  Milliseconds batch_max_delay{0};
  size_t batch_max_size = 100;

  std::vector<std::string> allowed_delta_types;  // "fossil"
  bool delta_publish = false;
  bool allow_tags_filter = false;

  bool allow_subscribe_for_client = false;
  bool allow_subscribe_for_anonymous = false;
  bool allow_user_limited_channels = false;
  std::string channel_regex;  // RE2; "": any ASCII name

  bool allow_publish_for_client = false;
  bool allow_publish_for_subscriber = false;
  bool allow_publish_for_anonymous = false;
  DataFormat publication_data_format = DataFormat::kAny;

  bool allow_presence_for_client = false;
  bool allow_presence_for_subscriber = false;
  bool allow_presence_for_anonymous = false;

  bool allow_history_for_client = false;
  bool allow_history_for_subscriber = false;
  bool allow_history_for_anonymous = false;
};

struct Namespace {
  std::string name;
  ChannelOptions options;
};

struct Channel {
  size_t max_length = 255;
  std::string private_prefix = "$";
  std::string namespace_boundary = ":";
  std::string user_boundary = "#";
  std::string user_separator = ",";
  Milliseconds history_meta_ttl{std::chrono::hours(720)};
  DataFormat publication_data_format =
      DataFormat::kAny;  // load() gives it to namespaces that have none of their own
  ChannelOptions without_namespace;
  std::vector<Namespace> namespaces;  // names are unique
};

// How the server API says an error: in a 200 answer, or with a status of its own.
enum class ErrorMode : uint8_t { kResult, kTransport };

struct HttpApi {
  bool disabled = false;
  std::string handler_prefix = "/api";
  std::string key;  // secret
  ErrorMode error_mode = ErrorMode::kResult;
  bool insecure = false;
  bool external = false;
};

enum class EngineType : uint8_t { kMemory };

struct Config {
  HttpServer http_server;
  size_t workers = 0;  // ours; 0: one per CPU of the affinity mask
  base::log::Options log;
  Node node;
  EngineType engine_type = EngineType::kMemory;  // engine.type
  Client client;
  Channel channel;
  WebSocket websocket;
  HttpTransport http_stream{.enabled = true, .handler_prefix = "/connection/http_stream"};
  HttpTransport sse{.enabled = true, .handler_prefix = "/connection/sse"};
  LongPoll long_poll;
  Emulation emulation;
  UniWebSocket uni_websocket;
  HttpTransport uni_sse{.handler_prefix = "/connection/uni_sse"};
  HttpTransport uni_http_stream{.handler_prefix = "/connection/uni_http_stream"};
  Init init;
  HttpApi http_api;
  bool admin_enabled = false;             // admin.enabled
  bool prometheus_enabled = true;         // prometheus.enabled
  bool health_enabled = true;             // health.enabled
  Milliseconds shutdown_timeout{30'000};  // shutdown.timeout
  size_t open_files_reserve = 256;        // ours
  bool dev = false;                       // the flag --dev, and nothing else
};

// ---- Loading ----

// Something that is wrong with the configuration, or that its author should know.
struct Problem {
  std::string
      source;  // a file's name, "environment variable X", "flag --x"; "" for what nothing has set
  size_t line = 0;    // from 1; 0 where there are no lines
  size_t column = 0;  // from 1, in bytes
  std::string key;    // the full key, variable or flag; "" for a syntax error
  std::string message;
};

// "millrace.toml:3:1: error: client.ping_intervall: unknown key, did you mean
// client.ping_interval?"; `kind` is the second word.
std::string to_string(const Problem& problem, std::string_view kind);

// A flag that was given, and the key that it sets.
struct Flag {
  std::string name;  // "--port"
  std::string key;   // "http_server.port"
  std::string value;
};

// Where the configuration comes from: kept, so that it can be loaded again.
struct Sources {
  std::string file;                                              // "": none
  std::vector<std::pair<std::string, std::string>> environment;  // those that begin with MILLRACE_
  std::vector<Flag> flags;
  bool dev = false;
};

struct Loaded {
  Config config;
  std::vector<Problem> warnings;
};

struct Refused {
  std::vector<Problem> errors;  // at least one
  std::vector<Problem> warnings;
};

// Reads and checks everything. Blocks on the file.
[[nodiscard]] std::expected<Loaded, Refused> load(const Sources& sources);

// The full keys whose values differ, each in one of the two lists. Secrets are only named.
struct Difference {
  std::vector<std::string> live;           // a running server takes them over
  std::vector<std::string> needs_restart;  // these keep their old value until then
};
Difference reloadable_difference(const Config& running, const Config& loaded);

// ---- The command line ----

enum class Command : uint8_t {
  kServe,
  kCheckConfig,
  kGenerateConfig,
  kDocument,
  kGenerateToken,
  kCheckToken,
  kPublish,
  kBench,
  kDoctor,
  kVersion,
  kHelp
};

// What gen-token and check-token are told.
struct TokenArguments {
  std::string user{};
  std::string channel{};                      // "": a connection token
  Milliseconds ttl{std::chrono::hours(168)};  // of a token that is made; 0: for ever
  std::optional<int64_t> expire_at{};         // Unix seconds, instead of `ttl`
  std::string token{};                        // that is checked
};

// What publish is told.
struct PublishArguments {
  std::string channel{};
  std::string data{};     // JSON, or "-": it is on standard input
  std::string server{};   // "http://host:port"; "": where the configuration lets a server listen
  std::string api_key{};  // "": http_api.key
};

// What doctor is told.
struct DoctorArguments {
  std::optional<uint64_t> connections{};  // to judge against; at least 1
  bool json = false;
};

// What the user asked for.
struct Invocation {
  Command command = Command::kServe;
  Config config;    // for kServe, kCheckConfig, kPublish, kDoctor and the commands for tokens
  Sources sources;  // how to load it again; sources.file is the file that was read, "" if there was
                    // none
  std::vector<std::string> warnings;     // for standard error (or the log), one line each
  TokenArguments token;                  // for the commands for tokens
  PublishArguments publish;              // for kPublish
  DoctorArguments doctor;                // for kDoctor
  std::vector<std::string> bench_words;  // for kBench: what stands behind it, as it was typed
  std::string output;  // for standard output of the other commands, which then exit with 0
};

// Why it can't be done.
struct CommandLineError {
  int exit_code = 2;
  std::string message;  // for standard error; lines, each ended with a newline
};

// `arguments` begin with the program's name. `environment` is as `environ`: ended by a null
// pointer; it may be null. Without --config, the first of ./millrace.toml, ./config.toml,
// ./config.json that exists is read.
[[nodiscard]] std::expected<Invocation, CommandLineError> parse_command_line(
    int argument_count, const char* const* arguments, const char* const* environment);

// ---- Texts made from the key table ----

std::string help_text();
std::string reference_text();      // docs/configuration.md
std::string starting_file_text();  // a TOML file with every key in a comment

}  // namespace millrace::config
