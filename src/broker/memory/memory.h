// The broker of a single node: a channel's home core publishes, and its own Sink hears.
//
// Cores      One per core, on that core. A channel has one home core, so nobody else needs to hear.
// Order      Everything comes inside the calls: on_message() inside publish(), and `done` after it.
//            But nothing nests: what is published from within on_message() or a publish()'s `done`
//            waits until that has returned, and is rung, in order, before the outermost publish()
//            returns. Interest counts at the time of ringing.
// Ownership  Keeps no message once publish() has returned. Is not destroyed from within its calls.
// Limits     As broker.h has them, and none of its own.
// Failure    kTooLarge only. There is no engine that could go away: on_interruption() never comes.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <deque>
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
  struct Waiting {
    std::string channel;
    Message message;
    Done done;
  };
  void ring(std::string_view channel, const Message& message, Done& done);

  Sink* sink_ = nullptr;
  absl::flat_hash_set<std::string, base::StringHash, base::StringEqual> channels_;
  bool ringing_ = false;
  std::deque<Waiting> waiting_;  // published while ringing
};

}  // namespace millrace::broker::memory
