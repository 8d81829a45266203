#include "net/tls_stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace millrace::net {
namespace {

using metrics::Counter;
using metrics::Gauge;
using Status = IoResult::Status;

// To who speaks HTTP without TLS; the connection's end is the body's.
constexpr std::string_view kNotHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Connection: close\r\n\r\nthis port speaks TLS: come by https:// or wss://\n";

// Hands out the parts as pieces that fit a record: a large part as it is, small ones gathered.
class Pieces {
 public:
  Pieces(std::span<const std::string_view> parts, std::span<char> gathered)
      : parts_(parts), gathered_(gathered) {}

  // "" when there is no more.
  std::string_view next() {
    while (!parts_.empty() && at_ == parts_.front().size()) next_part();
    if (parts_.empty()) return {};
    if (parts_.size() == 1 || parts_.front().size() - at_ >= gathered_.size()) {
      const std::string_view piece = parts_.front().substr(at_, gathered_.size());
      at_ += piece.size();
      return piece;
    }
    size_t size = 0;
    while (!parts_.empty() && size < gathered_.size()) {
      const std::string_view some = parts_.front().substr(at_, gathered_.size() - size);
      std::memcpy(gathered_.data() + size, some.data(), some.size());
      size += some.size();
      at_ += some.size();
      if (at_ == parts_.front().size()) next_part();
    }
    return {gathered_.data(), size};
  }

 private:
  void next_part() {
    parts_ = parts_.subspan(1);
    at_ = 0;
  }

  std::span<const std::string_view> parts_;
  std::span<char> gathered_;
  size_t at_ = 0;  // of the first part
};

}  // namespace

// ---- OpenSSL's side ----

struct TlsStream::Method {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, size_t size, size_t* bytes) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = stream_of(bio);
    if (stream.fetch({into, size}, *bytes)) return 1;
    if (!stream.inner_ended_ && !stream.inner_failed_) BIO_set_retry_read(bio);
    return 0;
  }
  static int write(BIO* bio, const char* from, size_t size, size_t* bytes) {
    BIO_clear_retry_flags(bio);
    if (!stream_of(bio).emit({from, size})) return 0;
    *bytes = size;
    return 1;
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return stream_of(bio).inner_ended_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* get() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      MILLRACE_ASSERT(made != nullptr);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return method;
  }
};

bool TlsStream::fetch(std::span<char> into, size_t& bytes) {
  if (drained_ || inner_ended_ || inner_failed_) return false;
  const IoResult result = inner_->read(into);
  switch (result.status) {
    case Status::kDone:
      // What comes now is reported by the loop: no need to ask for it.
      drained_ = result.bytes < into.size();
      bytes = result.bytes;
      return true;
    case Status::kWouldBlock:
      drained_ = true;
      return false;
    case Status::kEnd:
      inner_ended_ = true;
      return false;
    case Status::kError:
      inner_failed_ = true;
      return false;
  }
  return false;
}

bool TlsStream::emit(std::string_view bytes) {
  if (inner_failed_) return false;
  if (pending_ == nullptr) {
    const IoResult result = inner_->write({&bytes, 1});
    if (result.status == Status::kError) {
      inner_failed_ = true;
      return false;
    }
    if (result.status == Status::kDone) bytes.remove_prefix(result.bytes);
    if (bytes.empty()) return true;
    pending_ = std::make_unique<std::string>();
  }
  if (pending_->size() + bytes.size() > kPendingBytesMax) {
    inner_failed_ = true;
    return false;
  }
  pending_->append(bytes);
  return true;
}

// ---- Life ----

TlsStream::TlsStream(TlsCore& core, std::unique_ptr<Stream> inner)
    : core_(core),
      context_(core.context),
      inner_(std::move(inner)),
      ssl_(SSL_new(context_->state_->context.get())) {
  inner_->set_handler(this);
  core_.metrics.add(Gauge::kTlsConnections, 1);
  BIO* const bio = BIO_new(Method::get());
  MILLRACE_ASSERT(ssl_ != nullptr && bio != nullptr);  // out of memory
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

TlsStream::~TlsStream() {
  if (nudged_) core_.executor.cancel(nudge_);
  if (!judged_) core_.metrics.add(Counter::kTlsAbandoned);
  if (!reset_) {
    say_goodbye();
    inner_->set_handler(nullptr);
    if (pending_ != nullptr && !inner_failed_)
      core_.add_leaver(std::move(inner_), std::move(*pending_));
  }
  core_.metrics.add(Gauge::kTlsConnections, -1);
}

void TlsStream::established() {
  established_ = judged_ = true;
  core_.metrics.add(SSL_session_reused(ssl_.get()) == 1 ? Counter::kTlsResumed
                                                        : Counter::kTlsAccepted);
  core_.metrics.add(SSL_version(ssl_.get()) == TLS1_3_VERSION ? Counter::kTlsVersion13
                                                              : Counter::kTlsVersion12);
  if (wants_write_) nudge(false);
}

// Of the whole stream; OpenSSL has told the peer why, if there was something to tell.
void TlsStream::fail() {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  broken_ = true;
  if (judged_) return ERR_clear_error();
  judged_ = true;
  if (inner_ended_ || inner_failed_) {
    core_.metrics.add(Counter::kTlsAbandoned);
    return ERR_clear_error();
  }
  const bool http = reason == SSL_R_HTTP_REQUEST;
  core_.metrics.add(http ? Counter::kTlsPlainHttp : Counter::kTlsFailed);
  if (http) emit(kNotHttp);
  const std::string words = take_openssl_error();
  if (base::log::enabled(base::log::Level::kDebug))
    base::log::debug("TLS handshake failed", {{"peer", peer()}, {"reason", words}});
}

// ---- Reading ----

IoResult TlsStream::read(std::span<char> into) {
  if (broken_) return {Status::kError, 0};
  if (ended_) return read_after_end();
  if (!established_) {
    if (!core_.may_shake_hands()) return {Status::kWouldBlock, 0};
    const base::MonotonicTime before = base::monotonic_now();
    drained_ = false;
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    core_.spent += base::monotonic_now() - before;
    if (result != 1) return read_failed(result, 0);
    established();
  } else {
    drained_ = false;
  }
  size_t total = 0;
  while (total < into.size()) {
    ERR_clear_error();
    size_t bytes = 0;
    const std::span<char> rest = into.subspan(total);
    const int result = SSL_read_ex(ssl_.get(), rest.data(), rest.size(), &bytes);
    if (result != 1) return read_failed(result, total);
    total += bytes;
    if (drained_ && SSL_has_pending(ssl_.get()) == 0) return {Status::kDone, total};
  }
  if (SSL_has_pending(ssl_.get()) == 1) nudge(true);
  return {Status::kDone, total};
}

IoResult TlsStream::read_failed(int result, size_t total) {
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ) return {total > 0 ? Status::kDone : Status::kWouldBlock, total};
  if (why != SSL_ERROR_ZERO_RETURN) {
    fail();
  } else if (total == 0) {
    ended_ = true;
    // Its FIN would be reported again in every turn; nothing else is to come.
    inner_->pause_reading(true);
    return {Status::kEnd, 0};
  }
  if (total == 0) return {Status::kError, 0};
  nudge(true);  // what came before it is read first
  return {Status::kDone, total};
}

