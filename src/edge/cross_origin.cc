#include "edge/cross_origin.h"

namespace millrace::edge {
namespace {

// How long a browser may remember the answer, in seconds.
constexpr std::string_view kMaxAge = "300";

}  // namespace

std::optional<Headers> cross_origin_headers(const Core& core, const http::Request& request) {
  const std::string_view origin = request.header("Origin");
  if (!origin_allowed(origin, request.header("Host"), core.options.allowed_origins))
    return std::nullopt;
  Headers headers{{"Vary", "Origin"}};
  if (origin.empty()) return headers;
  headers.emplace_back("Access-Control-Allow-Origin", origin);
  headers.emplace_back("Access-Control-Allow-Credentials", "true");
  return headers;
}

void answer_preflight(const Core& core, const http::Request& request, http::Responder responder,
                      std::string_view methods) {
  std::optional<Headers> headers = cross_origin_headers(core, request);
  if (!headers) return responder.send(http::Response::text(403, "origin not allowed\n"));
  http::Response response{
      .status = 204, .content_type = {}, .body = {}, .headers = std::move(*headers)};
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  const http::JoinedHeader asked = request.joined_header("Access-Control-Request-Headers");
  if (!asked.view().empty())
    response.headers.emplace_back("Access-Control-Allow-Headers", asked.view());
  response.headers.emplace_back("Access-Control-Max-Age", kMaxAge);
  responder.send(std::move(response));
}

}  // namespace millrace::edge
