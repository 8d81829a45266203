#include "app/node.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "app/token_fetch.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/memory/memory.h"
#include "store/memory/memory.h"

namespace millrace::app {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kHeartbeat = 1s;
constexpr base::Duration kStuckAfter = 10s;
// Connections of a core whose PROXY header is awaited where there is no room for them.
constexpr size_t kFullEntranceMax = 64;

// What the process opens for itself: standard streams, log and what a library may need; loops,
// listeners and their spares.
size_t own_files(const Options& options) {
  return 16 + options.workers * (2 + 2 * options.listen.size());
}

std::string fresh_uid() {
  base::OsRandom random;
  return base::to_string(base::make_uuid(random));
}

edge::Admission::Limits limits(const Options& options, const net::FileBudget& files) {
  edge::Admission::Limits result;
  // A quarter of the reserve is for sockets that are open just long enough to be refused.
  const size_t kept = own_files(options) + options.open_files_reserve / 4;
  result.sockets_max = files.limit() - std::min(kept, files.limit() / 2);
  result.connections_max = files.connections_max();
  if (options.connection_limit > 0)
    result.connections_max = std::min(result.connections_max, options.connection_limit);
  result.transport_connections_max = options.transport_connection_limits;
  result.connections_per_second_max = options.connection_rate_limit;
  return result;
}

}  // namespace

// One core and everything that lives there. It is taken down from the outside in: edge, hub, the
// rest.
class Node::Worker final : public net::Acceptor {
 public:
  Worker(Node& node, std::unique_ptr<net::Loop> loop, metrics::Core& metrics)
      : node_(node),
        metrics_(metrics),
        loop_(std::move(loop)),
        broker_({.node = node.options_.edge.node, .core = loop_->core()}),
        store_(*loop_, random_, metrics, {}),
        client_(*loop_, {}),
        connection_tokens_(*loop_, node.options_.connection_tokens, fetch_with(client_),
                           unix_seconds),
        heartbeat_(base::monotonic_now().microseconds) {
    const auto& own = node.options_.subscription_tokens;
    if (own) subscription_tokens_.emplace(*loop_, *own, fetch_with(client_), unix_seconds);
    if (const auto& proxy = node.options_.connect_proxy) backend_.emplace(*loop_, metrics, *proxy);
    if (node.options_.tls != nullptr) tls_.emplace(*loop_, metrics, node.options_.tls);
  }

  ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  net::Loop& loop() { return *loop_; }
  hub::Hub& hub() { return *hub_; }
  edge::Edge& edge() { return *edge_; }

  // After every worker was made, because hubs know each other's cores.
  void build(const base::Cores& cores) {
    hub_ = std::make_unique<hub::Hub>(hub::Hub::Parts{.cores = cores,
                                                      .core = loop_->core(),
                                                      .broker = broker_,
                                                      .store = store_,
                                                      .connection_tokens = connection_tokens_,
                                                      .subscription_tokens = subscription_tokens(),
                                                      .metrics = metrics_,
                                                      .options = node_.options_.hub,
                                                      .backend = backend_ ? &*backend_ : nullptr});
    edge_ = std::make_unique<edge::Edge>(edge::Edge::Parts{.loop = *loop_,
                                                           .metrics = metrics_,
                                                           .hub = *hub_,
                                                           .random = random_,
                                                           .admission = node_.admission_,
                                                           .options = node_.options_.edge});
    edge_->add_routes(router_);
    if (node_.options_.api_enabled) {
      api::add_routes(router_, node_.options_.api,
                      {.hub = *hub_,
                       .namespaces = node_.options_.hub.namespaces,
                       .metrics = metrics_,
                       .node = [this] { return node_.info(); }});
    }
    admin::add_routes(
        router_, node_.options_.admin,
        {.registry = node_.registry_,
         .components = [this] { return node_.components(*this); },
         .draining = [this] { return node_.admission_.closed(); },
         .tables = [this](auto done) { node_.collect_tables(*this, std::move(done)); }});
    server_ = std::make_unique<http::Server>(*loop_, metrics_, node_.options_.http, router_,
                                             node_.options_.trusted_proxies);
    if (node_.options_.proxy_protocol) {
      proxy_entrance_.emplace(
          *loop_, metrics_,
          net::ProxyEntrance::Options{.trusted = node_.options_.trusted_proxies,
                                      .header_timeout = node_.options_.http.head_timeout},
          [this](auto stream, const auto& source) { welcome(std::move(stream), source); });
    }
  }

