// A server over streams without sockets, for tests: routes of every temper, and time that moves by
// hand.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/http.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "net/testing_stream.h"

namespace millrace::http {

using net::TestPeer;

class ServerTest : public testing::Test {
 protected:
  ServerTest()
      : loop_(std::move(net::Loop::create({}, metrics_).value())), time_(base::monotonic_now()) {
    router_.add("GET", "/now", [](const Request& request, Responder responder) {
      responder.send(Response::text(200, "now " + std::string(request.query)));
    });
    router_.add("POST", "/echo", [](const Request& request, Responder responder) {
      responder.send(Response::text(200, std::string(request.body)));
    });
    router_.add("GET", "/later", [this](const Request&, Responder responder) {
      later_.push_back(std::move(responder));
    });
    router_.add("GET", "/drop", [](const Request&, Responder) {});
    router_.add("GET", "/close", [](const Request&, Responder responder) {
      Response response = Response::text(200, "bye");
      response.close = true;
      responder.send(std::move(response));
    });
    router_.add("GET", "/take", [this](const Request& request, Responder responder) {
      taken_ = responder.take_stream();
      seen_after_take_ = std::string(request.path) + " " + std::string(request.header("host")) +
                         " " + std::string(request.peer);
    });
    start({});
  }

  void start(const Options& options) {
    server_.reset();
    server_.emplace(*loop_, metrics_, options, router_);
  }

  void connect(TestPeer& peer) { server_->accept(peer.stream()); }

  // Lets the server's timers see that so much time has gone by.
  void pass(base::Duration duration) {
    time_ = time_ + duration;
    loop_->wheel().advance(time_);
  }

  uint64_t count(metrics::Counter counter) const { return metrics_.value(counter); }
  uint64_t count(metrics::TransportCounter counter) const {
    return metrics_.value(counter, metrics::Transport::kHttp);
  }
  int64_t open() const { return metrics_.value(metrics::Gauge::kHttpConnections); }

  static std::string get(std::string_view path, std::string_view headers = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
  }

  // The statuses of the responses in `bytes`, and their bodies, as "200 body|404 not found\n|".
  // Each must be whole.
  static std::string summary(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
      const size_t head_end = bytes.find("\r\n\r\n");
      if (!bytes.starts_with("HTTP/1.1 ") || head_end == std::string_view::npos)
        return text + "?" + std::string(bytes);
      const std::string_view head = bytes.substr(0, head_end + 2);
      bytes.remove_prefix(head_end + 4);
      text.append(head.substr(9, 3)).append(" ");
      const std::string_view name = "\r\nContent-Length: ";
      const size_t at = head.find(name);
      if (at != std::string_view::npos) {
        const size_t length = std::stoul(std::string(head.substr(at + name.size(), 9)));
        text.append(bytes.substr(0, length));
        bytes.remove_prefix(std::min(length, bytes.size()));
      }
      text += "|";
    }
    return text;
  }

  metrics::Core metrics_;
  std::unique_ptr<net::Loop> loop_;
  base::MonotonicTime time_;
  Router router_;
  std::vector<Responder> later_;
  std::optional<TakenStream> taken_;
  std::string seen_after_take_;
  std::optional<Server> server_;  // destroyed before the responders that it gave away
};

}  // namespace millrace::http
