#include "edge/edge.h"

#include <array>
#include <string>
#include <utility>

#include "edge/connection.h"
#include "edge/core.h"
#include "edge/relay.h"
#include "edge/transport_http.h"
#include "edge/transport_websocket.h"

namespace millrace::edge {

Edge::Edge(const Parts& parts) : core_(std::make_unique<Core>(parts)) {}
Edge::~Edge() = default;

size_t Edge::connections() const {
  return core_->connections();
}
size_t Edge::local_channels() const {
  return core_->fanout.channels();
}

void Edge::connect(std::span<Edge* const> edges) {
  std::vector<Core*> cores;
  for (const Edge* const edge : edges) cores.push_back(edge->core_.get());
  core_->connect(std::move(cores));
}

void Edge::add_routes(http::Router& router) {
  Core& core = *core_;
  if (!core.options.websocket_disabled) {
    router.add("GET", core.options.websocket_path,
               [&core](const http::Request& request, http::Responder responder) {
                 accept_websocket(core, request, std::move(responder), Endpoint::kClient);
               });
  }
  add_http_transports(core, router);
  if (core.options.uni_websocket.enabled) {
    router.add("GET", core.options.uni_websocket.path,
               [&core](const http::Request& request, http::Responder responder) {
                 accept_websocket(core, request, std::move(responder), Endpoint::kUnidirectional);
               });
  }
  if (core.options.echo) {
    router.add("GET", "/echo", [&core](const http::Request& request, http::Responder responder) {
      accept_websocket(core, request, std::move(responder), Endpoint::kEcho);
    });
  }
}

void Edge::drain(const model::Disconnect& why) {
  core_->draining = true;
  core_->for_each([&why](Connection& connection) { connection.close(why); });
  core_->relay().drain();
}

void Edge::deliver(std::string_view channel, std::span<const hub::Event> events) {
  const size_t deliveries = core_->fanout.deliver(channel, events);
  if (deliveries == 0) return;
  // The share of each publication; those that somebody did not want are few enough not to matter to
  // a histogram.
  const size_t each = std::max<size_t>(1, deliveries / events.size());
  for (const hub::Event& event : events) {
    if (event.kind == hub::Event::Kind::kPublication)
      core_->note_deliveries(event.publication.received, each);
  }
}

void Edge::answer(hub::Answer answer) {
  Connection* const connection = core_->find(answer.to);
  if (connection != nullptr) return connection->answer(answer);
  Session::give_back(*core_, answer);
}

void Edge::carry_out(const hub::Order& order) {
  for (Connection* const connection : core_->concerned(order)) connection->carry_out(order);
}

void Edge::on_control(std::string_view bytes) {
  core_->relay().on_control(bytes);
}

}  // namespace millrace::edge
