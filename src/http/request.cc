#include <algorithm>
#include <utility>

#include "http/forwarded.h"
#include "http/http.h"
#include "http/syntax.h"

namespace millrace::http {

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

JoinedHeader Request::joined_header(std::string_view name) const {
  JoinedHeader joined;
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) joined.add(header.value);
  }
  return joined;
}

namespace {

// Who has sent a request, as far as that is an address.
std::optional<net::IpAddress> nearest(const Request& request) {
  return request.proxied ? request.proxied : net::IpAddress::of_peer(request.peer);
}

// Calls `on_value` with the value of each parameter of this name, until it says that it has enough.
template <class F>
void for_each_parameter(std::string_view query, std::string_view name, F&& on_value) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decoded(pair.substr(0, equals)) != name) continue;
    if (!on_value(percent_decoded(pair.substr(std::min(equals + 1, pair.size()))))) return;
  }
}

}  // namespace

std::optional<std::string> Request::parameter(std::string_view name) const {
  std::optional<std::string> result;
  for_each_parameter(query, name, [&result](std::optional<std::string> value) {
    result = std::move(value);
    return false;
  });
  return result;
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> result;
  for_each_parameter(query, name, [&result](std::optional<std::string> value) {
    if (value) result.push_back(std::move(*value));
    return true;
  });
  return result;
}

std::string Request::client() const {
  const std::optional<net::IpAddress> near = nearest(*this);
  if (from_trusted_proxy()) {
    const std::optional<net::IpAddress> told = forwarded_client(headers, *trusted_proxies);
    if (told) return told->to_string();
  }
  return near ? near->to_string() : std::string(peer);
}

bool Request::from_trusted_proxy() const {
  if (trusted_proxies == nullptr) return false;
  const std::optional<net::IpAddress> near = nearest(*this);
  return near ? trusted_proxies->contains(*near) : trusted_proxies->contains_peer(peer);
}

}  // namespace millrace::http
