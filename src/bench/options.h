// What a run of the load generator is asked for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace millrace::bench {

enum class ScenarioKind : uint8_t {
  kConnect,
  kIdle,
  kFanout,
  kChannels,
  kEcho,
  kPublish,
  kChurn,
  kReconnect
};
enum class DialectKind : uint8_t { kCentrifuge, kPlain, kNats, kSocketIo };
// How subscribers connect; those that publish always use a WebSocket.
enum class TransportKind : uint8_t {
  kWebSocket,
  kHttpStream,
  kSse,
  kLongPoll,
  kUniHttpStream,
  kUniSse
};

std::string_view name_of(ScenarioKind scenario);
std::string_view name_of(DialectKind dialect);
std::string_view name_of(TransportKind transport);
// Clients of these only listen: all they say is the request that opens their stream.
constexpr bool is_unidirectional(TransportKind transport) {
  return transport == TransportKind::kUniHttpStream || transport == TransportKind::kUniSse;
}

struct Options {
  bool help = false;  // the text was asked for; nothing else is set

  ScenarioKind scenario = ScenarioKind::kConnect;
  std::vector<std::string> urls;
  DialectKind dialect = DialectKind::kCentrifuge;
  bool protobuf = false;  // kCentrifuge only
  TransportKind transport = TransportKind::kWebSocket;
  bool compression = false;  // permessage-deflate is asked for
  std::string token;
  std::string hmac_secret;
  std::string channel = "bench";  // what channels' names begin with
  bool recoverable = false;

  size_t connections = 0;
  size_t subscribers = 0;  // of one channel; kChannels: of each
  size_t publishers = 0;
  size_t channels = 0;  // kConnect, kIdle: 0, each connection has one of its own
  size_t payload_bytes = 125;
  size_t window = 0;         // 0: by rate
  double rate = 0;           // per second; 0: by window, or a storm
  double publish_rate = 10;  // per second, where `rate` says something else
  size_t in_progress = 100;
  double warmup_seconds = 2;
  double duration_seconds = 10;

  size_t processes = 0;         // 0: as few as the limit on open files allows
  size_t source_addresses = 0;  // 0: as few as the ports of one address allow
  std::vector<pid_t> server_pids;
  std::string json_file;  // "-": standard output; "": none
  bool quiet = false;

  // All connections of the run, those that only publish among them.
  size_t connections_in_all() const;
};

// The words behind `bench`. Everything that the scenario leaves open is filled in. The error is one
// line, without a newline.
[[nodiscard]] std::expected<Options, std::string> parse_options(std::span<const std::string> words);

std::string help_text();

}  // namespace millrace::bench
