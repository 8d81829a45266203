// Connections that come and go while a channel is published to, at a rate of its own.
//
// churn: the oldest connection goes without a word, and a new one takes its place. What was
// published after its subscription was confirmed must arrive, up to where it goes.
//
// reconnect: all connections are cut at once, come back with their positions, and must get every
// message once. The run's latency is the time from the cut until a subscriber is back.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bench/flow.h"

namespace millrace::bench {
namespace {

class Churn final : public Flow {
 public:
  using Flow::Flow;

 protected:
  double publish_rate() const override { return options_.publish_rate; }

  void on_ready(Client& client) override {
    if (client.publishes_only) return;
    own_sequence(client).start_no_later_than(static_cast<uint64_t>(board_.published(0).get()));
  }

  void work(int64_t now) override {
    if (begun_ns_ == 0) begun_ns_ = now;
    const double each =
        static_cast<double>(kNsPerSecond) * static_cast<double>(processes_) / options_.rate;
    while (subscribers_ > 0 &&
           static_cast<double>(now - begun_ns_) >= each * static_cast<double>(gone_)) {
      replace(clients_[gone_ % subscribers_], now);
      ++gone_;
    }
    Flow::work(now);
  }

 private:
  // One that is not back yet has to come first: the server is slower than the rate.
  void replace(Client& client, int64_t now) {
    if (client.state != ClientState::kReady) return;
    cut(client);
    want(client, now);
  }

  int64_t begun_ns_ = 0;
  size_t gone_ = 0;
};

class Reconnect final : public Flow {
 public:
  Reconnect(const Setup& setup, Board& board, size_t process)
      : Flow(setup, board, process), positions_(subscribers_) {}

 protected:
  double publish_rate() const override { return options_.publish_rate; }
  bool times_deliveries() const override { return false; }

  const Position* since(const Client& client) const override {
    return cut_ && !client.publishes_only ? &positions_[client.index] : nullptr;
  }

  void on_position(Client& client, std::string_view epoch, uint64_t offset) override {
    if (client.publishes_only) return;
    Position& position = positions_[client.index];
    if (!epoch.empty()) position.epoch = epoch;
    position.offset = offset;
  }

  void on_ready(Client& client) override {
    if (cut_ && !client.publishes_only)
      figures_.latency.add(engine_->now() - client.begun_ns);
    else if (!client.publishes_only && positions_[client.index].epoch.empty())
      figures_.tell_problem("the channel has no history: nothing can be recovered");
  }

  void work(int64_t now) override {
    if (phase_ == Phase::kMeasuring && !cut_) {
      cut_ = true;
      for (size_t i = 0; i < subscribers_; ++i) {
        if (clients_[i].state != ClientState::kReady) continue;
        cut(clients_[i]);
        want(clients_[i], now);
      }
    }
    Flow::work(now);
  }

 private:
  std::vector<Position> positions_;
  bool cut_ = false;
};

}  // namespace

std::unique_ptr<Worker> make_churn(const Setup& setup, Board& board, size_t process) {
  return std::make_unique<Churn>(setup, board, process);
}

std::unique_ptr<Worker> make_reconnect(const Setup& setup, Board& board, size_t process) {
  return std::make_unique<Reconnect>(setup, board, process);
}

}  // namespace millrace::bench
