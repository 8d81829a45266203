#include "broker/memory/exchange.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/memory/memory.h"

namespace millrace::broker::memory {

Exchange::~Exchange() {
  MILLRACE_ASSERT(members_.empty());
}

void Exchange::join(MemoryBroker& broker, base::Executor& executor) {
  MILLRACE_ASSERT(is_node_uid(broker.address().node));
  MILLRACE_ASSERT(!knows(broker.address()));
  members_.push_back(std::make_shared<Member>(&broker, executor));
}

void Exchange::leave(MemoryBroker& broker) {
  const auto found = std::ranges::find(members_, &broker, &Member::broker);
  MILLRACE_ASSERT(found != members_.end());
  (*found)->broker = nullptr;
  members_.erase(found);
}

Exchange::MemberRef Exchange::find(const Address& address) const {
  for (const MemberRef& member : members_) {
    if (member->broker->address() == address) return member;
  }
  return nullptr;
}

void Exchange::publish(const MemoryBroker& from, std::string_view channel,
                       const Message& message) const {
  // Made when the first one needs it, and shared by all.
  std::shared_ptr<const std::pair<std::string, Message>> sent;
  for (const MemberRef& member : members_) {
    if (member->broker == &from || !member->broker->wants(channel)) continue;
    if (sent == nullptr)
      sent = std::make_shared<const std::pair<std::string, Message>>(channel, message);
    member->executor.post([member, sent] {
      if (member->broker != nullptr) member->broker->hear(sent->first, sent->second);
    });
  }
}

void Exchange::send(const Address& to, std::string bytes) const {
  const MemberRef member = find(to);
  member->executor.post([member, sent = std::move(bytes)] {
    if (member->broker != nullptr) member->broker->hear_control(sent);
  });
}

}  // namespace millrace::broker::memory
