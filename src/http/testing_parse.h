// What a RequestParser makes of some bytes, as plain values: for its tests and its fuzz target.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http.h"

namespace millrace::http {

struct ParsedRequest {
  std::string method;
  std::string target;
  std::string path;
  std::string query;
  bool http_1_1 = false;
  bool upgrade = false;
  bool keep_alive = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  friend bool operator==(const ParsedRequest&, const ParsedRequest&) = default;
};

struct Outcome {
  std::vector<ParsedRequest> requests;
  int error = 0;  // status; 0: none
  std::string reason;
  bool in_head = false;
  bool in_body = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds `bytes` in pieces as long as `next_length` says (0 counts as 1), and takes out what there
// is after each.
inline Outcome parse(std::string_view bytes, const Options& options,
                     const std::function<size_t()>& next_length) {
  RequestParser parser(options);
  Outcome outcome;
  while (!bytes.empty()) {
    const size_t length = std::clamp<size_t>(next_length(), 1, bytes.size());
    parser.feed(bytes.substr(0, length));
    bytes.remove_prefix(length);
    RequestParser::Step step;
    while ((step = parser.next()) == RequestParser::Step::kRequest) {
      const Request& request = parser.request();
      ParsedRequest& parsed = outcome.requests.emplace_back();
      parsed.method = request.method;
      parsed.target = request.target;
      parsed.path = request.path;
      parsed.query = request.query;
      parsed.http_1_1 = request.http_1_1;
      parsed.upgrade = request.upgrade;
      parsed.keep_alive = parser.keep_alive();
      for (const Header& header : request.headers)
        parsed.headers.emplace_back(header.name, header.value);
      parsed.body = request.body;
    }
    if (step == RequestParser::Step::kError) {
      outcome.error = parser.error().status;
      outcome.reason = parser.error().reason;
    }
  }
  outcome.in_head = parser.in_head();
  outcome.in_body = parser.in_body();
  return outcome;
}

inline Outcome parse(std::string_view bytes, const Options& options = {}) {
  return parse(bytes, options, [&] { return bytes.size(); });
}

}  // namespace millrace::http
