// Connects the MemoryBrokers of several nodes that run in one thread: an engine for tests and the
// simulator, with the contract of broker.h.
//
// Cores      All of one thread. Each broker hears on its own executor.
// Order      Everything that goes from one broker to another keeps its order, publications and
//            control messages alike. It comes in a later turn of the receiver.
// Leaving    A broker leaves when it is destroyed. Its address is unknown from then on, and what is
//            under way to it is dropped.
// Lifetime   An exchange outlives its brokers. What is under way may outlive it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "broker/broker.h"

namespace millrace::broker::memory {

class MemoryBroker;

class Exchange {
 public:
  Exchange() = default;
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  friend class MemoryBroker;
  struct Member {
    MemoryBroker* broker;  // null: it has left
    base::Executor& executor;
  };
  // Shared with what is under way.
  using MemberRef = std::shared_ptr<Member>;

  void join(MemoryBroker& broker, base::Executor& executor);
  void leave(MemoryBroker& broker);
  bool knows(const Address& address) const { return find(address) != nullptr; }
  // To all others with interest.
  void publish(const MemoryBroker& from, std::string_view channel, const Message& message) const;
  // To somebody who is known.
  void send(const Address& to, std::string bytes) const;
  MemberRef find(const Address& address) const;

  std::vector<MemberRef> members_;
};

}  // namespace millrace::broker::memory
