// The configuration's part about the application's backend (client.proxy.connect). A member stands
// for the key of the same name, as everywhere in config.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::config {

struct StaticHeader {
  std::string key;
  std::string value;
};

// What an HTTP status of the backend's means: an error or a disconnect. Codes of 0: it is not that.
struct StatusToCode {
  int status_code = 0;
  uint32_t to_error_code = 0;    // to_error.code
  std::string to_error_message;  // to_error.message
  bool to_error_temporary = false;
  uint16_t to_disconnect_code = 0;   // to_disconnect.code
  std::string to_disconnect_reason;  // to_disconnect.reason
};

struct ConnectProxy {
  bool enabled = false;
  std::string endpoint;
  std::chrono::milliseconds timeout{1'000};
  std::vector<std::string> http_headers;
  std::vector<std::string> emulated_headers;
  bool binary_encoding = false;
  bool include_connection_meta = false;
  std::vector<StaticHeader> static_headers;             // http.static_headers
  std::vector<StatusToCode> status_to_code_transforms;  // http.status_to_code_transforms
  size_t requests_max = 1'000;                          // ours
  size_t connections_max = 64;                          // ours
};

struct Config;

// Something that is wrong with it, or that its author should know.
struct ProxyFinding {
  std::string key;  // full; of a list's element, with its number
  std::string message;
  bool is_error = true;
};
std::vector<ProxyFinding> check_backend(const Config& config);

}  // namespace millrace::config
