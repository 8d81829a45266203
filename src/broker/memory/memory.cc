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
    waiting_.push_back({std::string(channel), std::move(message), std::move(done)});
    return;
  }
  ringing_ = true;
  ring(channel, message, done);
  while (!waiting_.empty()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ring(next.channel, next.message, next.done);
  }
  ringing_ = false;
}

void MemoryBroker::ring(std::string_view channel, const Message& message, Done& done) {
  if (channels_.contains(channel)) sink_->on_message(channel, message);
  done({});
}

}  // namespace millrace::broker::memory
