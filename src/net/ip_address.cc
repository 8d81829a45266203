#include "net/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace millrace::net {
namespace {

// RFC 4291, section 2.5.5.2.
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kMappedBits = 8 * kMappedPrefix.size();
constexpr std::string_view kUnixPeer = "unix";

bool same_prefix(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, size_t bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned differing = static_cast<unsigned>(a[whole]) ^ static_cast<unsigned>(b[whole]);
  return (differing >> (8 - bits % 8)) == 0;
}

bool zero_behind(const std::array<uint8_t, 16>& bytes, size_t bits) {
  for (size_t bit = bits; bit < 8 * bytes.size(); ++bit) {
    if ((static_cast<unsigned>(bytes[bit / 8]) >> (7 - bit % 8) & 1U) != 0) return false;
  }
  return true;
}

std::optional<size_t> parse_prefix(std::string_view text, size_t most) {
  size_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool zeros = text.size() > 1 && text.starts_with('0');
  if (error != std::errc{} || end != text.data() + text.size() || zeros || bits > most)
    return std::nullopt;
  return bits;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // For inet_pton(), which wants an end and knows no length.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  if (text.find(':') != std::string_view::npos) {
    std::array<uint8_t, 16> bytes{};
    if (::inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1) return std::nullopt;
    return v6(bytes);
  }
  std::array<uint8_t, 4> bytes{};
  if (::inet_pton(AF_INET, terminated.data(), bytes.data()) != 1) return std::nullopt;
  return v4(bytes);
}

IpAddress IpAddress::v4(std::span<const uint8_t, 4> bytes) {
  IpAddress address;
  const auto rest = std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin());
  std::copy(bytes.begin(), bytes.end(), rest);
  return address;
}

IpAddress IpAddress::v6(std::span<const uint8_t, 16> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::of_peer(std::string_view peer) {
  const size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = peer.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return parse(host);
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes_.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

std::optional<TrustedPeers::Network> TrustedPeers::parse_network(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string_view host = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  Network network{.address = *address, .prefix = 128, .is_v4 = address->is_v4()};
  if (slash < text.size()) {
    const bool short_form = host.find(':') == std::string_view::npos;
    const std::optional<size_t> bits = parse_prefix(text.substr(slash + 1), short_form ? 32 : 128);
    if (!bits) return std::nullopt;
    network.prefix = short_form ? *bits + kMappedBits : *bits;
  }
  if (!zero_behind(address->bytes(), network.prefix)) return std::nullopt;
  return network;
}

base::Result<TrustedPeers> TrustedPeers::parse(std::span<const std::string> entries) {
  TrustedPeers result;
  for (const std::string& entry : entries) {
    if (entry == kUnixPeer) {
      result.unix_ = true;
      continue;
    }
    const std::optional<Network> network = parse_network(entry);
    if (!network) {
      return base::fail(base::ErrorCode::kInvalid,
                        "\"" + entry +
                            "\" is not an address such as \"192.0.2.1\", a network such as "
                            "\"10.0.0.0/8\" (zeros behind its prefix), or \"unix\"");
    }
    result.networks_.push_back(*network);
  }
  return result;
}

bool TrustedPeers::contains(const IpAddress& address) const {
  const bool is_v4 = address.is_v4();
  return std::ranges::any_of(networks_, [&](const Network& network) {
    return network.is_v4 == is_v4 &&
           same_prefix(network.address.bytes(), address.bytes(), network.prefix);
  });
}

bool TrustedPeers::contains_peer(std::string_view peer) const {
  if (peer == kUnixPeer) return unix_;
  const std::optional<IpAddress> address = IpAddress::of_peer(peer);
  return address && contains(*address);
}

}  // namespace millrace::net
