// What the parts of one core's edge share: its connections, its fan-out, and the work that waits
// for the end of the turn.
//
// Lives on that core only. Connections are made and destroyed here, and destroyed only at the end
// of a turn: inside a turn a Connection& stays good, whatever its callbacks decide.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_hash.h"
#include "edge/edge.h"
#include "edge/fanout.h"
#include "edge/keep_alive.h"
#include "edge/outbox.h"
#include "edge/session_request.h"
#include "edge/visitor_rules.h"
#include "websocket/websocket.h"

namespace millrace::edge {

class Connection;
class Relay;

// Empty strings that keep their room, for what connections gather within a turn.
class SpareStrings {
 public:
  std::unique_ptr<std::string> take() {
    if (spare_.empty()) return std::make_unique<std::string>();
    std::unique_ptr<std::string> string = std::move(spare_.back());
    spare_.pop_back();
    return string;
  }
  void give_back(std::unique_ptr<std::string> string) {
    if (spare_.size() == kSpareMax || string->capacity() > kRoomMax) return;
    string->clear();
    spare_.push_back(std::move(string));
  }

 private:
  static constexpr size_t kSpareMax = 64;
  static constexpr size_t kRoomMax = 64UL * 1024;
  std::vector<std::unique_ptr<std::string>> spare_;
};

class Core final : public base::TurnHook {
 public:
  explicit Core(const Edge::Parts& parts);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  net::Loop& loop;
  metrics::Core& metrics;
  hub::Hub& hub;
  base::Random& random;
  Admission& admission;
  const Options& options;
  const VisitorRules visitors;
  Fanout fanout;
  websocket::CoreScratch websocket_scratch;
  SpareStrings spare_strings;
  KeepAlive keep_alive;
  // What the decoder is told: of an echo, or of a client's connection.
  websocket::Options websocket_options(bool echo, Variant variant) const;
  bool draining = false;

  // At debug level: who asks for a connection that it may have. Before its stream is taken, which
  // ends the request.
  static void log_client(const http::Request& request, Transport transport);

  // Takes the connection into the table; its reference is good until it is destroyed.
  Connection& adopt(std::unique_ptr<Connection> connection);
  // Null if it has gone.
  Connection* find(const base::ConnectionRef& ref) const;

  // Brings a request to the session that it names, on whichever node and core that lives. Answered
  // with 404 if there is none; from another node also with what relay.h says. `node` is any bytes.
  void request(std::string_view node, SessionRequest request, SessionAnswered answered);
  // The same for what has come from elsewhere: the session is on this core, or there is none.
  void on_request(SessionRequest request, SessionAnswered answered);
  Relay& relay() { return *relay_; }
  // Before the first request: all cores in order, this one among them.
  void connect(std::vector<Core*> cores) { cores_ = std::move(cores); }
  size_t connections() const { return open_; }
  template <class F>
  void for_each(F&& action) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].connection != nullptr) action(*slots_[i].connection);
    }
  }

  // Who a connection's user is; a user may have many. Anonymous ones are not remembered.
  void remember_user(std::string_view user, const base::ConnectionRef& connection);
  void forget_user(std::string_view user, const base::ConnectionRef& connection);
  // Those whom an order may concern, and maybe others.
  std::vector<Connection*> concerned(const hub::Order& order);

  // Once a turn each: the connection has output; it is to be destroyed.
  void flush_later(Connection& connection) { dirty_.push_back(&connection); }
  // Once until on_write_delay_over(): the connection has output that may wait for more.
  void flush_after_delay(const Connection& connection);
  void destroy_later(Connection& connection) { doomed_.push_back(&connection); }

  // What one flush has written, with so many messages in it.
  void note_written(Transport transport, const Outbox::Written& written, uint32_t messages);

  // Deliveries of this turn, for the latency histogram: observed when their bytes have been handed
  // to the kernel.
  void note_deliveries(base::MonotonicTime received, size_t count) {
    deliveries_.push_back({received, count});
  }

  void on_turn_end() override;

 private:
  struct Slot {
    std::unique_ptr<Connection> connection;
    uint32_t generation = 0;
  };
  struct Deliveries {
    base::MonotonicTime received;
    size_t count;
  };
  // Flushes one after another that wrote the same: what a fan-out does.
  struct Flushes {
    size_t bytes = 0;
    uint32_t messages = 0;
    uint64_t count = 0;
  };
  // Connections whose output waits, the one that is due first in front.
  struct Delayed {
    base::MonotonicTime due;
    base::ConnectionRef connection;
  };
  void destroy(Connection& connection);
  void on_answered(uint64_t asked, SessionAnswer answer);
  bool holds_back();
  void on_write_delays();
  void flush_all();
  void observe_flushes();
  void observe_latencies();

  absl::flat_hash_map<std::string, absl::InlinedVector<uint32_t, 2>, base::StringHash,
                      base::StringEqual>
      users_;  // slots of their connections
  std::vector<Core*> cores_;
  // Requests that another core of this node is to answer.
  absl::flat_hash_map<uint64_t, SessionAnswered> asked_;
  uint64_t last_asked_ = 0;
  const std::unique_ptr<Relay> relay_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  size_t open_ = 0;
  std::vector<Connection*> dirty_;
  std::vector<Connection*> doomed_;
  std::vector<Deliveries> deliveries_;
  std::deque<Delayed> delayed_;
  base::TimerId delay_timer_;
  std::optional<base::MonotonicTime> held_back_;  // since when everything waits
  Flushes flushes_;
};

}  // namespace millrace::edge
