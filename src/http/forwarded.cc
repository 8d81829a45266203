#include "http/forwarded.h"

#include <algorithm>
#include <ranges>
#include <string>

#include "http/syntax.h"

namespace millrace::http {
namespace {

using net::IpAddress;

constexpr size_t kPortDigitsMax = 5;

// RFC 7239, section 6: a port, or one that is obfuscated.
bool is_node_port(std::string_view text) {
  if (text.starts_with('_')) {
    return text.size() > 1 && std::ranges::all_of(text.substr(1), [](char c) {
             return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                    c == '_' || c == '-';
           });
  }
  return !text.empty() && text.size() <= kPortDigitsMax && std::ranges::all_of(text, is_digit);
}

// Takes a Forwarded header apart, from the left: a comma may stand in a quoted string, so that it
// cannot be read from the right.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view value) : rest_(value) {}

  std::optional<std::vector<std::optional<IpAddress>>> read() {
    std::vector<std::optional<IpAddress>> nodes;
    for (;;) {
      skip_spaces();
      // Empty elements of a list mean nothing (RFC 9110, section 5.6.1.2).
      if (!rest_.empty() && rest_.front() != ',' && !read_element(nodes)) return std::nullopt;
      if (rest_.empty()) return nodes;
      if (!take(',')) return std::nullopt;
    }
  }

 private:
  bool read_element(std::vector<std::optional<IpAddress>>& nodes) {
    std::vector<std::string_view> names;
    std::optional<IpAddress> node;
    do {
      skip_spaces();
      if (rest_.empty() || rest_.front() == ';' || rest_.front() == ',') continue;
      const std::string_view name = take_token();
      std::string value;
      if (name.empty() || !take('=') || !read_value(value)) return false;
      // Each at most once (section 4).
      const bool repeated = std::ranges::any_of(
          names, [&](std::string_view other) { return equal_ignoring_case(other, name); });
      if (repeated) return false;
      names.push_back(name);
      if (equal_ignoring_case(name, "for")) node = read_node(value);
      skip_spaces();
    } while (take(';'));
    nodes.push_back(node);
    return true;
  }

  // Here, unlike in X-Forwarded-For, an IPv6 address has brackets.
  static std::optional<IpAddress> read_node(std::string_view value) {
    const bool bare_v6 = !value.starts_with('[') && std::ranges::count(value, ':') > 1;
    return bare_v6 ? std::nullopt : parse_forwarded_node(value);
  }

  bool read_value(std::string& value) {
    if (!take('"')) {
      value = take_token();
      return !value.empty();
    }
    for (;;) {
      if (take('"')) return true;
      take('\\');  // whatever stands behind it, stands for itself
      if (rest_.empty() || !is_field_char(rest_.front())) return false;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
  }

  std::string_view take_token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    const std::string_view token = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return token;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

// From address to address, to the left.
class Walk {
 public:
  explicit Walk(const net::TrustedPeers& trusted) : trusted_(trusted) {}

  // Returns whether there is reason to look further.
  bool step(const std::optional<IpAddress>& address) {
    if (!address) return false;
    reached_ = address;
    return trusted_.contains(*address);
  }
  const std::optional<IpAddress>& reached() const { return reached_; }

 private:
  const net::TrustedPeers& trusted_;
  std::optional<IpAddress> reached_;
};

bool walk_addresses(std::string_view list, Walk& walk) {
  while (!list.empty()) {
    const size_t comma = list.rfind(',');
    const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view entry = trimmed(list.substr(begin));
    list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
    if (!entry.empty() && !walk.step(parse_forwarded_node(entry))) return false;
  }
  return true;
}

bool walk_forwarded(std::string_view value, Walk& walk) {
  const auto nodes = parse_forwarded(value);
  return nodes && std::ranges::all_of(*nodes | std::views::reverse,
                                      [&](const auto& node) { return walk.step(node); });
}

}  // namespace

std::optional<IpAddress> parse_forwarded_node(std::string_view node) {
  std::string_view host = node;
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const size_t colon = host.find(':');
             colon != std::string_view::npos && host.rfind(':') == colon) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (!port.empty() && !(port.starts_with(':') && is_node_port(port.substr(1))))
    return std::nullopt;
  return IpAddress::parse(host);
}

std::optional<std::vector<std::optional<IpAddress>>> parse_forwarded(std::string_view value) {
  return ForwardedReader(value).read();
}

std::optional<IpAddress> forwarded_client(std::span<const Header> headers,
                                          const net::TrustedPeers& trusted) {
  constexpr std::string_view kForwardedFor = "X-Forwarded-For";
  const bool listed = std::ranges::any_of(headers, [&](const Header& header) {
    return equal_ignoring_case(header.name, kForwardedFor);
  });
  Walk walk(trusted);
  // Of several headers of a name the last one is the right-most.
  for (const Header& header : headers | std::views::reverse) {
    if (!equal_ignoring_case(header.name, listed ? kForwardedFor : "Forwarded")) continue;
    const bool further =
        listed ? walk_addresses(header.value, walk) : walk_forwarded(header.value, walk);
    if (!further) break;
  }
  return walk.reached();
}

}  // namespace millrace::http
