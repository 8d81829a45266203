#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "http/http.h"

namespace millrace::http {
namespace {

bool is_subtree(std::string_view pattern) {
  return pattern.ends_with("/*");
}

bool path_fits(std::string_view pattern, std::string_view path) {
  return is_subtree(pattern) ? path.starts_with(pattern.substr(0, pattern.size() - 1))
                             : path == pattern;
}

bool method_fits(std::string_view of_route, std::string_view of_request) {
  return of_route == of_request || (of_route == "GET" && of_request == "HEAD");
}

// An exact path before a subtree, a deeper subtree before a higher one, a route for the very method
// before GET for HEAD.
std::pair<size_t, bool> rank(std::string_view pattern, std::string_view of_route,
                             std::string_view of_request) {
  return {is_subtree(pattern) ? pattern.size() : std::string_view::npos, of_route == of_request};
}

}  // namespace

void Router::add(std::string method, std::string path, Handler handler) {
  MILLRACE_ASSERT(path.starts_with('/'));
  routes_.push_back({std::move(method), std::move(path), std::move(handler)});
}

void Router::route(const Request& request, Responder responder) const {
  const Route* best = nullptr;
  std::vector<std::string_view> allowed;
  for (const Route& route : routes_) {
    if (!path_fits(route.path, request.path)) continue;
    if (!method_fits(route.method, request.method)) {
      allowed.push_back(route.method);
      continue;
    }
    if (best == nullptr || rank(route.path, route.method, request.method) >
                               rank(best->path, best->method, request.method)) {
      best = &route;
    }
  }
  if (best != nullptr) return best->handler(request, std::move(responder));
  if (allowed.empty()) return responder.send(Response::text(404, "not found\n"));
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.push_back("HEAD");
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  std::string list;
  for (const std::string_view method : allowed)
    list.append(list.empty() ? "" : ", ").append(method);
  Response response = Response::text(405, "method not allowed\n");
  response.headers.emplace_back("Allow", std::move(list));
  responder.send(std::move(response));
}

}  // namespace millrace::http
