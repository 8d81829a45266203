#include "broker/memory/memory.h"

#include <utility>

#include "base/assert.h"

namespace millrace::broker::memory {
namespace {

size_t bytes_of(const model::ClientInfo& info) {
  return info.user.size() + info.client.size() + info.conn_info.size() + info.chan_info.size();
}

// What an engine would have to carry, but for its framing. The limit is the same on every broker,
// so that nobody is surprised when a node becomes a cluster.
size_t bytes_of(const Message& message) {
  if (const auto* join = std::get_if<Join>(&message)) return bytes_of(*join->info);
  if (const auto* leave = std::get_if<Leave>(&message)) return bytes_of(*leave->info);
  const auto& published = std::get<Published>(message);
  const model::Publication& publication = published.publication;
  size_t bytes = publication.data.size() + published.epoch.size() + published.exclude.size();
  if (publication.info != nullptr) bytes += bytes_of(*publication.info);
  for (const auto& [key, value] : publication.tags) bytes += key.size() + value.size();
  return bytes;
}

}  // namespace

MemoryBroker::MemoryBroker(Address address, Exchange& exchange, base::Executor& executor)
    : address_(std::move(address)), exchange_(&exchange) {
  exchange.join(*this, executor);
}

MemoryBroker::~MemoryBroker() {
  if (exchange_ != nullptr) exchange_->leave(*this);
}

void MemoryBroker::subscribe(std::string_view channel, Done done) {
  channels_.emplace(channel);
  done({});
}

void MemoryBroker::unsubscribe(std::string_view channel) {
  const auto found = channels_.find(channel);
  if (found != channels_.end()) channels_.erase(found);
}

void MemoryBroker::publish(std::string_view channel, Message message, Done done) {
  MILLRACE_ASSERT(sink_ != nullptr);
  if (bytes_of(message) > kMessageBytesMax) {
    return done(base::fail(base::ErrorCode::kTooLarge, "a message over the broker's limit"));
  }
  if (ringing_) {
    waiting_.emplace_back([this, name = std::string(channel), message = std::move(message),
                           done = std::move(done)]() mutable { ring(name, message, done); });
    return;
  }
  ringing_ = true;
  ring(channel, message, done);
  ring_waiting();
}

void MemoryBroker::send_control(const Address& to, std::string bytes, Done done) {
  MILLRACE_ASSERT(is_node_uid(to.node));
  if (bytes.size() > kControlBytesMax)
    return done(base::fail(base::ErrorCode::kTooLarge, "a control message over the limit"));
  const bool known = exchange_ != nullptr ? exchange_->knows(to) : to == address_;
  if (!known) return done(base::fail(base::ErrorCode::kNotFound, "nobody has this address"));
  if (exchange_ != nullptr) {
    exchange_->send(to, std::move(bytes));
  } else {
    hear_control(bytes);
  }
  done({});
}

void MemoryBroker::hear(std::string_view channel, const Message& message) {
  MILLRACE_ASSERT(!ringing_);
  ringing_ = true;
  if (wants(channel)) sink_->on_message(channel, message);
  ring_waiting();
}

void MemoryBroker::hear_control(std::string_view bytes) {
  if (ringing_) {
    waiting_.emplace_back([this, kept = std::string(bytes)] { sink_->on_control(kept); });
    return;
  }
  ringing_ = true;
  sink_->on_control(bytes);
  ring_waiting();
}

void MemoryBroker::ring(std::string_view channel, const Message& message, Done& done) {
  if (wants(channel)) sink_->on_message(channel, message);
  if (exchange_ != nullptr) exchange_->publish(*this, channel, message);
  done({});
}

void MemoryBroker::ring_waiting() {
  while (!waiting_.empty()) {
    base::Task next = std::move(waiting_.front());
    waiting_.pop_front();
    next();
  }
  ringing_ = false;
}

}  // namespace millrace::broker::memory
