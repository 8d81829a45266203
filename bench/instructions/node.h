// One core of a server as app/node.cc wires it, with a real loop, but no sockets and no thread:
// what its clients do in each turn is written down before it runs.
//
// Everybody may connect and subscribe and publish. Channels of the namespace "log" keep a history
// and are recovered from it; the others keep none. Compression is on for those who ask for it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "bench/instructions/peer.h"
#include "metrics/metrics.h"
#include "protocol/protocol.h"

namespace millrace::instructions {

class Node {
 public:
  Node();
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // What happens in so many turns to come, `each` apart: `action` is called where a loop hands over
  // what its sockets have, with the number of the turn. Called before run().
  struct Turns {
    size_t count = 1;
    base::Duration each = std::chrono::milliseconds(1);
    bool counted = false;  // the instructions of these turns are
  };
  void then(const Turns& turns, std::function<void(size_t turn)> action);
  void then(std::function<void()> action) {
    then({}, [action = std::move(action)](size_t) { action(); });
  }

  // Runs all of that, once.
  void run();

  // A new client's stream is accepted. The peer lives as long as the node.
  Peer& accept();

  uint64_t value(metrics::Counter counter) const;
  int64_t value(metrics::Gauge gauge) const;

 private:
  class Parts;
  struct Script {
    Turns turns;
    std::function<void(size_t)> action;
  };

  // One turn; false when there is no more to do.
  bool turn();

  std::deque<Peer> peers_;
  std::deque<Script> scripts_;
  size_t turn_ = 0;  // of the first script
  bool counting_ = false;
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::instructions
