// Brings requests to sessions of other nodes, and those of other nodes to the sessions of this
// core, in the broker's control messages.
//
//   here                                  there
//   ask()  --- ControlAsk, id 7 --->      on_control(): the session gets the request
//   on_control() <--- ControlAnswer, 7 ---  when it has answered
//   => what ask() was given is called
//
// One for each core, and lives on it. The engine may lose any message, so an ask that waits has a
// deadline, and an answer that nobody waits for any more is counted and dropped. Who loses an
// answer to a poll polls again: the session keeps it until then.
//
// Order      Requests for one session are brought in the order in which they came here.
// Limits     Options::node_requests_max may wait; one more is answered with 503. Another node has
//            Options::node_timeout to answer, and to a poll as much beyond its hold: then 504.
// Failure    404 where the broker knows of no such node, and where that has no such session; 413
//            for what no control message can carry; 503 while the broker does not answer.
// Trust      Nodes trust each other's messages, as they trust the broker; but a session gets a
//            request only from who knows its secret, and no bytes do more harm than to be dropped.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "edge/control_codec.h"
#include "edge/session_request.h"
#include "hub/hub.h"
#include "net/net.h"

namespace millrace::edge {

class Core;

class Relay {
 public:
  explicit Relay(Core& core);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // `node` is what the client says, any bytes. What lets go of a poll is answered at once.
  void ask(std::string_view node, SessionRequest request, SessionAnswered answered);
  // A control message came.
  void on_control(std::string_view bytes);
  // The node stops: polls don't wait here any longer, those to come neither; their clients are told
  // that nothing came, and poll again through another node.
  void drain();

  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting;

  void on_ask(ControlAsk ask);
  void on_answer(ControlAnswer answer);
  void answer(const hub::Address& to, uint64_t id, SessionAnswer answer);
  void send(const ControlAsk& ask, const hub::Address& to);
  void on_unsent(uint64_t id, const base::Error& error);
  void on_deadline(uint64_t id);
  void let_go(const Waiting& poll);
  void finish(uint64_t id, SessionAnswer answer);
  void drop(ControlFault fault, size_t bytes);
  hub::Address own_address() const;

  Core& core_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Waiting>> waiting_;
  uint64_t last_id_ = 0;
  base::MonotonicTime quiet_until_{};  // about messages that are dropped
  // Shared with what the broker is to call, which may be after we have gone.
  std::shared_ptr<Relay*> self_;
};

}  // namespace millrace::edge
