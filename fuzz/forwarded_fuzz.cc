// Arbitrary values of X-Forwarded-For and Forwarded: nobody who is not trusted can be looked
// behind, and a proxy that adds an entry on the right is believed whatever stands to the left of
// it.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/forwarded.h"

namespace {

using millrace::http::forwarded_client;
using millrace::http::Header;
using millrace::net::IpAddress;
using millrace::net::TrustedPeers;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

const TrustedPeers& trusted() {
  static const TrustedPeers kTrusted = [] {
    const std::vector<std::string> entries = {"10.0.0.0/8"};
    return TrustedPeers::parse(entries).value();
  }();
  return kTrusted;
}

// Whoever wrote `value`: the last proxy says that it came from 203.0.113.7.
void check_added(std::string_view name, const std::string& value, std::string_view added) {
  const IpAddress real = *IpAddress::parse("203.0.113.7");
  const std::string joined = value + ", " + std::string(added);
  const std::array<Header, 1> in_one = {{{name, joined}}};
  const auto of_one = forwarded_client(in_one, trusted());
  // An open quote to the left may spoil the header, but never makes it name another one.
  require(!of_one || of_one == real, "the proxy's word is the last");
  require(of_one || name == "Forwarded", "in a list of addresses nothing spoils it");
  const std::array<Header, 2> in_two = {{{name, value}, {name, added}}};
  require(forwarded_client(in_two, trusted()) == real, "a header of its own cannot be spoilt");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string value(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view name = data[0] % 2 == 0 ? "X-Forwarded-For" : "Forwarded";
  const std::array<Header, 1> headers = {{{name, value}}};
  const auto client = forwarded_client(headers, trusted());
  if (client) {
    require(IpAddress::parse(client->to_string()) == *client, "an address is one");
    require(forwarded_client(headers, TrustedPeers{}).has_value(),
            "the walk reaches its beginning");
  }
  check_added("X-Forwarded-For", value, "203.0.113.7:1");
  check_added("Forwarded", value, "for=\"203.0.113.7:1\";proto=\"http\"");
  check_added("Forwarded", value, "for=203.0.113.7");
  return 0;
}
