// Pages of other origins: who may use the HTTP endpoints, and the headers that tell a browser so
// (the Fetch standard, section 3.2). Which origins are allowed is the same as for WebSockets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/core.h"
#include "http/http.h"

namespace millrace::edge {

using Headers = std::vector<std::pair<std::string, std::string>>;

// What every answer to this request has to carry; nullopt: its origin is not allowed (403).
std::optional<Headers> cross_origin_headers(const Core& core, const http::Request& request);

// Answers the question that a browser asks before a request (OPTIONS).
void answer_preflight(const Core& core, const http::Request& request, http::Responder responder,
                      std::string_view methods);

}  // namespace millrace::edge
