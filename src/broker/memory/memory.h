// The broker of a single node: a channel's home core publishes, and its own Sink hears. Or of
// several nodes in one thread, which an Exchange connects: for tests and the simulator.
//
// Cores      One per core, on that core. A channel has one home core, so nobody else of its node
//            needs to hear.
// Order      Everything comes inside the calls: on_message() inside publish(), and `done` after it.
//            But nothing nests: what is published from within on_message() or a publish()'s `done`
//            waits until that has returned, and is rung, in order, before the outermost publish()
//            returns. Interest counts at the time of ringing. What goes through an exchange comes
//            in later turns.
// Ownership  Keeps no message once publish() has returned. Is not destroyed from within its calls.
// Limits     As broker.h has them, and none of its own.
// Failure    kTooLarge, and kNotFound for an address that nobody has. There is no engine that could
//            go away: on_interruption() never comes.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/executor.h"
#include "base/string_hash.h"
#include "broker/broker.h"
#include "broker/memory/exchange.h"  // IWYU pragma: export

namespace millrace::broker::memory {

class MemoryBroker final : public Broker {
 public:
  // Of a node that is alone.
  explicit MemoryBroker(Address address = {}) : address_(std::move(address)) {}
  // Of one that `exchange` connects with others; nobody else there has this address. `executor` is
  // the core that this broker lives on; both outlive it.
  MemoryBroker(Address address, Exchange& exchange, base::Executor& executor);
  ~MemoryBroker() override;
  MemoryBroker(const MemoryBroker&) = delete;
  MemoryBroker& operator=(const MemoryBroker&) = delete;

  void set_sink(Sink& sink) override { sink_ = &sink; }
  void subscribe(std::string_view channel, Done done) override;
  void unsubscribe(std::string_view channel) override;
  void publish(std::string_view channel, Message message, Done done) override;
  const Address& address() const override { return address_; }
  void send_control(const Address& to, std::string bytes, Done done) override;
  base::Result<> health() const override { return {}; }

  // Channels with interest.
  size_t size() const { return channels_.size(); }

 private:
  friend class Exchange;
  bool wants(std::string_view channel) const { return channels_.contains(channel); }
  // From another one, in a turn of its own.
  void hear(std::string_view channel, const Message& message);
  void hear_control(std::string_view bytes);

  void ring(std::string_view channel, const Message& message, Done& done);
  void ring_waiting();

  const Address address_;
  Exchange* const exchange_ = nullptr;  // null: alone
  Sink* sink_ = nullptr;
  absl::flat_hash_set<std::string, base::StringHash, base::StringEqual> channels_;
  bool ringing_ = false;
  std::deque<base::Task> waiting_;  // published or sent while ringing
};

}  // namespace millrace::broker::memory
