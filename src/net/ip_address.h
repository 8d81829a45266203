// IP addresses as values, and lists of those who are trusted.
//
// An IPv4 address and the IPv6 address that stands for it (::ffff:192.0.2.1, which a socket for
// both families shows) are the same address here, and written as IPv4.
//
// Cores      Values; a list may be read from any.
// Failure    Text that is not an address is std::nullopt; a list's errors are words for operators.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::net {

class IpAddress {
 public:
  // "192.0.2.1" or "2001:db8::1", strict: no leading zeros, brackets, port or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  // In network byte order.
  static IpAddress v4(std::span<const uint8_t, 4> bytes);
  static IpAddress v6(std::span<const uint8_t, 16> bytes);
  // What Stream::peer() says, without its port; nullopt for a unix socket.
  static std::optional<IpAddress> of_peer(std::string_view peer);

  bool is_v4() const;
  std::string to_string() const;
  // As IPv6.
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// Whose word about others' addresses is taken: a list of addresses, of networks in CIDR notation,
// and of "unix" for those who come over a unix socket. A network of IPv6 holds no IPv4 address.
class TrustedPeers {
 public:
  // Fails at the first entry that is none of these, or whose address has bits behind its prefix:
  // somebody may have meant another network.
  static base::Result<TrustedPeers> parse(std::span<const std::string> entries);

  bool contains(const IpAddress& address) const;
  bool contains_unix() const { return unix_; }
  // `peer` as Stream::peer() says it.
  bool contains_peer(std::string_view peer) const;

 private:
  struct Network {
    IpAddress address;
    size_t prefix = 128;  // bits, of the IPv6 form
    bool is_v4 = false;
  };
  static std::optional<Network> parse_network(std::string_view text);

  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace millrace::net
