// For tests: nodes as app/node.cc wires them, with real hubs, edges and HTTP servers, which an
// exchange connects; their clients; and the time, which moves by hand. All of it in one thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/auth.h"
#include "base/random.h"
#include "broker/memory/memory.h"
#include "edge/edge.h"
#include "http/http.h"
#include "hub/hub.h"
#include "net/net.h"
#include "store/memory/memory.h"

namespace millrace::edge {

using namespace std::chrono_literals;  // NOLINT: for tests only

// One HTTP connection of a client. Outlives the server's end.
class Visitor {
 public:
  std::unique_ptr<net::Stream> stream() { return std::make_unique<End>(*this); }

  void send(std::string bytes) {
    unread_ += bytes;
    while (handler_ != nullptr && !paused_ && !unread_.empty()) handler_->on_readable();
  }
  void hang_up() {
    gone_ = true;
    if (handler_ != nullptr) handler_->on_readable();
  }

  // All that came, and of a response that is whole, or of a stream: its status and its body.
  const std::string& received() const { return received_; }
  bool answered() const { return received_.find("\r\n\r\n") != std::string::npos; }
  int status() const { return answered() ? std::stoi(received_.substr(9, 3)) : 0; }
  std::string body() const {
    return answered() ? received_.substr(received_.find("\r\n\r\n") + 4) : "";
  }
  size_t responses() const {
    size_t count = 0;
    for (size_t at = 0; (at = received_.find("HTTP/1.1 ", at)) != std::string::npos; ++at) ++count;
    return count;
  }

 private:
  class End final : public net::Stream {
   public:
    using Status = net::IoResult::Status;
    explicit End(Visitor& visitor) : visitor_(visitor) {}
    ~End() override { visitor_.handler_ = nullptr; }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    void set_handler(net::StreamHandler* handler) override { visitor_.handler_ = handler; }
    net::IoResult read(std::span<char> into) override {
      if (visitor_.gone_) return {Status::kError, 0};
      const size_t count = std::min(into.size(), visitor_.unread_.size());
      if (count == 0) return {Status::kWouldBlock, 0};
      std::copy_n(visitor_.unread_.data(), count, into.data());
      visitor_.unread_.erase(0, count);
      return {Status::kDone, count};
    }
    net::IoResult write(std::span<const std::string_view> parts) override {
      if (visitor_.gone_) return {Status::kError, 0};
      size_t taken = 0;
      for (const std::string_view part : parts) {
        visitor_.received_ += part;
        taken += part.size();
      }
      return {Status::kDone, taken};
    }
    void pause_reading(bool paused) override { visitor_.paused_ = paused; }
    void shutdown_write() override {}
    void reset() override {}
    std::string peer() const override { return "192.0.2.1:4711"; }

   private:
    Visitor& visitor_;
  };

  net::StreamHandler* handler_ = nullptr;
  std::string unread_;
  std::string received_;
  bool paused_ = false;
  bool gone_ = false;
};

// What goes wrong with the control messages of one core, at the test's will.
class Line final : public broker::Broker, public broker::Sink {
 public:
  explicit Line(broker::Broker& within) : within_(within) {}

  bool losing = false;                        // what is sent
  bool holding = false;                       // what comes, until release()
  bool silent = false;                        // nobody hears what became of what was sent
  std::optional<base::ErrorCode> refusing{};  // what is sent, with this error
  std::vector<broker::Done> unsaid{};         // while silent

  void release() {
    holding = false;
    for (const std::string& bytes : std::exchange(held_, {})) sink_->on_control(bytes);
  }

  void set_sink(broker::Sink& sink) override {
    sink_ = &sink;
    within_.set_sink(*this);
  }
  void subscribe(std::string_view channel, broker::Done done) override {
    within_.subscribe(channel, std::move(done));
  }
  void unsubscribe(std::string_view channel) override { within_.unsubscribe(channel); }
  void publish(std::string_view channel, broker::Message message, broker::Done done) override {
    within_.publish(channel, std::move(message), std::move(done));
  }
  const broker::Address& address() const override { return within_.address(); }
  void send_control(const broker::Address& to, std::string bytes, broker::Done done) override {
    if (refusing) return done(base::fail(*refusing, "as the test wants it"));
    if (silent) return unsaid.push_back(std::move(done));
    if (losing) return done({});
    within_.send_control(to, std::move(bytes), std::move(done));
  }
  base::Result<> health() const override { return {}; }

