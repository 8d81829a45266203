// The application's backend, asked over HTTP: the hub's Backend.
//
// The connect proxy: who is a client that comes without a token? A POST to the backend's endpoint
// says what is known of it, and the answer who it is, what it hears and what it is told; or why it
// may not come in. Keys, requests and answers are those of Centrifugo v6's connect proxy
// (docs/protocol.md).
//
// Cores      One for each core, on its loop, which outlives it; so does what it is made with.
// Limits     ConnectOptions; answers of kAnswerBytesMax. Over requests_max clients are told to come
//            back later (errors::kTooManyRequests); so they are by the rules of their reconnects.
// Failure    A backend that does not answer, not in time, with a status that means nothing, or with
//            what cannot be read: errors::kInternal, after which clients come back. Counted, and
//            logged with the reason, at most once a second, without what was said or answered.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::webhook {

inline constexpr size_t kAnswerBytesMax = 1024UL * 1024;

// What an HTTP status of the backend's means to the client.
struct StatusMeaning {
  int status = 0;
  hub::TurnedAway meaning{};
};

struct ConnectOptions {
  std::string endpoint;  // http:// or https://
  std::chrono::milliseconds timeout{1'000};
  // Sent where the client brings no such header.
  std::vector<std::pair<std::string, std::string>> static_headers;
  bool binary_encoding = false;  // data travels as base64
  std::vector<StatusMeaning> statuses;
  size_t requests_max = 1'000;  // of one core, under way
  size_t connections_max = 64;  // of one core
};

// Counts failures, and tells of them without a flood.
class FailureLog {
 public:
  // True once a second; `left_out` is how many were not told of since.
  bool may_tell(base::MonotonicTime now, uint64_t& left_out);

 private:
  base::MonotonicTime next_{};
  uint64_t left_out_ = 0;
};

class ConnectProxy final : public hub::Backend {
 public:
  ConnectProxy(net::Loop& loop, metrics::Core& metrics, const ConnectOptions& options);
  ~ConnectProxy();
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;

  void connect(std::string_view client, const hub::Visitor& visitor, Done done) override;

 private:
  struct Failure;
  std::vector<std::pair<std::string, std::string>> headers_for(const hub::Visitor& visitor) const;
  Verdict verdict_of(base::Result<http::ClientResponse> response);
  Verdict fail(metrics::Counter counter, std::string_view reason, std::string_view detail);

  net::Loop& loop_;
  metrics::Core& metrics_;
  const ConnectOptions& options_;
  FailureLog failures_;
  http::Client client_;
};

}  // namespace millrace::webhook
