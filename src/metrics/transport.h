// The ways on which clients are connected: what counts, limits and configuration tell apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::metrics {

enum class Transport : uint8_t {
  kWebSocket,
  kHttpStream,
  kSse,
  kLongPoll,
  kUniWebSocket,
  kUniHttpStream,
  kUniSse,
  // Not a way to be connected: what plain HTTP requests are counted as.
  kHttp,
};

// Those that clients are connected by.
inline constexpr size_t kTransports = 7;
static_assert(kTransports == static_cast<size_t>(Transport::kHttp));

inline constexpr std::array<Transport, kTransports> kAllTransports{
    Transport::kWebSocket,    Transport::kHttpStream,    Transport::kSse,    Transport::kLongPoll,
    Transport::kUniWebSocket, Transport::kUniHttpStream, Transport::kUniSse,
};

inline constexpr std::array<Transport, 2> kWebSockets{Transport::kWebSocket,
                                                      Transport::kUniWebSocket};

// As it stands in labels and in the configuration: "http_stream".
constexpr std::string_view name_of(Transport transport) {
  constexpr std::array<std::string_view, kTransports + 1> kNames{
      "websocket",     "http_stream",     "sse",     "long_poll",
      "uni_websocket", "uni_http_stream", "uni_sse", "http"};
  return kNames[static_cast<size_t>(transport)];
}

}  // namespace millrace::metrics
