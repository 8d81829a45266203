#include "http/refusal.h"

#include <utility>

namespace millrace::http {

using metrics::Counter;
using metrics::Transport;
using metrics::TransportCounter;
using Status = net::IoResult::Status;

Refusal::Refusal(net::Loop& loop, metrics::Core& metrics, std::unique_ptr<net::Stream> stream,
                 std::string answer, Done done)
    : loop_(loop),
      metrics_(metrics),
      stream_(std::move(stream)),
      answer_(std::move(answer)),
      done_(std::move(done)) {
  stream_->set_handler(this);
  loop_.wheel().set(*this, kPatience);
}

void Refusal::on_readable() {
  const net::IoResult result = stream_->read(loop_.scratch());
  if (result.status == Status::kWouldBlock) return;
  if (result.status == Status::kDone)
    metrics_.add(TransportCounter::kBytesInbound, Transport::kHttp, result.bytes);
  finish();
}

// The handshake is done: what the peer has to say comes next.
void Refusal::on_writable() {
  if (shakes_hands_) loop_.wheel().set(*this, kPatience);
}

void Refusal::on_timer() {
  if (answered() || shakes_hands_) return close();
  shakes_hands_ = true;
  loop_.wheel().set(*this, kHandshakePatience);
}

void Refusal::finish() {
  answered();
  close();
}

// Whether there is nothing more to be tried.
bool Refusal::answered() {
  const std::string_view part = answer_;
  // A fresh socket takes these few bytes whole, or is dead; inside TLS, none before the handshake.
  const net::IoResult result = stream_->write({&part, 1});
  metrics_.add(Counter::kWrites);
  if (result.status == Status::kWouldBlock) return false;
  if (result.status == Status::kDone) {
    metrics_.add(TransportCounter::kBytesOutbound, Transport::kHttp, result.bytes);
    metrics_.add(Counter::kHttpResponses5xx);
  }
  return true;
}

void Refusal::close() {
  stream_->shutdown_write();
  const Done done = std::move(done_);  // outlives this object
  done(*this);
}

}  // namespace millrace::http
