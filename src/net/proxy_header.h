// The PROXY protocol, versions 1 and 2: a few bytes before a connection's own, in which a balancer
// says whose connection it is (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, the
// sections named below).
//
//   text    "PROXY" SP ("TCP4"|"TCP6") SP source SP destination SP port SP port CRLF         (2.1)
//           "PROXY UNKNOWN" [SP anything] CRLF
//   binary  signature(12) version:4=2 command:4 family:4 protocol:4 length(2) block(length)  (2.2)
//   block   source destination [port port] *(type(1) length(2) value)
//
// Strict: what is not exactly this is an error, as the text demands. What it leaves to the
// receiver: TLVs must fit, a CRC32C among them must be right (2.2.3), the others are not looked at.
// Datagram protocols are taken as streams are: a balancer that speaks HTTP/3 may name them.
//
// Limits     kTextBytesMax as the text has it; a block of kBlockBytesMax, where it has 65,535.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/ip_address.h"

namespace millrace::net {

// An incremental decoder of one header.
class ProxyHeaderDecoder {
 public:
  static constexpr size_t kTextBytesMax = 107;
  static constexpr size_t kBlockBytesMax = 4096;

  enum class Step : uint8_t { kNeedMore, kDone, kError };

  // How many bytes the rest of the header has at least. Who reads no more than that at a time
  // leaves unread whatever follows it.
  size_t wanted() const;
  // At most wanted() bytes, at least one; not after kDone or kError.
  Step feed(std::string_view bytes);

  // After kDone: the client's address; nullopt where the header names none, and the connection is
  // the sender's own: LOCAL (a health check), UNKNOWN, AF_UNSPEC, AF_UNIX.
  const std::optional<IpAddress>& source() const { return source_; }
  // After kError: what is wrong, in a few words.
  std::string_view error() const { return error_; }

 private:
  Step feed_text();
  Step feed_binary();
  Step read_text(std::string_view line);
  Step read_block(std::string_view block);
  Step check_tlvs(std::string_view tlvs);
  bool is_binary() const { return bytes_.starts_with('\r'); }
  size_t block_bytes() const;
  Step fail(std::string_view what) {
    error_ = what;
    return Step::kError;
  }

  std::string bytes_;
  std::optional<IpAddress> source_;
  std::string_view error_;
};

}  // namespace millrace::net
