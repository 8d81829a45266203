// For tests: headers of the PROXY protocol, built and read.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "net/proxy_header.h"

namespace millrace::net {

inline constexpr std::string_view kTestSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Version 2, with a length that fits.
inline std::string binary_header(unsigned version_and_command, unsigned family_and_protocol,
                                 std::string_view block) {
  std::string header(kTestSignature);
  header += static_cast<char>(version_and_command);
  header += static_cast<char>(family_and_protocol);
  header += static_cast<char>(block.size() >> 8U);
  header += static_cast<char>(block.size() & 0xffU);
  return header.append(block);
}

// What reading `bytes` came to: "203.0.113.7", "own" (no address), "error: ...", "more", and how
// many bytes were read.
struct ProxyHeaderOutcome {
  std::string text;
  size_t read = 0;
  bool operator==(const ProxyHeaderOutcome&) const = default;
};

// Reads as a connection would of which `cut` tells how many bytes have come since the last read:
// never more than wanted(), never more than are there.
template <class Cut>
ProxyHeaderOutcome read_proxy_header(std::string_view bytes, Cut cut) {
  using Step = ProxyHeaderDecoder::Step;
  ProxyHeaderDecoder decoder;
  size_t read = 0;
  size_t there = 0;
  while (read < bytes.size()) {
    if (there == read) there = std::min(bytes.size(), read + std::max<size_t>(1, cut()));
    const size_t piece = std::min(decoder.wanted(), there - read);
    const Step step = decoder.feed(bytes.substr(read, piece));
    read += piece;
    if (step == Step::kError) return {"error: " + std::string(decoder.error()), read};
    if (step == Step::kDone)
      return {decoder.source() ? decoder.source()->to_string() : "own", read};
  }
  return {"more", read};
}

inline ProxyHeaderOutcome read_proxy_header(std::string_view bytes) {
  return read_proxy_header(bytes, [&] { return bytes.size(); });
}

}  // namespace millrace::net
