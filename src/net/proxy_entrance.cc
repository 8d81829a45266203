#include "net/proxy_entrance.h"

#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/net.h"
#include "net/proxy_header.h"

namespace millrace::net {

namespace log = base::log;
using metrics::Counter;
using Step = ProxyHeaderDecoder::Step;

// A connection whose header is awaited.
class ProxyEntrance::Visitor final : private StreamHandler, private Timer {
 public:
  Visitor(Impl& entrance, std::unique_ptr<Stream> stream);
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  std::string peer() const { return stream_->peer(); }
  std::unique_ptr<Stream> take_stream() {
    stream_->set_handler(nullptr);
    return std::move(stream_);
  }

  // Where the entrance keeps it.
  size_t slot = 0;

 private:
  void on_readable() override;
  void on_writable() override {}
  void on_timer() override;

  Impl& entrance_;
  std::unique_ptr<Stream> stream_;
  ProxyHeaderDecoder decoder_;
};

class ProxyEntrance::Impl {
 public:
  Impl(Loop& loop, metrics::Core& metrics, Options options, Welcome welcome)
      : loop_(loop),
        metrics_(metrics),
        options_(std::move(options)),
        welcome_(std::move(welcome)) {}

  void accept(std::unique_ptr<Stream> stream) {
    const std::string peer = stream->peer();
    if (!options_.trusted.contains_peer(peer)) {
      if (peer == "unix") return welcome_(std::move(stream), std::nullopt);
      metrics_.add(Counter::kProxyUntrusted);
      log::debug("no PROXY header is taken from this peer", {{"peer", peer}});
      return;
    }
    auto visitor = std::make_unique<Visitor>(*this, std::move(stream));
    visitor->slot = visitors_.size();
    visitors_.push_back(std::move(visitor));
  }

  // Both destroy the visitor.
  void welcome(Visitor& visitor, const std::optional<IpAddress>& source) {
    metrics_.add(source ? Counter::kProxyAccepted : Counter::kProxyLocal);
    std::unique_ptr<Stream> stream = visitor.take_stream();
    const std::optional<IpAddress> kept = source;  // it is the visitor's
    remove(visitor);
    welcome_(std::move(stream), kept);
  }
  void turn_away(Visitor& visitor, Counter counter, std::string_view why) {
    metrics_.add(counter);
    if (log::enabled(log::Level::kDebug))
      log::debug("no PROXY header", {{"peer", visitor.peer()}, {"reason", why}});
    remove(visitor);
  }

  void close_waiting() { visitors_.clear(); }
  size_t waiting() const { return visitors_.size(); }
  Loop& loop() { return loop_; }
  void arm(Timer& timer) { loop_.wheel().set(timer, options_.header_timeout); }

 private:
  void remove(const Visitor& visitor) {
    const size_t slot = visitor.slot;
    std::swap(visitors_[slot], visitors_.back());
    visitors_[slot]->slot = slot;
    visitors_.pop_back();
  }

  Loop& loop_;
  metrics::Core& metrics_;
  const Options options_;
  const Welcome welcome_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
};

// ---- The visitor ----

ProxyEntrance::Visitor::Visitor(Impl& entrance, std::unique_ptr<Stream> stream)
    : entrance_(entrance), stream_(std::move(stream)) {
  stream_->set_handler(this);
  entrance_.arm(*this);
}

void ProxyEntrance::Visitor::on_readable() {
  for (;;) {
    const std::span<char> room = entrance_.loop().scratch().first(decoder_.wanted());
    const IoResult result = stream_->read(room);
    if (result.status == IoResult::Status::kWouldBlock) return;
    // A balancer that only looks whether the port is open ends here, too.
    if (result.status != IoResult::Status::kDone)
      return entrance_.turn_away(*this, Counter::kProxyEnded, "the connection ended");
    switch (decoder_.feed({room.data(), result.bytes})) {
      case Step::kNeedMore:
        break;
      case Step::kDone:
        return entrance_.welcome(*this, decoder_.source());
      case Step::kError:
        return entrance_.turn_away(*this, Counter::kProxyMalformed, decoder_.error());
    }
  }
}

void ProxyEntrance::Visitor::on_timer() {
  entrance_.turn_away(*this, Counter::kProxyTimeout, "it took too long");
}

// ---- The entrance ----

ProxyEntrance::ProxyEntrance(Loop& loop, metrics::Core& metrics, Options options, Welcome welcome)
    : impl_(std::make_unique<Impl>(loop, metrics, std::move(options), std::move(welcome))) {}
ProxyEntrance::~ProxyEntrance() = default;

void ProxyEntrance::accept(std::unique_ptr<Stream> stream) {
  impl_->accept(std::move(stream));
}
void ProxyEntrance::close_waiting() {
  impl_->close_waiting();
}
size_t ProxyEntrance::waiting() const {
  return impl_->waiting();
}

}  // namespace millrace::net
