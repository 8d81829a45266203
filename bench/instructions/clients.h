// Clients of a Node: how they come.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/instructions/node.h"
#include "protocol/protocol.h"

namespace millrace::instructions {

// How clients hear what is published; those on events cannot send anything else.
enum class Way { kWebSocket, kCompressed, kEvents };

class Clients {
 public:
  Clients(Node& node, protocol::Format format, Way way = Way::kWebSocket)
      : node_(node), format_(format), way_(way) {}
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // So many come, kAtOnce together: one turn for the handshakes, one for the connects, one for the
  // subscriptions, each to the channel that `channel` names ("" for none). Those on events say it
  // all in the first.
  static constexpr size_t kAtOnce = 20;
  void come(size_t count, const std::function<std::string(size_t client)>& channel,
            bool counted = false);

  Peer& at(size_t client) const { return *peers_[client]; }
  size_t size() const { return peers_.size(); }
  protocol::Format format() const { return format_; }

 private:
  Node& node_;
  const protocol::Format format_;
  const Way way_;
  std::vector<Peer*> peers_;
  std::vector<std::string> subscribe_frames_;
};

}  // namespace millrace::instructions
