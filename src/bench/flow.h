// Publishing to subscribers: fanout and channels as they are here; churn and reconnect derive.
//
// The first process publishes, in a window or at a rate; all check that each of their subscribers
// gets each message of each stream once and in order. A stream is what one connection publishes to
// one channel: fanout has one per publisher, the others one per channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "bench/sequence.h"
#include "bench/stamp.h"
#include "bench/window.h"
#include "bench/worker.h"

namespace millrace::bench {

class Flow : public Worker {
 public:
  Flow(const Setup& setup, Board& board, size_t process);
  void finish() override;

 protected:
  std::vector<std::string> channels_of(const Client& client) const override;
  void work(int64_t now) override;
  int64_t next_due() const override;
  bool drained() override;
  void on_delivery(Client& client, const Stamp& stamp) override;

  // Messages per second; 0: in a window.
  virtual double publish_rate() const { return options_.rate; }
  // Whether a delivery's latency is one of the run's.
  virtual bool times_deliveries() const { return true; }

  Sequence* sequence_of(const Client& client, uint32_t stream);
  Sequence& own_sequence(const Client& client) { return sequences_[client.index]; }

 private:
  void publish_in_window(int64_t now);
  void publish_at_rate(int64_t now);
  // False: the connection that would publish is gone.
  bool publish_one(uint32_t stream, uint32_t slot, int64_t time_ns);
  uint32_t next_stream();
  void flush();
  uint64_t behind_in_all();
  uint64_t live_subscribers() const;
  uint32_t own_subscribers(uint32_t stream) const;
  int64_t due_of(uint64_t number) const;

  const bool many_;  // channels: each connection has several
  PayloadMaker payload_;
  std::optional<Window> window_;
  std::vector<Sequence> sequences_;
  std::vector<uint32_t> own_subscribers_;  // many_, several processes: of each channel
  std::vector<std::string> names_;         // of the streams' channels
  std::vector<std::string> outputs_;       // of each publisher, in this turn
  base::Prng random_;
  uint64_t published_ = 0;
  uint64_t paced_ = 0;         // of those at a rate
  int64_t pace_begun_ns_ = 0;  // when number 0 was due
  int64_t looked_ns_ = 0;      // when drained() counted last
};

}  // namespace millrace::bench