  void start() {
    beat();
    thread_ = std::thread([this] { loop_->run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // On this worker's core, as those below.
  void set_tls(std::shared_ptr<const net::TlsContext> context) {
    tls_->set_context(std::move(context));
  }

  void deliver_gathered() { hub_->deliver_gathered(); }

  // On this worker's core: asks everybody to leave, then stops the loop when they have, or at the
  // deadline.
  void drain(base::MonotonicTime deadline) {
    loop_->stop_listening();
    if (proxy_entrance_) proxy_entrance_->close_waiting();
    server_->close_when_idle();
    edge_->drain(model::disconnects::kShutdown);
    wait_for_leavers(deadline);
  }
  void take_down_edge() {
    proxy_entrance_.reset();
    server_.reset();
    edge_.reset();
  }
  void take_down_hub() { hub_.reset(); }

  bool left_in_time() const { return left_in_time_; }

  bool stuck(base::MonotonicTime now) const {
    return now - base::MonotonicTime{heartbeat_.load(std::memory_order_relaxed)} > kStuckAfter;
  }
  // On this worker's core.
  admin::Tables tables() const {
    return {.connections = edge_->connections(),
            .http_connections = server_->connections(),
            .local_channels = edge_->local_channels(),
            .channels = hub_->channels(),
            .broker_channels = broker_.size(),
            .logs = store_.size()};
  }
  base::Result<> broker_health() const { return broker_.health(); }
  base::Result<> store_health() const { return store_.health(); }

  void on_accept(std::unique_ptr<net::Stream> stream) override {
    const bool room = has_room();
    // A proxy's header comes before TLS: it is read of those who are refused, too.
    if (proxy_entrance_ && (room || proxy_entrance_->waiting() < kFullEntranceMax))
      return proxy_entrance_->accept(std::move(stream));
    if (!room) return refuse(std::move(stream));
    server_->accept(decrypted(std::move(stream)));
  }

 private:
  // Behind a proxy's header. `source`: the client's address as it has told.
  void welcome(std::unique_ptr<net::Stream> stream, const std::optional<net::IpAddress>& source) {
    if (!has_room()) return refuse(std::move(stream));
    server_->accept(decrypted(std::move(stream)), source);
  }

  // For the sockets that are open, among them the one that asks.
  bool has_room() const {
    return node_.admission_.has_room(
        static_cast<size_t>(std::max<int64_t>(0, node_.registry_.total(metrics::Gauge::kStreams))));
  }

  void refuse(std::unique_ptr<net::Stream> stream) {
    metrics_.add(metrics::Counter::kAcceptRefused);
    server_->refuse(decrypted(std::move(stream)), 1s);
  }

  // A unix socket is no way in from the network: it stays plain.
  std::unique_ptr<net::Stream> decrypted(std::unique_ptr<net::Stream> stream) {
    if (!tls_ || stream->peer() == "unix") return stream;
    return tls_->wrap(std::move(stream));
  }

  void beat() {
    heartbeat_.store(base::monotonic_now().microseconds, std::memory_order_relaxed);
    loop_->after(kHeartbeat, [this] { beat(); });
  }

  static int64_t unix_seconds() { return base::wall_clock_ms() / 1000; }
  auth::Verifier& subscription_tokens() {
    return subscription_tokens_ ? *subscription_tokens_ : connection_tokens_;
  }

  // A core whose own connections have gone goes on turning: requests of others may need it.
  void wait_for_leavers(base::MonotonicTime deadline) {
    if (!left_in_time_ && edge_->connections() == 0 && server_->connections() == 0) {
      left_in_time_ = true;
      node_.empty_workers_.fetch_add(1);
    }
    const bool all_left = node_.empty_workers_.load() == node_.workers_.size();
    if (all_left || base::monotonic_now() >= deadline) return loop_->stop();
    loop_->after(net::TimerWheel::kTick, [this, deadline] { wait_for_leavers(deadline); });
  }

  Node& node_;
  metrics::Core& metrics_;
  base::OsRandom random_;
  std::unique_ptr<net::Loop> loop_;
  broker::memory::MemoryBroker broker_;
  store::memory::MemoryStore store_;
  std::optional<net::TlsServer> tls_;  // nullopt: plain; outlives the streams that it makes
  http::Client client_;
  auth::Verifier connection_tokens_;
  std::optional<auth::Verifier> subscription_tokens_;  // nullopt: they have no keys of their own
  std::optional<webhook::ConnectProxy> backend_;       // nullopt: nobody is asked
  http::Router router_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<edge::Edge> edge_;
  std::unique_ptr<http::Server> server_;
  std::optional<net::ProxyEntrance> proxy_entrance_;  // nullopt: no connection has such a header
  std::atomic<int64_t> heartbeat_;
  bool left_in_time_ = false;
  std::thread thread_;
};

base::Result<std::unique_ptr<Node>> Node::create(Options options) {
  options.edge.node = fresh_uid();
  std::unique_ptr<Node> node(new Node(std::move(options)));
  base::Result<> opened = node->open();
  if (!opened) return base::fail(opened);
  return node;
}

Node::Node(Options options)
    : options_(std::move(options)),
      files_(net::FileBudget::raise_to_hard_limit(options_.open_files_reserve)),
      registry_(options_.workers, {.region = options_.region,
                                   .server_id = options_.server_id,
                                   .version = options_.version}),
      admission_(limits(options_, files_)) {}

// Connections that end give back their subscriptions, maybe on another core: no part of that way is
// taken down before all of the parts that use it.
Node::~Node() {
  for (const auto& worker : workers_) worker->loop().stop();
  for (const auto& worker : workers_) worker->join();
  for (const auto& worker : workers_) worker->take_down_edge();
  for (const auto& worker : workers_) worker->take_down_hub();
}

base::Result<> Node::open() {
  for (size_t i = 0; i < options_.workers; ++i) {
    net::Loop::Options options;
    options.core = base::CoreId{static_cast<uint16_t>(i)};
    base::Result<std::unique_ptr<net::Loop>> loop = net::Loop::create(options, registry_.core(i));
    if (!loop) return base::fail(loop);
    workers_.push_back(std::make_unique<Worker>(*this, std::move(*loop), registry_.core(i)));
    executors_.push_back(&workers_.back()->loop());
  }
  const base::Cores cores{executors_};
  std::vector<hub::Hub*> hubs;
  for (const auto& worker : workers_) {
    worker->build(cores);
    hubs.push_back(&worker->hub());
  }
  std::vector<edge::Edge*> edges;
  for (const auto& worker : workers_) edges.push_back(&worker->edge());
  for (const auto& worker : workers_) {
    worker->hub().connect(hubs, worker->edge());
    worker->edge().connect(edges);
  }
  return listen();
}

base::Result<> Node::listen() {
  for (net::Address address : options_.listen) {
    base::Result<net::ListenSocket> first = net::ListenSocket::bind(address, {});
    if (!first) return base::fail(first);
    addresses_.push_back(address);
    for (size_t i = 1; i < workers_.size(); ++i) {
      base::Result<net::ListenSocket> another = first->another();
      if (!another) return base::fail(another);
      base::Result<> listening = workers_[i]->loop().listen(std::move(*another), *workers_[i]);
      if (!listening) return listening;
    }
    base::Result<> listening = workers_[0]->loop().listen(std::move(*first), *workers_[0]);
    if (!listening) return listening;
  }
  return {};
}

void Node::start() {
  for (const auto& worker : workers_) worker->start();
}

void Node::set_tls(const std::shared_ptr<const net::TlsContext>& context) {
  for (const auto& worker : workers_)
    worker->loop().post([&worker, context] { worker->set_tls(context); });
}

bool Node::drain() {
  admission_.close();
  const base::MonotonicTime deadline = base::monotonic_now() + options_.shutdown_timeout;
  // Who leaves hears nothing more, so what waits for more of its kind goes out first; from one core
  // to another it is posted, and therefore before the last core to do so asks anybody to leave.
  std::atomic<size_t> missing = workers_.size();
  for (const auto& worker : workers_) {
    worker->loop().post([this, &worker, &missing, deadline] {
      worker->deliver_gathered();
      if (missing.fetch_sub(1) > 1) return;
      for (const auto& each : workers_)
        each->loop().post([&each, deadline] { each->drain(deadline); });
    });
  }
  for (const auto& worker : workers_) worker->join();
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker->left_in_time(); });
}

std::vector<admin::Component> Node::components(const Worker& asked) const {
  std::vector<admin::Component> result;
  const base::MonotonicTime now = base::monotonic_now();
  for (size_t i = 0; i < workers_.size(); ++i) {
    base::Result<> state;
    if (workers_[i]->stuck(now))
      state = base::fail(base::ErrorCode::kUnavailable, "this core has not turned for 10 s");
    result.push_back({"core-" + std::to_string(i), std::move(state)});
  }
  result.push_back({"broker", asked.broker_health()});
  result.push_back({"store", asked.store_health()});
  return result;
}

api::NodeInfo Node::info() const {
  const auto total = [this](metrics::Gauge gauge) {
    return static_cast<uint64_t>(std::max<int64_t>(0, registry_.total(gauge)));
  };
  const base::Duration uptime = base::monotonic_now() - started_;
  return {
      .uid = options_.edge.node,
      .name = options_.server_id,
      .version = options_.version,
      .num_clients = total(metrics::Gauge::kSessions),
      .num_channels = total(metrics::Gauge::kChannels),
      .num_subs = total(metrics::Gauge::kSubscriptions),
      .uptime = static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(uptime).count())};
}

void Node::collect_tables(Worker& asked,
                          std::move_only_function<void(std::vector<admin::Tables>)> done) {
  struct Collection {
    std::vector<admin::Tables> cores;
    size_t missing;
    std::move_only_function<void(std::vector<admin::Tables>)> done;
  };
  // Shared by the tasks in flight; touched on the asker's core only.
  const auto collection = std::make_shared<Collection>(std::vector<admin::Tables>(workers_.size()),
                                                       workers_.size(), std::move(done));
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->loop().post([this, &asked, collection, i] {
      asked.loop().post([collection, i, tables = workers_[i]->tables()] {
        collection->cores[i] = tables;
        if (--collection->missing == 0) collection->done(std::move(collection->cores));
      });
    });
  }
}

}  // namespace millrace::app
