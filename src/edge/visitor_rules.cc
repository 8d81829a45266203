#include "edge/visitor_rules.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::edge {
namespace {

constexpr std::string_view kForwardedFor = "X-Forwarded-For";
constexpr std::string_view kRealIp = "X-Real-Ip";

// By which proxies tell about clients; besides those that begin with X-Forwarded.
constexpr std::string_view kOfProxies[] = {
    "Cf-Connecting-Ip", "Client-Ip",   "Fastly-Client-Ip",         "Forwarded",
    "True-Client-Ip",   "X-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For",
};

std::vector<std::string> spelled(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (const std::string& name : names) {
    if (http::may_pass_on(name)) result.push_back(http::spelled_header(name));
  }
  std::ranges::sort(result);
  return result;
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::binary_search(names, name, std::less<>());
}

bool is_address_of_client(std::string_view name) {
  return name == kForwardedFor || name == kRealIp;
}

size_t bytes_of(const hub::Visitor& visitor) {
  size_t bytes = visitor.user.size();
  for (const auto& [name, value] : visitor.headers) bytes += name.size() + value.size();
  return bytes;
}

base::Result<> check_size(const hub::Visitor& visitor) {
  if (bytes_of(visitor) <= VisitorRules::kHeaderBytesMax) return {};
  return base::fail(base::ErrorCode::kTooLarge, "the headers are too large");
}

bool printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

VisitorRules::VisitorRules(const Options& options)
    : asks_backend_(options.asks_backend),
      headers_(options.asks_backend ? spelled(options.forwarded_headers) : Names{}),
      emulated_(options.asks_backend ? spelled(options.forwarded_emulated_headers) : Names{}),
      user_header_(http::spelled_header(options.user_id_http_header)) {}

bool VisitorRules::only_of_proxies(std::string_view name) const {
  return name.starts_with("X-Forwarded") || name == kRealIp || name == user_header_ ||
         std::ranges::find(kOfProxies, name) != std::end(kOfProxies);
}

base::Result<std::unique_ptr<hub::Visitor>> VisitorRules::of_request(
    const http::Request& request) const {
  if (headers_.empty() && user_header_.empty()) return nullptr;
  auto visitor = std::make_unique<hub::Visitor>();
  const bool trusted = request.from_trusted_proxy();
  for (const http::Header& header : request.headers) {
    const std::string name = http::spelled_header(header.name);
    if (trusted && name == user_header_) {
      // A proxy that adds a header where it should have replaced the client's own.
      if (!visitor->user.empty() || !printable_ascii(header.value))
        return base::fail(base::ErrorCode::kInvalid, "not one user's id");
      visitor->user = header.value;
    }
    const bool counts = trusted || !only_of_proxies(name);
    if (counts && !is_address_of_client(name) && holds(headers_, name))
      visitor->headers.emplace_back(name, header.value);
  }
  for (const std::string_view name : {kForwardedFor, kRealIp}) {
    if (!holds(headers_, name)) continue;
    const std::string client = request.client();
    if (net::IpAddress::parse(client)) visitor->headers.emplace_back(name, client);
  }
  if (base::Result<> fits = check_size(*visitor); !fits) return base::fail(fits);
  return visitor;
}

base::Result<std::unique_ptr<hub::Visitor>> VisitorRules::complete(
    std::unique_ptr<hub::Visitor> visitor, const protocol::ConnectRequest& connect) const {
  if (!connect.token.empty()) return nullptr;
  if (!asks_backend_) return visitor;
  if (visitor == nullptr) visitor = std::make_unique<hub::Visitor>();
  visitor->name = connect.name;
  visitor->version = connect.version;
  visitor->data = connect.data;
  for (const auto& [channel, sub] : connect.subs) visitor->channels.emplace_back(channel);
  if (base::Result<> added = add_emulated(*visitor, connect); !added) return base::fail(added);
  return visitor;
}

// Where both are there, the request's own header counts.
base::Result<> VisitorRules::add_emulated(hub::Visitor& visitor,
                                          const protocol::ConnectRequest& connect) const {
  const auto own = static_cast<ptrdiff_t>(visitor.headers.size());
  using Header = std::pair<std::string, std::string>;
  for (const auto& [said, value] : connect.headers) {
    std::string name = http::spelled_header(said);
    if (!holds(emulated_, name) || only_of_proxies(name)) continue;
    if (!http::is_header_value(value))
      return base::fail(base::ErrorCode::kInvalid, "not a header: " + name);
    const auto begin = visitor.headers.begin();
    if (std::find_if(begin, begin + own, [&](const Header& each) { return each.first == name; }) !=
        begin + own)
      continue;
    const auto again = std::find_if(begin + own, visitor.headers.end(),
                                    [&](const Header& each) { return each.first == name; });
    if (again != visitor.headers.end()) {
      again->second = value;
    } else {
      visitor.headers.emplace_back(std::move(name), value);
    }
    if (base::Result<> fits = check_size(visitor); !fits) return fits;
  }
  return {};
}

}  // namespace millrace::edge