// Asked because the socket is dead, or for no reason.
IoResult TlsStream::read_after_end() {
  std::array<char, 256> ignored;
  broken_ = inner_->read(ignored).status == Status::kError;
  return {broken_ ? Status::kError : Status::kEnd, 0};
}

void TlsStream::pause_reading(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  if (ended_) return;
  inner_->pause_reading(paused);
  const bool more = broken_ || SSL_has_pending(ssl_.get()) == 1 ||
                    (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  if (!paused && more) nudge(true);
}

void TlsStream::on_readable() {
  if (handler_ != nullptr) handler_->on_readable();
}

// ---- Writing ----

IoResult TlsStream::write(std::span<const std::string_view> parts) {
  if (broken_) return {Status::kError, 0};
  size_t offered = 0;
  for (const std::string_view part : parts) offered += part.size();
  size_t total = 0;
  if (established_ && pending_ == nullptr) {
    Pieces pieces(parts.first(std::min(parts.size(), kPartsMax)), core_.gathered);
    for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
      ERR_clear_error();
      size_t bytes = 0;
      if (SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &bytes) != 1) {
        ERR_clear_error();
        broken_ = true;
        return {Status::kError, 0};
      }
      total += bytes;
      // The socket is full: who waits for it must not encrypt more.
      if (pending_ != nullptr || bytes < piece.size()) break;
    }
  }
  wants_write_ = total < offered;
  // There is room, only not for so many parts at once.
  if (wants_write_ && established_ && pending_ == nullptr) nudge(false);
  return {total > 0 || offered == 0 ? Status::kDone : Status::kWouldBlock, total};
}

// Whether nothing waits any more.
bool TlsStream::flush_pending() {
  if (pending_ == nullptr) return true;
  const std::string_view part = *pending_;
  const IoResult result = inner_->write({&part, 1});
  if (result.status == Status::kError) {
    inner_failed_ = broken_ = true;
    return false;
  }
  if (result.status == Status::kDone) pending_->erase(0, result.bytes);
  if (!pending_->empty()) return false;
  pending_.reset();
  return true;
}

void TlsStream::on_writable() {
  if (!flush_pending()) {
    // As a socket tells it: by the read that finds it.
    if (broken_ && handler_ != nullptr) handler_->on_readable();
    return;
  }
  if (std::exchange(end_waits_, false)) inner_->shutdown_write();
  if (!established_ || !std::exchange(wants_write_, false)) return;
  if (handler_ != nullptr) handler_->on_writable();
}

void TlsStream::say_goodbye() {
  if (!established_ || broken_ || std::exchange(said_goodbye_, true)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsStream::shutdown_write() {
  say_goodbye();
  if (pending_ == nullptr) return inner_->shutdown_write();
  end_waits_ = true;
}

void TlsStream::reset() {
  reset_ = true;
  inner_->reset();
}

// ---- Nudges ----

// Calls the handler in the next turn.
void TlsStream::nudge(bool readable) {
  if (readable)
    nudge_readable_ = true;
  else
    nudge_writable_ = true;
  if (nudged_) return;
  nudged_ = true;
  nudge_ = core_.executor.after(base::Duration{}, [this] { on_nudge(); });
}

// One call only: the handler may destroy the stream.
void TlsStream::on_nudge() {
  nudged_ = false;
  if (nudge_writable_) {
    nudge_writable_ = false;
    if (nudge_readable_) nudge(true);
    if (std::exchange(wants_write_, false) && handler_ != nullptr) handler_->on_writable();
    return;
  }
  nudge_readable_ = false;
  if (!paused_ && handler_ != nullptr) handler_->on_readable();
}

}  // namespace millrace::net
