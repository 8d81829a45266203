// The configuration's part about transports: how clients reach the server. A member stands for the
// key of the same name, as everywhere in config.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::config {

struct WebSocket {
  bool disabled = false;
  std::string handler_prefix = "/connection/websocket";
  bool compression = false;
  size_t compression_min_size = 0;
  int compression_level = 1;  // 1 to 9
  size_t message_size_limit = 65'536;
  size_t message_fragments_limit = 65'536;  // ours
  std::chrono::milliseconds write_timeout{1'000};
  size_t connection_limit = 0;  // ours
};

// A list of `transforms`, and whether they count.
template <class Transform>
struct Transforms {
  bool enabled = false;
  std::vector<Transform> transforms;
};

// The disconnect that a unidirectional client gets for an error, which it can't be told.
struct ErrorToDisconnect {
  uint32_t code = 0;
  uint16_t to_code = 0;   // to.code
  std::string to_reason;  // to.reason
};

// The response to a connect that failed with an error or a disconnect.
struct CodeToHttpResponse {
  uint32_t code = 0;
  uint16_t to_status_code = 0;  // to.status_code
  std::string to_body;          // to.body; "": what the code means
};

// A transport of HTTP requests whose responses don't end.
struct HttpTransport {
  bool enabled = false;
  std::string handler_prefix;
  size_t max_request_body_size = 65'536;
  size_t connection_limit = 0;                            // ours; 0: client.connection_limit only
  std::chrono::milliseconds keep_alive_interval{25'000};  // ours
  size_t padding_bytes = 0;                               // ours
  Transforms<CodeToHttpResponse> connect_code_to_http_response{};  // of the unidirectional ones
};

// Ours, all of it. Polls are answered at `handler_prefix` + kPollPath.
struct LongPoll {
  bool enabled = true;
  std::string handler_prefix = "/connection/long_poll";
  size_t max_request_body_size = 65'536;
  std::chrono::milliseconds hold{25'000};
  std::chrono::milliseconds poll_timeout{15'000};
  size_t connection_limit = 0;
};
inline constexpr std::string_view kPollPath = "/poll";

struct Emulation {
  std::string handler_prefix = "/emulation";
  size_t max_request_body_size = 65'536;
};

struct UniWebSocket {
  bool enabled = false;
  std::string handler_prefix = "/connection/uni_websocket";
  size_t message_size_limit = 65'536;
  bool compression = false;
  size_t compression_min_size = 0;
  int compression_level = 1;  // 1 to 9
  bool join_push_messages = false;
  bool disable_disconnect_push = false;
  bool disable_closing_handshake = false;
  size_t connection_limit = 0;  // ours
};

// An endpoint for what comes before a connection.
struct Init {
  bool enabled = false;
  std::string handler_prefix = "/connection/init";
};

}  // namespace millrace::config