  void on_message(std::string_view channel, const broker::Message& message) override {
    sink_->on_message(channel, message);
  }
  void on_control(std::string_view bytes) override {
    if (holding) {
      held_.emplace_back(bytes);
    } else {
      sink_->on_control(bytes);
    }
  }
  void on_interruption() override { sink_->on_interruption(); }

 private:
  broker::Broker& within_;
  broker::Sink* sink_ = nullptr;
  std::vector<std::string> held_;
};

// A node. It is taken down as app/node.cc does it: from the outside in.
class TestNode {
 public:
  struct Core {
    Core(const TestNode& node, base::CoreId id, broker::memory::Exchange& exchange)
        : loop(net::Loop::create({.core = id}, metrics).value()),
          random(id.value() + 1U),
          broker({.node = node.options.node, .core = id}, exchange, *loop),
          line(broker),
          store(*loop, random, metrics, {}),
          tokens(
              *loop, node.keys, [](const std::string&, auto) {},
              [] { return base::wall_clock_ms() / 1000; }) {}
    metrics::Core metrics;
    std::unique_ptr<net::Loop> loop;
    base::Prng random;
    broker::memory::MemoryBroker broker;
    Line line;
    store::memory::MemoryStore store;
    auth::Verifier tokens;
    http::Router router;
    std::unique_ptr<hub::Hub> hub;
    std::unique_ptr<Edge> edge;
    std::unique_ptr<http::Server> server;
  };

  static constexpr uint16_t kCores = 2;

  TestNode(Options given, broker::memory::Exchange& exchange) : options(std::move(given)) {
    hub_options_.insecure = true;
    for (uint16_t i = 0; i < kCores; ++i) {
      cores_.push_back(std::make_unique<Core>(*this, base::CoreId{i}, exchange));
      executors_.push_back(cores_.back()->loop.get());
    }
    std::vector<hub::Hub*> hubs;
    std::vector<Edge*> edges;
    for (const auto& core : cores_) {
      build(*core);
      hubs.push_back(core->hub.get());
      edges.push_back(core->edge.get());
    }
    for (const auto& core : cores_) {
      core->hub->connect(hubs, *core->edge);
      core->edge->connect(edges);
    }
  }
  ~TestNode() {
    take_down_edges();
    for (const auto& core : cores_) core->hub.reset();
  }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  void take_down_edges() {
    for (const auto& core : cores_) {
      core->server.reset();
      core->edge.reset();
    }
  }
  void drain() {
    for (const auto& each : cores_) {
      each->server->close_when_idle();
      each->edge->drain(model::disconnects::kShutdown);
    }
  }

  // True if something is left to do at this time.
  bool turn(base::MonotonicTime now) {
    for (const auto& core : cores_) core->loop->turn(now);
    return std::ranges::any_of(cores_,
                               [](const auto& core) { return core->loop->mailbox_depth() > 0; });
  }

  Core& core(size_t index = 0) { return *cores_[index]; }
  Line& line() { return core().line; }
  size_t connections() const {
    size_t sum = 0;
    for (const auto& core : cores_) sum += core->edge->connections();
    return sum;
  }
  uint64_t count(metrics::Counter counter) const {
    uint64_t sum = 0;
    for (const auto& core : cores_) sum += core->metrics.value(counter);
    return sum;
  }

  const Options options;
  const auth::Options keys{};

 private:
  void build(Core& core) {
    core.hub = std::make_unique<hub::Hub>(hub::Hub::Parts{.cores = base::Cores{executors_},
                                                          .core = core.loop->core(),
                                                          .broker = core.line,
                                                          .store = core.store,
                                                          .connection_tokens = core.tokens,
                                                          .subscription_tokens = core.tokens,
                                                          .metrics = core.metrics,
                                                          .options = hub_options_});
    core.edge = std::make_unique<Edge>(Edge::Parts{.loop = *core.loop,
                                                   .metrics = core.metrics,
                                                   .hub = *core.hub,
                                                   .random = core.random,
                                                   .admission = admission_,
                                                   .options = options});
    core.edge->add_routes(core.router);
    core.server =
        std::make_unique<http::Server>(*core.loop, core.metrics, http_options_, core.router);
  }

