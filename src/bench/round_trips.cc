// Echo and publish: every connection keeps a window of messages under way, each until it has come
// back, or the server has answered it.
#include <optional>
#include <utility>

#include "bench/sequence.h"
#include "bench/stamp.h"
#include "bench/worker.h"

namespace millrace::bench {
namespace {

class RoundTrips final : public Worker {
 public:
  RoundTrips(const Setup& setup, Board& board, size_t process)
      : Worker(setup, board, process),
        echo_(options_.scenario == ScenarioKind::kEcho),
        payload_(options_.payload_bytes, echo_ ? "P" : ""),
        peers_(clients_.size()) {
    if (!echo_) sent_ns_.resize(clients_.size() * options_.window);
    for (const Client& client : clients_) names_.push_back(channels_of(client).front());
  }

  // What has not come back by now does not.
  void finish() override {
    for (size_t i = 0; i < peers_.size(); ++i) {
      if (clients_[i].state == ClientState::kReady) counts().lost.add(peers_[i].under_way);
    }
  }

 protected:
  // A channel of its own to publish to, which it does not subscribe to.
  std::vector<std::string> channels_of(const Client& client) const override {
    return {options_.channel + "-" + std::to_string(index_in_all(client))};
  }

  void work(int64_t) override {
    if (begun_) return;
    begun_ = true;
    std::string out;
    for (Client& client : clients_) {
      if (client.state != ClientState::kReady) continue;
      for (uint32_t slot = 0; slot < options_.window; ++slot) send_one(client, slot, out);
      engine_->send(client, out);
      out.clear();
    }
  }

  bool drained() override {
    for (size_t i = 0; i < peers_.size(); ++i) {
      if (clients_[i].state == ClientState::kReady && peers_[i].under_way > 0) return false;
    }
    return true;
  }

  void on_delivery(Client& client, const Stamp& stamp) override {
    if (!echo_ || stamp.stream != client.index) return;
    Peer& peer = peers_[client.index];
    int64_t missing = 0;
    const Arrival arrival = peer.sequence.take(stamp.sequence, missing);
    if (arrival == Arrival::kDuplicate) return counts().duplicated.add(1);
    // What an echo has overtaken counts as lost at the end, unless it comes.
    if (arrival == Arrival::kLate || missing > 0) counts().out_of_order.add(1);
    came_back(client, stamp.slot, stamp.time_ns);
  }

  void on_answer(Client& client, uint32_t id) override {
    if (echo_ || id >= options_.window) return;
    int64_t& sent = sent_ns_[client.index * options_.window + id];
    if (sent == 0) return counts().duplicated.add(1);
    came_back(client, id, std::exchange(sent, 0));
  }

 private:
  struct Peer {
    Sequence sequence;
    uint32_t sent = 0;
    int64_t under_way = 0;
  };

  void came_back(Client& client, uint32_t slot, int64_t sent_ns) {
    --peers_[client.index].under_way;
    counts().deliveries.add(1);
    if (measuring_) figures_.latency.add(engine_->now() - sent_ns);
    if (phase_ == Phase::kWarmup || phase_ == Phase::kMeasuring)
      send_one(client, slot, engine_->reply());
  }

  void send_one(Client& client, uint32_t slot, std::string& out) {
    Peer& peer = peers_[client.index];
    const int64_t now = now_ns();
    const Stamp stamp{
        .stream = client.index, .sequence = peer.sent++, .slot = slot, .time_ns = now};
    if (!echo_) sent_ns_[client.index * options_.window + slot] = now;
    ++peer.under_way;
    counts().published.add(1);
    dialect_->publish(client, names_[client.index], payload_.make(stamp), slot, out);
  }

  const bool echo_;
  PayloadMaker payload_;
  std::vector<Peer> peers_;
  std::vector<int64_t> sent_ns_;  // of each connection's slots; 0: answered
  std::vector<std::string> names_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<Worker> make_round_trips(const Setup& setup, Board& board, size_t process) {
  return std::make_unique<RoundTrips>(setup, board, process);
}

}  // namespace millrace::bench
