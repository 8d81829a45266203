// What proxies on the way have told about a client: X-Forwarded-For, and Forwarded (RFC 7239).
//
//   X-Forwarded-For = #( IPv4 [":" port] | IPv6 | "[" IPv6 "]" [":" port] )      (no standard)
//   Forwarded       = 1#( [pair] *(";" [pair]) )    pair = token "=" (token | quoted-string)
//   the pair "for"  = ( IPv4 | "[" IPv6 "]" | "unknown" | obfuscated ) [":" port]      (section 6)
//
// Each proxy adds on the right who connected to it. So the right-most entry is the word of the
// peer, the one before it the word of whoever the right-most entry names, and so on: from the right
// on, entries are as good as the addresses to the right of them are trusted.
//
// X-Forwarded-For alone counts where it is there: nearly all proxies write it, and let a Forwarded
// that a client has made up pass.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/http.h"

namespace millrace::http {

// The right-most address that `trusted` does not hold; if it holds all of them, the left-most one.
// What cannot be read, or hides its address, ends the walk: the one to the right of it is returned;
// nullopt where there is none. To be asked only when the peer itself is trusted.
std::optional<net::IpAddress> forwarded_client(std::span<const Header> headers,
                                               const net::TrustedPeers& trusted);

// ---- The parts, for tests ----

// One address with an optional port. Not a name, "unknown" or an obfuscated one. A bare IPv6
// address has no port.
std::optional<net::IpAddress> parse_forwarded_node(std::string_view node);

// A Forwarded header's elements: whom "for" names, nullopt for one who is hidden, unknown or not
// named. nullopt: malformed, and no part of it means anything.
std::optional<std::vector<std::optional<net::IpAddress>>> parse_forwarded(std::string_view value);

}  // namespace millrace::http
