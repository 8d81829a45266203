// The broker of a single node: a channel's home core publishes, and its own Sink hears.
//
// One per core, on that core. Nothing is queued: on_message() comes inside publish(), before `done`, and only for channels with
// interest; a Sink must therefore not destroy the broker from there. Never fails but for a message over kMessageBytesMax.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <string>
#include <string_view>

#include "base/string_hash.h"
#include "broker/broker.h"

namespace millrace::broker::memory {

class MemoryBroker final : public Broker {
 public:
  void set_sink(Sink& sink) override { sink_ = &sink; }
  void subscribe(std::string_view channel, Done done) override;
  void unsubscribe(std::string_view channel) override;
  void publish(std::string_view channel, Message message, Done done) override;
  base::Result<> health() const override { return {}; }

  // Channels with interest.
  size_t size() const { return channels_.size(); }

 private:
  Sink* sink_ = nullptr;
  absl::flat_hash_set<std::string, base::StringHash, base::StringEqual> channels_;
};

}  // namespace millrace::broker::memory
