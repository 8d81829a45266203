// One stream inside another: what tls.h promises.
//
//   handshaking --read() finishes it--> established --close_notify, both ways--> ended
//        '------------------ broken <-- a bad record, a lost socket --'
//
// OpenSSL's BIO is this class itself, right on the inner stream: no copies in between, and no
// buffers while nothing is under way. What OpenSSL has encrypted is always taken from it, because
// it cannot be unsaid: an owner may drop what it was not rid of (a slow client's outbox does), and
// would otherwise find it sent in place of something else. What the socket does not take waits in
// pending_.
//
// OpenSSL reads ahead, so bytes may wait here while the socket has none to report: whenever
// read() leaves some behind, a nudge tells the handler in the next turn, as the loop would.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/net.h"
#include "net/tls_context.h"

namespace millrace::net {

// The last bytes of a stream that was destroyed, on their way out.
class TlsLeaver final : private StreamHandler, private Timer {
 public:
  TlsLeaver(TlsCore& core, std::unique_ptr<Stream> stream, std::string pending);
  ~TlsLeaver() = default;
  TlsLeaver(const TlsLeaver&) = delete;
  TlsLeaver& operator=(const TlsLeaver&) = delete;

  // Where the core keeps it.
  size_t slot = 0;

 private:
  void on_readable() override;
  void on_writable() override;
  void on_timer() override;

  TlsCore& core_;
  const std::unique_ptr<Stream> stream_;
  const std::string pending_;
  size_t sent_ = 0;
};

// What the streams of one core share.
struct TlsCore {
  static constexpr size_t kRecordBytesMax = 16UL * 1024;  // plain (RFC 8446, section 5.1)

  // A loop's parts, so that tests need none.
  TlsCore(base::Executor& of_executor, TimerWheel& of_wheel, metrics::Core& of_metrics,
          std::shared_ptr<const TlsContext> of_context)
      : executor(of_executor),
        wheel(of_wheel),
        metrics(of_metrics),
        context(std::move(of_context)) {}

  // Whether there is time for another handshake in this turn.
  bool may_shake_hands();
  void add_leaver(std::unique_ptr<Stream> stream, std::string pending);
  // Destroys it.
  void remove_leaver(const TlsLeaver& leaver);

  base::Executor& executor;
  TimerWheel& wheel;
  metrics::Core& metrics;
  std::shared_ptr<const TlsContext> context;
  std::array<char, kRecordBytesMax> gathered;  // parts that become one record
  base::MonotonicTime turn;                    // the one in which `spent` went to handshakes
  base::Duration spent{};
  std::vector<std::unique_ptr<TlsLeaver>> leavers;
};

class TlsStream final : public Stream, private StreamHandler {
 public:
  // Encrypted bytes that wait for the socket: more is a peer that asks and does not read.
  static constexpr size_t kPendingBytesMax = 64UL * 1024;

  // `core` outlives the stream.
  TlsStream(TlsCore& core, std::unique_ptr<Stream> inner);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const std::string_view> parts) override;
  void pause_reading(bool paused) override;
  void shutdown_write() override;
  void reset() override;
  std::string peer() const override { return inner_->peer(); }

 private:
  struct Method;  // the BIO's functions

  void on_readable() override;
  void on_writable() override;

  // The BIO's side.
  bool fetch(std::span<char> into, size_t& bytes);
  bool emit(std::string_view bytes);

  IoResult read_failed(int result, size_t total);
  IoResult read_after_end();
  void fail();
  void established();
  void say_goodbye();
  bool flush_pending();
  void nudge(bool readable);
  void on_nudge();

  TlsCore& core_;
  StreamHandler* handler_ = nullptr;
  const std::shared_ptr<const TlsContext> context_;  // ssl_ uses its ticket keys
  std::unique_ptr<Stream> inner_;
  std::unique_ptr<SSL, OpensslFree<SSL_free>> ssl_;
  std::unique_ptr<std::string> pending_;  // null while everything has left
  base::TimerId nudge_;
  bool nudged_ = false;
  bool nudge_readable_ = false;
  bool nudge_writable_ = false;
  bool established_ = false;
  bool judged_ = false;  // the handshake was counted
  bool paused_ = false;
  bool drained_ = false;  // this read() has had all that the socket had
  bool inner_ended_ = false;
  bool inner_failed_ = false;
  bool ended_ = false;  // the owner was told of the peer's close_notify
  bool broken_ = false;
  bool wants_write_ = false;  // the owner waits for on_writable()
  bool said_goodbye_ = false;
  bool end_waits_ = false;  // FIN is due behind pending_
  bool reset_ = false;
};

}  // namespace millrace::net
