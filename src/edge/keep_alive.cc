#include "edge/keep_alive.h"

#include "edge/connection.h"
#include "edge/core.h"

namespace millrace::edge {

KeepAlive::KeepAlive(Core& core) {
  const auto begin = [&](Transport transport, const HttpTransport& options) {
    queues_[static_cast<size_t>(transport)].begin(core, options);
  };
  begin(Transport::kHttpStream, core.options.http_stream);
  begin(Transport::kSse, core.options.sse);
  begin(Transport::kUniHttpStream, core.options.uni_http_stream);
  begin(Transport::kUniSse, core.options.uni_sse);
}

void KeepAlive::watch(Transport transport, const base::ConnectionRef& stream) {
  queues_[static_cast<size_t>(transport)].watch(stream);
}

void KeepAlive::Queue::begin(Core& core, const HttpTransport& options) {
  core_ = &core;
  const auto pings = core.options.ping_interval;
  const bool pings_do = pings.count() > 0 && pings <= options.keep_alive_interval;
  if (!pings_do) period_ = options.keep_alive_interval / 2;
}

void KeepAlive::Queue::watch(const base::ConnectionRef& stream) {
  if (period_.count() == 0) return;
  if (watched_.empty()) core_->loop.wheel().set(*this, period_);
  watched_.push_back({core_->loop.now() + period_, stream});
}

void KeepAlive::Queue::on_timer() {
  const base::MonotonicTime now = core_->loop.now();
  while (!watched_.empty() && watched_.front().due <= now) {
    const base::ConnectionRef stream = watched_.front().stream;
    watched_.pop_front();
    Connection* const connection = core_->find(stream);
    if (connection == nullptr) continue;
    connection->keep_alive();
    watched_.push_back({now + period_, stream});
  }
  if (!watched_.empty()) core_->loop.wheel().set(*this, watched_.front().due - now);
}

}  // namespace millrace::edge
