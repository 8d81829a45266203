// One core's TLS: the time that handshakes may take of a turn, and the bytes of streams that are
// gone.
#include <utility>

#include "base/clock.h"
#include "net/tls_stream.h"

namespace millrace::net {

using Status = IoResult::Status;

TlsServer::TlsServer(Loop& loop, metrics::Core& metrics, std::shared_ptr<const TlsContext> context)
    : core_(std::make_unique<TlsCore>(loop, loop.wheel(), metrics, std::move(context))) {}

TlsServer::~TlsServer() = default;

void TlsServer::set_context(std::shared_ptr<const TlsContext> context) {
  core_->context = std::move(context);
}

std::unique_ptr<Stream> TlsServer::wrap(std::unique_ptr<Stream> stream) {
  return std::make_unique<TlsStream>(*core_, std::move(stream));
}

bool TlsCore::may_shake_hands() {
  if (executor.now() != turn) {
    turn = executor.now();
    spent = {};
  }
  return spent < TlsServer::kHandshakesPerTurn;
}

void TlsCore::add_leaver(std::unique_ptr<Stream> stream, std::string pending) {
  if (leavers.size() >= TlsServer::kLeaversMax) return;
  leavers.push_back(std::make_unique<TlsLeaver>(*this, std::move(stream), std::move(pending)));
  leavers.back()->slot = leavers.size() - 1;
}

void TlsCore::remove_leaver(const TlsLeaver& leaver) {
  const size_t slot = leaver.slot;
  std::swap(leavers[slot], leavers.back());
  leavers[slot]->slot = slot;
  const std::unique_ptr<TlsLeaver> removed = std::move(leavers.back());
  leavers.pop_back();
}

TlsLeaver::TlsLeaver(TlsCore& core, std::unique_ptr<Stream> stream, std::string pending)
    : core_(core), stream_(std::move(stream)), pending_(std::move(pending)) {
  stream_->set_handler(this);
  stream_->pause_reading(false);
  core_.wheel.set(*this, TlsServer::kLeaveTime);
}

// Read and thrown away: closing on unread bytes would send RST, which overtakes what is on its way.
void TlsLeaver::on_readable() {
  std::array<char, 4096> ignored;
  if (stream_->read(ignored).status == Status::kError) core_.remove_leaver(*this);
}

void TlsLeaver::on_writable() {
  const std::string_view rest = std::string_view(pending_).substr(sent_);
  const IoResult result = stream_->write({&rest, 1});
  if (result.status == Status::kDone) sent_ += result.bytes;
  if (result.status == Status::kError || sent_ == pending_.size()) core_.remove_leaver(*this);
}

void TlsLeaver::on_timer() {
  stream_->reset();
  core_.remove_leaver(*this);
}

}  // namespace millrace::net
