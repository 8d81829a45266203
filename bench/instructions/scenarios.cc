#include "bench/instructions/scenarios.h"

#include <array>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "bench/instructions/clients.h"
#include "bench/instructions/messages.h"
#include "bench/instructions/node.h"
#include "edge/edge.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::instructions {
namespace {

using metrics::Counter;
using metrics::Gauge;
using protocol::Format;

constexpr size_t kPayloadBytes = 125;

// How much a counter of the server has grown since it was marked.
class Growth {
 public:
  Growth(Node& node, Counter counter) : node_(node), counter_(counter) {}
  void mark() { before_ = node_.value(counter_); }
  size_t value() const { return static_cast<size_t>(node_.value(counter_) - before_); }

 private:
  Node& node_;
  const Counter counter_;
  uint64_t before_ = 0;
};

// ---- Fan-out ----

struct FanoutShape {
  Format format;
  size_t publications;  // in a turn
  size_t turns;
  std::string channel;
  Way way = Way::kWebSocket;
};

// One client publishes, a thousand others hear it.
size_t fan_out(const FanoutShape& shape) {
  constexpr size_t kSubscribers = 1000;
  Node node;
  Clients publishers(node, shape.format);
  Clients subscribers(node, shape.format, shape.way);
  publishers.come(Clients::kAtOnce, [](size_t) { return ""; });
  subscribers.come(kSubscribers, [&](size_t) { return shape.channel; });

  const std::string data = payload(kPayloadBytes);
  const std::string frame =
      masked_frame(shape.format, publish_message(shape.format, 3, shape.channel, data));
  const auto publish = [&](size_t) {
    for (size_t i = 0; i < shape.publications; ++i) publishers.at(i).send(frame);
  };
  Growth deliveries(node, Counter::kDeliveries);
  Growth writes(node, Counter::kWrites);
  Growth compressed(node, Counter::kCompressedBroadcasts);
  node.then([&] { subscribers.at(kSubscribers - 1).record(true); });
  node.then({.count = 2}, publish);
  node.then([&] {
    subscribers.at(kSubscribers - 1).record(false);
    deliveries.mark();
    writes.mark();
    compressed.mark();
  });
  node.then({.count = shape.turns, .counted = true}, publish);
  node.run();

  const std::string& heard = subscribers.at(kSubscribers - 1).recorded();
  const bool compresses = shape.way == Way::kCompressed;
  MILLRACE_ASSERT(!heard.empty() && (heard.find(data) == std::string::npos) == compresses);
  MILLRACE_ASSERT(compressed.value() == (compresses ? shape.turns : 0));
  MILLRACE_ASSERT(deliveries.value() == kSubscribers * shape.publications * shape.turns);
  MILLRACE_ASSERT(writes.value() == (kSubscribers + shape.publications) * shape.turns);
  return deliveries.value();
}

size_t fanout_json() {
  return fan_out({.format = Format::kJson, .publications = 1, .turns = 50, .channel = "news"});
}
size_t fanout_json_16() {
  return fan_out({.format = Format::kJson, .publications = 16, .turns = 50, .channel = "news"});
}
size_t fanout_protobuf() {
  return fan_out({.format = Format::kProtobuf, .publications = 1, .turns = 50, .channel = "news"});
}
size_t fanout_events() {
  return fan_out({.format = Format::kJson,
                  .publications = 1,
                  .turns = 50,
                  .channel = "news",
                  .way = Way::kEvents});
}
size_t fanout_compressed() {
  return fan_out({.format = Format::kJson,
                  .publications = 1,
                  .turns = 50,
                  .channel = "news",
                  .way = Way::kCompressed});
}
size_t fanout_log() {
  return fan_out({.format = Format::kJson, .publications = 1, .turns = 50, .channel = "log:news"});
}

// ---- Publishing with a reply ----

// Clients with a channel of their own publish into it, some in each turn, and are told that it is
// done; those that have subscribed hear it too.
size_t publish(bool subscribed) {
  constexpr size_t kClients = 200;
  constexpr size_t kAtOnce = 8;
  constexpr size_t kRounds = 8;
  const auto channel = [](size_t client) { return "own-" + std::to_string(client); };
  Node node;
  Clients clients(node, Format::kJson);
  clients.come(kClients, [&](size_t client) { return subscribed ? channel(client) : ""; });
  std::vector<std::string> frames;
  for (size_t client = 0; client < kClients; ++client) {
    const std::string message =
        publish_message(Format::kJson, 4711, channel(client), payload(kPayloadBytes));
    frames.push_back(masked_frame(Format::kJson, message));
  }
  const auto send = [&](size_t turn) {
    for (size_t i = 0; i < kAtOnce; ++i) {
      const size_t client = (turn * kAtOnce + i) % kClients;
      clients.at(client).send(frames[client]);
    }
  };
  Growth publishes(node, Counter::kPublishes);
  Growth deliveries(node, Counter::kDeliveries);
  Growth writes(node, Counter::kWrites);
  node.then([&] { clients.at(0).record(true); });
  node.then({.count = kClients / kAtOnce}, send);
  node.then([&] {
    clients.at(0).record(false);
    publishes.mark();
    deliveries.mark();
    writes.mark();
  });
  node.then({.count = kRounds * kClients / kAtOnce, .counted = true}, send);
  node.run();

  MILLRACE_ASSERT(clients.at(0).recorded().find(R"("id":4711)") != std::string::npos);
  MILLRACE_ASSERT(publishes.value() == kRounds * kClients);
  MILLRACE_ASSERT(deliveries.value() == (subscribed ? kRounds * kClients : 0));
  MILLRACE_ASSERT(writes.value() == kRounds * kClients);
  return publishes.value();
}

size_t publish_reply() {
  return publish(true);
}
size_t publish_unheard() {
  return publish(false);
}

// ---- Coming ----

// From the accepted stream to the reply to a subscribe, with recovery, to a channel that ten share.
size_t connect_subscribe() {
  constexpr size_t kBefore = 200;
  constexpr size_t kClients = 1000;
  const auto channel = [](size_t client) { return "log:room-" + std::to_string(client / 10); };
  Node node;
  Clients clients(node, Format::kJson);
  clients.come(kBefore, channel);
  clients.come(kClients, channel, true);
  node.run();

  MILLRACE_ASSERT(node.value(Gauge::kSessions) == kBefore + kClients);
  MILLRACE_ASSERT(node.value(Gauge::kSubscriptions) == kBefore + kClients);
  return kClients;
}

// ---- Staying ----

// Heartbeats of many clients over one interval: the server's pings, the pongs, and the timers.
size_t ping() {
  constexpr size_t kClients = 5000;
  constexpr base::Duration kInterval = edge::Options{}.ping_interval;
  constexpr base::Duration kTurn = net::TimerWheel::kTick;
  constexpr size_t kTurns = kInterval / kTurn;
  Node node;
  Clients clients(node, Format::kJson);
  clients.come(kClients, [](size_t) { return ""; });

  const std::string pong = masked_frame(Format::kJson, pong_message(Format::kJson));
  std::vector<Peer*> pinged;
  std::vector<Peer*> answering;
  const auto answer = [&](size_t) {
    answering.swap(pinged);
    for (Peer* const peer : answering) peer->send(pong);
    answering.clear();
  };
  Growth pings(node, Counter::kPingsSent);
  node.then([&] {
    for (size_t client = 0; client < kClients; ++client) clients.at(client).tell(&pinged);
  });
  node.then({.count = 2 * kTurns, .each = kTurn}, answer);
  node.then([&] { pings.mark(); });
  node.then({.count = kTurns, .each = kTurn, .counted = true}, answer);
  node.run();

  MILLRACE_ASSERT(node.value(Gauge::kSessions) == kClients);
  // A round takes a little longer than the interval: timers are never early.
  MILLRACE_ASSERT(pings.value() <= kClients && pings.value() > kClients * 98 / 100);
  return pings.value();
}

}  // namespace

std::span<const Scenario> scenarios() {
  static constexpr std::array kAll = std::to_array<Scenario>({
      {"fanout_json", "delivery", fanout_json},
      {"fanout_json_16", "delivery", fanout_json_16},
      {"fanout_protobuf", "delivery", fanout_protobuf},
      {"fanout_events", "delivery", fanout_events},
      {"fanout_compressed", "delivery", fanout_compressed},
      {"fanout_log", "delivery", fanout_log},
      {"publish_reply", "publish", publish_reply},
      {"publish_unheard", "publish", publish_unheard},
      {"connect_subscribe", "client", connect_subscribe},
      {"ping", "ping", ping},
  });
  return kAll;
}

}  // namespace millrace::instructions
