// How the keys about the application's backend, and about a user's name from a proxy in front, go
// together.
#include <algorithm>
#include <string_view>
#include <utility>

#include "config/config.h"
#include "http/http.h"

namespace millrace::config {
namespace {

constexpr std::string_view kGroup = "client.proxy.connect.";
constexpr std::string_view kUserHeader = "client.user_id_http_header";

class Findings {
 public:
  void error(std::string key, std::string message) {
    all.push_back({std::move(key), std::move(message), true});
  }
  void warn(std::string key, std::string message) {
    all.push_back({std::move(key), std::move(message), false});
  }
  std::vector<ProxyFinding> all;
};

std::string full(std::string_view name) {
  return std::string(kGroup) + std::string(name);
}

std::string element(std::string_view list, size_t index, std::string_view member) {
  return full(list) + "[" + std::to_string(index) + "]." + std::string(member);
}

bool is_url(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = text.substr(scheme + 3);
  return !rest.empty() && rest.front() != '/' &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

void check_endpoint(const ConnectProxy& proxy, Findings& findings) {
  const std::string key = full("endpoint");
  const std::string_view url = proxy.endpoint;
  if (url.empty()) {
    if (proxy.enabled) findings.error(key, "is needed: where is the backend?");
    return;
  }
  if (url.starts_with("grpc://"))
    return findings.error(key, "is one of gRPC, which is not supported: use http:// or https://");
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  if (!http || !is_url(url))
    findings.error(key, "must be a URL such as \"https://app.example.com/connect\"");
}

// A name that can be a header's, or else an error.
bool check_name(const std::string& name, const std::string& key, Findings& findings) {
  const bool token = !name.empty() && std::ranges::all_of(name, [](char c) {
    return c > ' ' && c <= '~' &&
           std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string::npos;
  });
  if (!token) findings.error(key, "\"" + name + "\" is not a header's name");
  return token;
}

void check_listed(const std::vector<std::string>& names, std::string_view list,
                  Findings& findings) {
  for (const std::string& name : names) {
    if (check_name(name, full(list), findings) && !http::may_pass_on(name)) {
      findings.warn(full(list), name + " is about a connection or a message, and not passed on");
    }
  }
}

bool lists(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& each) {
    return http::spelled_header(each) == http::spelled_header(name);
  });
}

void check_static(const ConnectProxy& proxy, Findings& findings) {
  constexpr std::string_view kList = "http.static_headers";
  for (size_t i = 0; i < proxy.static_headers.size(); ++i) {
    const auto& [name, value] = proxy.static_headers[i];
    const std::string key = element(kList, i, "key");
    if (!check_name(name, key, findings)) continue;
    if (!http::may_pass_on(name))
      findings.error(key, name + " is about a connection or a message: the server sets it itself");
    if (!http::is_header_value(value))
      findings.error(element(kList, i, "value"), "is not a header's value");
    if (lists(proxy.http_headers, name) || lists(proxy.emulated_headers, name))
      findings.warn(key,
                    name + " of a client comes in its place, as it is also one to be passed on");
  }
}

void check_transforms(const ConnectProxy& proxy, Findings& findings) {
  for (size_t i = 0; i < proxy.status_to_code_transforms.size(); ++i) {
    const StatusToCode& each = proxy.status_to_code_transforms[i];
    const bool one = (each.to_error_code == 0) != (each.to_disconnect_code == 0);
    if (each.to_disconnect_code > 0 && each.to_disconnect_code < 3000) {
      findings.error(element("http.status_to_code_transforms", i, "to_disconnect.code"),
                     "must be from 3000 to 4999");
    }
    if (!one) {
      findings.error(element("http.status_to_code_transforms", i, "status_code"),
                     "needs either to_error.code or to_disconnect.code");
    }
  }
}

void check_user_header(const Config& config, Findings& findings) {
  const std::string& name = config.client.user_id_http_header;
  if (name.empty()) return;
  const std::string key(kUserHeader);
  if (!check_name(name, key, findings)) return;
  if (!http::may_pass_on(name))
    return findings.error(key, name + " is about a connection or a message, and names no user");
  if (config.http_server.trusted_proxies.empty())
    findings.warn(key, "is believed of nobody, because http_server.trusted_proxies is empty");
  if (lists(config.client.connect_proxy.emulated_headers, name))
    findings.warn(full("emulated_headers"),
                  name + " names the user, and is not taken from clients");
}

}  // namespace

std::vector<ProxyFinding> check_backend(const Config& config) {
  Findings findings;
  const ConnectProxy& proxy = config.client.connect_proxy;
  check_endpoint(proxy, findings);
  check_listed(proxy.http_headers, "http_headers", findings);
  check_listed(proxy.emulated_headers, "emulated_headers", findings);
  check_static(proxy, findings);
  check_transforms(proxy, findings);
  check_user_header(config, findings);
  if (proxy.enabled && proxy.timeout >= config.client.stale_close_delay) {
    findings.warn(full("timeout"),
                  "is not less than client.stale_close_delay: clients are closed before that");
  }
  return std::move(findings.all);
}

}  // namespace millrace::config
