#include "broker/memory/memory.h"

#include "base/assert.h"

namespace millrace::broker::memory {

void MemoryBroker::subscribe(std::string_view channel, Done done) {
  channels_.emplace(channel);
  done({});
}

void MemoryBroker::unsubscribe(std::string_view channel) {
  const auto found = channels_.find(channel);
  if (found != channels_.end()) channels_.erase(found);
}

void MemoryBroker::publish(std::string_view channel, Message message, Done done) {
  MILLRACE_DEBUG_ASSERT(sink_ != nullptr);
  const auto* publication = std::get_if<model::Publication>(&message);
  if (publication != nullptr && publication->data.size() > kMessageBytesMax) {
    return done(base::fail(base::ErrorCode::kTooLarge, "a message over the broker's limit"));
  }
  if (channels_.contains(channel)) sink_->on_message(channel, message);
  done({});
}

}  // namespace millrace::broker::memory
