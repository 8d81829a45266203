// A connection that is turned away: one read, one answer, closed. It knows nothing of requests, and
// costs one small object.
//
// The read comes first because closing on unread bytes sends RST, which may overtake the answer.
// The peer gets kPatience to send something; then it is answered anyway. A stream that takes
// nothing yet has a handshake before it (net::TlsServer): that gets kHandshakePatience, and the
// peer's moment begins again with its end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::http {

class Refusal final : private net::StreamHandler, private net::Timer {
 public:
  static constexpr base::Duration kPatience = std::chrono::seconds(1);
  // From the end of kPatience.
  static constexpr base::Duration kHandshakePatience = std::chrono::seconds(4);

  using Done = std::function<void(Refusal&)>;

  // `done` is called once, at the end of a callback, and may destroy the refusal.
  Refusal(net::Loop& loop, metrics::Core& metrics, std::unique_ptr<net::Stream> stream,
          std::string answer, Done done);
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;

  // Answers, if the stream takes it, and is done without waiting for the peer.
  void finish();

 private:
  void on_readable() override;
  void on_writable() override;
  void on_timer() override;
  bool answered();
  void close();

  net::Loop& loop_;
  metrics::Core& metrics_;
  const std::unique_ptr<net::Stream> stream_;
  const std::string answer_;
  Done done_;
  bool shakes_hands_ = false;
};

}  // namespace millrace::http
