// TLS on accepted streams (RFC 8446, RFC 5246), by OpenSSL: a stream goes in, the stream of what is
// inside it comes out, and nobody above can tell the difference.
//
// A TlsContext holds certificates and keys; a TlsServer is one core's use of it. TLS 1.3 and 1.2,
// without renegotiation and compression; ALPN is "http/1.1", and who offers only others is refused.
//
// The stream   As net::Stream says, and besides:
//              write()           takes whole records; of what it took, up to one may wait in memory
//                                for room in the socket. It leaves before anything else, also after
//                                the stream was destroyed, for kLeaveTime.
//              kEnd              the peer has sent close_notify. Its FIN alone is kError: what it
//                                sent may have been cut off by somebody else (section 6.1).
//              shutdown_write()  sends close_notify, then FIN. Destroying sends both, too.
// Handshake    Done inside read(), a bounded time a turn, so that a storm of new clients does not
//              hold up the others; until then, write() takes nothing. The time limit is the
//              owner's: http's head_timeout runs from the accept.
// Memory       Idle, a connection holds no record buffers; docs/operations.md says what is left.
// Failure      A failed handshake is kError, a counter, and a line in the log at level debug. Who
//              speaks HTTP to it is told so, in clear text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "metrics/metrics.h"

namespace millrace::net {

class Loop;
class Stream;
struct TlsCore;

enum class TlsVersion : uint8_t { k12, k13 };

// Certificates and what goes with them. Immutable, so that all cores share one.
class TlsContext {
 public:
  struct Certificate {
    std::string chain_pem;  // the server's first, then those that lead to its authority
    std::string key_pem;    // without a password
  };
  struct Options {
    // One, or two with keys of different kinds: a client gets the one that it can verify, ECDSA
    // before RSA.
    std::vector<Certificate> certificates;
    TlsVersion version_min = TlsVersion::k12;
    // Keys of session tickets that other processes have, too, as nginx's ssl_session_ticket_key has
    // them: 16 bytes of name and then, of 80 bytes, 32 for HMAC-SHA-256 and 32 for AES-256; of 48,
    // 16 for AES-128 and 16 for HMAC-SHA-256. The first one makes tickets, all are accepted. None:
    // keys of our own.
    std::vector<std::string> ticket_keys;
  };
  static constexpr size_t kTicketKeysMax = 16;

  // Whether the text alone is good, so that a message can name the one that is not.
  static base::Result<> check_chain(std::string_view chain_pem);
  static base::Result<> check_key(std::string_view key_pem);
  static base::Result<> check_ticket_key(std::string_view key);

  // Fails if a key does not fit its certificate, or OpenSSL thinks it too weak; if a ticket key has
  // another size or the name of another, or there are more than kTicketKeysMax. Without ticket keys
  // a new one is made; those that were made for `previous`, if there is one, and for the one before
  // are still accepted.
  static base::Result<std::shared_ptr<const TlsContext>> create(const Options& options,
                                                                const TlsContext* previous);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // For a log: "CN=example.com, RSA, expires Jan  1 00:00:00 2030 GMT", one for each certificate.
  const std::vector<std::string>& certificates() const;

 private:
  friend class TlsStream;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The TLS of one core's streams. All on the loop's core; outlives the streams that it made.
class TlsServer {
 public:
  // Of one turn; one handshake fits in any case.
  static constexpr base::Duration kHandshakesPerTurn = std::chrono::milliseconds(5);
  // How long, and for how many at once, the last bytes of a stream that was destroyed are kept.
  static constexpr base::Duration kLeaveTime = std::chrono::seconds(10);
  static constexpr size_t kLeaversMax = 1024;

  // `context` is shared by cores, and by the streams that began with it.
  TlsServer(Loop& loop, metrics::Core& metrics, std::shared_ptr<const TlsContext> context);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // For streams that come from now on.
  void set_context(std::shared_ptr<const TlsContext> context);

  // Speaks TLS on `stream`, from which nothing was read yet of what belongs to it.
  std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> stream);

 private:
  std::unique_ptr<TlsCore> core_;
};

}  // namespace millrace::net
