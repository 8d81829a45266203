#include "admin/admin.h"

#include <memory>
#include <utility>

#include "base/json_text.h"

extern "C" {
extern const char millrace_page_begin[];
extern const char millrace_page_end[];
}

namespace millrace::admin {
namespace {

http::Response health_response(const Sources& sources, bool only_alive) {
  bool well = !sources.draining();
  std::string components;
  for (const Component& component : sources.components()) {
    if (!components.empty()) components.push_back(',');
    base::append_json_string(components, component.name);
    if (component.state) {
      components += R"(:{"status":"ok"})";
      continue;
    }
    well = false;
    components += R"(:{"status":"failing","error":)";
    base::append_json_string(components, component.state.error().message);
    components.push_back('}');
  }
  std::string_view status = well ? "ok" : "failing";
  if (sources.draining()) status = "draining";
  std::string body = R"({"status":")" + std::string(status) + R"(","components":{)" + components +
                     R"(},"connections":)" +
                     std::to_string(sources.registry.total(metrics::TransportGauge::kConnections)) +
                     R"(,"memory":{"resident_bytes":)" +
                     std::to_string(metrics::read_process_stats().resident_bytes) + "}}\n";
  return http::Response::json(well || only_alive ? 200 : 503, std::move(body));
}

std::string to_json(const std::vector<Tables>& cores) {
  std::string body = R"({"cores":[)";
  for (const Tables& core : cores) {
    if (body.back() == '}') body.push_back(',');
    body += R"({"connections":)" + std::to_string(core.connections);
    body += R"(,"http_connections":)" + std::to_string(core.http_connections);
    body += R"(,"local_channels":)" + std::to_string(core.local_channels);
    body += R"(,"channels":)" + std::to_string(core.channels);
    body += R"(,"broker_channels":)" + std::to_string(core.broker_channels);
    body += R"(,"logs":)" + std::to_string(core.logs) + "}";
  }
  return body + "]}\n";
}

}  // namespace

void add_routes(http::Router& router, const Options& options, Sources sources) {
  // Shared by the handlers of one router, which may outlive this call.
  const auto shared = std::make_shared<const Sources>(std::move(sources));
  if (options.metrics) {
    router.add("GET", options.metrics_path,
               [shared](const http::Request&, http::Responder responder) {
                 responder.send({.status = 200,
                                 .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                 .body = shared->registry.render(),
                                 .headers = {}});
               });
  }
  if (options.health) {
    const auto ready = [shared](const http::Request&, http::Responder responder) {
      responder.send(health_response(*shared, false));
    };
    router.add("GET", options.health_path, ready);
    router.add("GET", options.health_path + "/ready", ready);
    router.add("GET", options.health_path + "/live",
               [shared](const http::Request&, http::Responder responder) {
                 responder.send(health_response(*shared, true));
               });
  }
  if (options.tables) {
    router.add("GET", "/debug/tables", [shared](const http::Request&, http::Responder responder) {
      shared->tables([responder = std::move(responder)](std::vector<Tables> cores) mutable {
        responder.send(http::Response::json(200, to_json(cores)));
      });
    });
  }
  if (options.page) {
    router.add("GET", "/", [](const http::Request&, http::Responder responder) {
      // Everything is in the one file; it talks to this server and to nobody else.
      constexpr const char* kPolicy =
          "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src "
          "data:; connect-src 'self' ws: wss:; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
      responder.send({.status = 200,
                      .content_type = "text/html; charset=utf-8",
                      .body = std::string(page()),
                      .headers = {{"Content-Security-Policy", kPolicy},
                                  {"X-Content-Type-Options", "nosniff"}}});
    });
  }
}

std::string_view page() {
  return {millrace_page_begin, static_cast<size_t>(millrace_page_end - millrace_page_begin)};
}

}  // namespace millrace::admin
