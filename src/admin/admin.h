// What operators and probes ask a node: /metrics, /health, /health/live, /health/ready, and in
// --dev the playground page.
//
// Added to the router of every core; each handler runs on the core that the request came to.
// Everything it shows is read without asking another core, so that it answers also while one is
// stuck; /debug/tables apart.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/http.h"
#include "metrics/metrics.h"

namespace millrace::admin {

struct Options {
  bool metrics = true;
  std::string metrics_path = "/metrics";
  bool health = true;
  std::string health_path = "/health";
  bool page = false;    // --dev
  bool tables = false;  // --dev
};

// One part of the node that can fail, and whether it works, in words if not.
struct Component {
  std::string name;
  base::Result<> state;
};

// What one core holds. After every client has gone all of it is 0 again, but for the asker's own
// HTTP connection.
struct Tables {
  size_t connections = 0;
  size_t http_connections = 0;
  size_t local_channels = 0;
  size_t channels = 0;
  size_t broker_channels = 0;
  size_t logs = 0;
};

struct Sources {
  const metrics::Registry& registry;
  // The components as this core sees them.
  std::function<std::vector<Component>()> components;
  // Whether the node is stopping: alive, but not ready.
  std::function<bool()> draining;
  // Asks every core how many entries its tables really hold, and calls back on this core, once.
  std::function<void(std::move_only_function<void(std::vector<Tables>)>)> tables;
};

// GET /metrics        the Prometheus text format
// GET /health/live    200 as long as the process answers
// GET /health/ready   200 when every component works and the node takes new clients, 503 otherwise;
//                     /health is the same
//   {"status":"ok","components":{"core-0":{"status":"ok"},…},"connections":17,
//    "memory":{"resident_bytes":12345678}}
//
// GET /debug/tables   what every core really holds, counted and not summed up from metrics, for
//                     tests that look for what was left behind
//   {"cores":[{"connections":0,"http_connections":1,…},…]}
void add_routes(http::Router& router, const Options& options, Sources sources);

// The playground, one self-contained HTML file that is built into the binary.
std::string_view page();

}  // namespace millrace::admin