  const http::Options http_options_{};
  hub::Options hub_options_;
  Admission admission_{{}};
  std::vector<base::Executor*> executors_;
  std::vector<std::unique_ptr<Core>> cores_;
};

// Nodes "a", "b" and "c" of two cores each, without a balancer: the test is one.
class NodesTest : public testing::Test {
 protected:
  static constexpr size_t kCores = TestNode::kCores;
  struct Session {
    std::string id;
    std::string node;
  };

  NodesTest() {
    for (const char* const name : {"a", "b", "c"}) start(name, options());
  }

  static Options options() {
    Options options;
    options.ping_interval = 0ms;
    options.http_stream = {.enabled = true, .path = "/stream"};
    options.sse = {.enabled = true, .path = "/sse"};
    options.long_poll.enabled = true;
    options.long_poll.path = "/long_poll";
    options.long_poll.poll_path = "/poll";
    options.emulation_body_bytes_max = 1'000'000;
    return options;
  }
  void start(const std::string& name, Options with) {
    nodes_.erase(name);
    with.node = "node-" + name;
    nodes_[name] = std::make_unique<TestNode>(std::move(with), exchange_);
  }
  TestNode& node(const std::string& name) { return *nodes_.at(name); }

  // Turns until nothing is left to do at this time.
  void run() {
    for (bool busy = true; std::exchange(busy, false);) {
      for (const auto& [name, node] : nodes_) busy = node->turn(now_) || busy;
    }
    for (const auto& [name, node] : nodes_) node->turn(now_);
  }
  void pass(base::Duration time) {
    constexpr base::Duration kStep = 500ms;
    for (; time.count() > 0; time -= std::min(time, kStep)) {
      now_ = now_ + std::min(time, kStep);
      run();
    }
  }

  // A request on a connection of its own.
  Visitor& visit(const std::string& name, std::string_view path, std::string_view body,
                 size_t core = 0, std::string_view header = "") {
    Visitor& visitor = visitors_.emplace_back();
    node(name).core(core).server->accept(visitor.stream());
    visitor.send("POST " + std::string(path) +
                 " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                 std::string(header) + "\r\n" + std::string(body));
    return visitor;
  }
  Visitor& open(const std::string& name, std::string_view path, size_t core = 0) {
    Visitor& stream = visit(name, path, R"({"id":1,"connect":{}})", core);
    run();
    EXPECT_EQ(stream.status(), 200);
    return stream;
  }
  static Session session_of(const Visitor& opened) {
    const auto field = [&](const std::string& key) {
      const std::string before = "\"" + key + "\":\"";
      const size_t begin = opened.received().find(before);
      if (begin == std::string::npos) return std::string();
      const size_t end = opened.received().find('"', begin + before.size());
      return opened.received().substr(begin + before.size(), end - begin - before.size());
    };
    return {.id = field("session"), .node = field("node")};
  }

  // Commands with ordinary names and numbers: the quotes in them are escaped here.
  Visitor& emulate(const std::string& name, const Session& session, std::string_view commands) {
    std::string data;
    for (const char c : commands) {
      if (c == '"') data += '\\';
      data += c;
    }
    return visit(name, "/emulation",
                 R"({"session":")" + session.id + R"(","node":")" + session.node + R"(","data":")" +
                     data + "\"}");
  }
  Visitor& poll(const std::string& name, const Session& session, uint64_t ack) {
    return visit(name, "/poll",
                 R"({"session":")" + session.id + R"(","node":")" + session.node + R"(","ack":)" +
                     std::to_string(ack) + "}");
  }
  void publish(const std::string& name, std::string channel, std::string_view data) {
    node(name).core().hub->call(std::move(channel),
                                hub::PublishAsk{.data = base::SharedBytes::copy_of(data)},
                                [](const hub::AnswerBody& answer) {
                                  EXPECT_TRUE(std::holds_alternative<hub::PublishAnswer>(answer));
                                });
  }
  // A polling session on `name` that is subscribed to "news", with the first response received.
  Session open_poll(const std::string& name, size_t core = 0) {
    const Session session = session_of(open(name, "/long_poll", core));
    emulate(name, session, R"({"id":2,"subscribe":{"channel":"news"}})");
    const Visitor& first = poll(name, session, 1);
    run();
    EXPECT_NE(first.body().find("subscribe"), std::string::npos);
    return session;  // two responses were received
  }

  base::MonotonicTime now_ = base::monotonic_now();
  std::deque<Visitor> visitors_;
  broker::memory::Exchange exchange_;
  std::map<std::string, std::unique_ptr<TestNode>> nodes_;
};

}  // namespace millrace::edge
