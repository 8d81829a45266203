// Outgoing HTTP requests, on a core's loop: to identity providers and to the application's backend.
// Over http.h, which includes this.
//
// libcurl does the work, through its multi interface: its sockets are watched by the loop, its
// timers are the loop's. Connections are kept and used again. HTTP/1.1; certificates are verified
// against the system's authorities; proxies of the environment are not used.
//
// Cores      Everything on the loop's own thread. `done` runs there, in a later turn than send(),
//            exactly once. It may send again, and may destroy the client.
// Requires   A process that ignores SIGPIPE, as OpenSSL writes to sockets that have ended.
// Lifetime   Destroying the client ends what is in flight, and its callbacks are dropped.
// Limits     Options, and those of each request. A redirect is followed for GET only, kRedirectsMax
//            times, never from https to http; its target gets the same headers, but for credentials
//            (Authorization, Cookie), which stay with the first host.
// Failure    kInvalid: the request makes no sense. kTooLarge: the answer has more than
//            body_bytes_max, or kHeadBytesMax of headers. kLimit: requests_max are in flight.
//            kUnavailable: no connection, no valid certificate, no answer in time, or half of one.
//            An answer of any status is no failure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/net.h"

namespace millrace::http {

struct ClientOptions {
  size_t requests_max = 10'000;  // in flight, those included that wait for a connection
  size_t connections_max = 64;   // open at once, kept ones included
  std::string user_agent = "millrace";
  std::string certificate_file{};  // PEM of the authorities to trust; "": the system's
};

enum class ClientMethod : uint8_t { kGet, kPost };

struct ClientRequest {
  ClientMethod method = ClientMethod::kGet;
  std::string url{};  // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};                        // of a POST
  std::chrono::milliseconds timeout{5'000};  // for all of it
  size_t body_bytes_max = 1024UL * 1024;     // of the answer
};

struct ClientResponse {
  int status = 0;
  std::string body{};
};

class Client {
 public:
  using Done = std::move_only_function<void(base::Result<ClientResponse>)>;

  static constexpr long kRedirectsMax = 3;
  static constexpr size_t kHeadBytesMax = 64UL * 1024;

  // The loop must outlive the client.
  Client(net::Loop& loop, const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(ClientRequest request, Done done);

  size_t in_flight() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- Headers that are passed on ----

// A header's name in the usual spelling, "x-real-ip" as "X-Real-Ip": names compare without case,
// spelled ones as they are.
std::string spelled_header(std::string_view name);

// Whether a request of ours may carry a header of this name on somebody else's word: it is a token
// (RFC 9110, section 5.6.2), and says nothing about a connection, a message's body or the answer.
bool may_pass_on(std::string_view name);

// Whether this is a header's value and nothing more (RFC 9110, section 5.5): no line's end, no
// white space around it.
bool is_header_value(std::string_view value);

}  // namespace millrace::http
