#include "bench/instructions/node.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include <array>
#include <utility>

#include "auth/auth.h"
#include "base/assert.h"
#include "base/executor.h"
#include "base/random.h"
#include "bench/instructions/clock.h"
#include "broker/memory/memory.h"
#include "edge/edge.h"
#include "http/http.h"
#include "hub/hub.h"
#include "net/net.h"
#include "store/memory/memory.h"

namespace millrace::instructions {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<net::Loop> make_loop(metrics::Core& metrics) {
  base::Result<std::unique_ptr<net::Loop>> loop = net::Loop::create({}, metrics);
  MILLRACE_ASSERT(loop.has_value());
  return std::move(*loop);
}

edge::Options edge_options() {
  edge::Options options;
  options.compression = true;
  options.sse = {.enabled = true, .path = "/connection/sse"};
  return options;
}

hub::Options hub_options() {
  hub::ChannelOptions plain;
  plain.allow_subscribe_for_client = plain.allow_subscribe_for_anonymous = true;
  plain.allow_publish_for_client = plain.allow_publish_for_anonymous = true;
  hub::ChannelOptions log = plain;
  log.log.history_size = 10;
  log.log.history_ttl = 60s;
  log.force_recovery = log.force_positioning = true;
  hub::Options options;
  options.allow_anonymous_connect_without_token = true;
  options.namespaces = hub::Namespaces({}, plain, {{"log", log}});
  return options;
}

}  // namespace

// An event that is always there makes the loop turn without a pause.
class Node::Parts final : public net::WatchHandler {
 public:
  explicit Parts(Node& node)
      : node_(node),
        metrics_(registry_.core(0)),
        loop_(make_loop(metrics_)),
        executor_(loop_.get()),
        store_(*loop_, random_, metrics_, {}),
        tokens_(
            *loop_, keys_, [](const std::string&, auto) {},
            [] { return base::wall_clock_ms() / 1000; }),
        hub_({.cores = base::Cores{{&executor_, 1}},
              .core = {},
              .broker = broker_,
              .store = store_,
              .connection_tokens = tokens_,
              .subscription_tokens = tokens_,
              .metrics = metrics_,
              .options = hub_options_}),
        edge_({.loop = *loop_,
               .metrics = metrics_,
               .hub = hub_,
               .random = random_,
               .admission = admission_,
               .options = edge_options_}),
        server_(*loop_, metrics_, http_options_, router_) {
    hub::Hub* const hubs = &hub_;
    hub_.connect({&hubs, 1}, edge_);
    edge_.add_routes(router_);
    MILLRACE_ASSERT(event_ >= 0);
    watch_ = loop_->watch(event_, *this);
    MILLRACE_ASSERT(watch_->want(true, false));
  }
  ~Parts() {
    watch_.reset();
    ::close(event_);
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void run() { loop_->run(); }
  void accept(std::unique_ptr<net::Stream> stream) { server_.accept(std::move(stream)); }
  const metrics::Core& metrics() const { return metrics_; }

  void on_ready(bool, bool) override {
    if (!node_.turn()) loop_->stop();
  }

 private:
  Node& node_;
  const hub::Options hub_options_ = hub_options();
  const edge::Options edge_options_ = edge_options();
  const http::Options http_options_{};
  const auth::Options keys_{};
  metrics::Registry registry_{1, {}};
  metrics::Core& metrics_;
  base::Prng random_{1};
  edge::Admission admission_{{}};
  std::unique_ptr<net::Loop> loop_;
  base::Executor* executor_;
  broker::memory::MemoryBroker broker_;
  store::memory::MemoryStore store_;
  auth::Verifier tokens_;
  http::Router router_;
  hub::Hub hub_;
  edge::Edge edge_;
  http::Server server_;
  const int event_ = ::eventfd(1, EFD_CLOEXEC);
  std::unique_ptr<net::Watch> watch_;
};

Node::Node() : parts_(std::make_unique<Parts>(*this)) {}
Node::~Node() = default;

void Node::then(const Turns& turns, std::function<void(size_t turn)> action) {
  MILLRACE_ASSERT(turns.count > 0);
  scripts_.push_back({turns, std::move(action)});
}

void Node::run() {
  parts_->run();
}

// Counting begins and ends here, in the middle of a turn, and so takes in whole ones.
bool Node::turn() {
  const bool more = !scripts_.empty();
  const bool counted = more && scripts_.front().turns.counted;
  if (counted != std::exchange(counting_, counted)) {
    if (counted) {
      CALLGRIND_START_INSTRUMENTATION;
    } else {
      CALLGRIND_STOP_INSTRUMENTATION;
    }
  }
  if (!more) return false;
  Script& script = scripts_.front();
  advance_clock(script.turns.each);
  script.action(turn_);
  if (++turn_ == script.turns.count) {
    scripts_.pop_front();
    turn_ = 0;
  }
  return true;
}

Peer& Node::accept() {
  Peer& peer = peers_.emplace_back();
  parts_->accept(peer.stream());
  return peer;
}

uint64_t Node::value(metrics::Counter counter) const {
  return parts_->metrics().value(counter);
}
int64_t Node::value(metrics::Gauge gauge) const {
  return parts_->metrics().value(gauge);
}

}  // namespace millrace::instructions
