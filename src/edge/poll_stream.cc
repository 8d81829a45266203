#include "edge/poll_stream.h"

#include <utility>

namespace millrace::edge {

using Status = net::IoResult::Status;

namespace {

// Once it has so many bytes, what follows leaves with the next response: this one may have to be
// kept, sent again, and carried to another node.
constexpr size_t kResponseBytesAim = 1024UL * 1024;

}  // namespace

PollStream::PollStream(net::TimerWheel& wheel, metrics::Core& metrics, const Options& options,
                       std::string peer)
    : wheel_(wheel), metrics_(metrics), options_(options), peer_(std::move(peer)) {
  wheel_.set(*this, options_.poll_timeout);
}

PollStream::~PollStream() {
  if (held_) held_({.status = 404});
  keep({});
}

void PollStream::poll(uint64_t ack, SessionAnswered answered) {
  if (gone_ || acknowledged_) return answered({.status = 404});
  // The client has given up the poll before, or a proxy asks twice.
  if (held_) answer({});
  if (ack + 1 == sent_) return send_again(std::move(answered));
  if (ack != sent_) return answered({.status = 400});
  keep({});
  if (ended_) {
    answered({.status = 404});
    return end();
  }
  held_ = std::move(answered);
  wheel_.set(*this, options_.hold);
  handler_->on_writable();
}

void PollStream::let_go(uint64_t ack) {
  if (held_ && ack == sent_) answer({});
}

void PollStream::send_again(SessionAnswered answered) {
  wheel_.set(*this, options_.poll_timeout);
  answered({.status = 200, .body = last_, .content_type = std::string(options_.content_type)});
}

net::IoResult PollStream::write(std::span<const std::string_view> parts) {
  if (!held_) return {Status::kWouldBlock, 0};
  std::string response;
  for (const std::string_view part : parts) {
    if (!response.empty() && response.size() + part.size() > kResponseBytesAim) break;
    response += part;
  }
  keep(std::move(response));
  ++sent_;
  answer({.status = 200, .body = last_, .content_type = std::string(options_.content_type)});
  return {Status::kDone, last_.size()};
}

net::IoResult PollStream::read(std::span<char>) {
  if (gone_) return {Status::kError, 0};
  return {acknowledged_ ? Status::kEnd : Status::kWouldBlock, 0};
}

void PollStream::keep(std::string response) {
  const auto more = static_cast<int64_t>(response.size()) - static_cast<int64_t>(last_.size());
  last_ = std::move(response);
  metrics_.add(metrics::TransportGauge::kKeptBytes, metrics::Transport::kLongPoll, more);
}

void PollStream::answer(SessionAnswer answer) {
  wheel_.set(*this, options_.poll_timeout);
  std::exchange(held_, nullptr)(std::move(answer));
}

// Everything was received.
void PollStream::end() {
  acknowledged_ = true;
  wheel_.cancel(*this);
  handler_->on_readable();
}

void PollStream::on_timer() {
  if (held_) return answer({});
  gone_ = true;
  handler_->on_readable();
}

}  // namespace millrace::edge
