#include <map>
#include <utility>

#include "base/clock.h"
#include "http/connection.h"
#include "http/http.h"
#include "http/refusal.h"

namespace millrace::http {
namespace {

// Each of its elements knows its place, so that leaving costs nothing.
template <class T>
void add_to(std::vector<std::unique_ptr<T>>& list, std::unique_ptr<T> element) {
  element->slot = list.size();
  list.push_back(std::move(element));
}

template <class T>
void remove_from(std::vector<std::unique_ptr<T>>& list, const T& element) {
  const size_t slot = element.slot;
  std::swap(list[slot], list.back());
  list[slot]->slot = slot;
  const std::unique_ptr<T> removed = std::move(list.back());
  list.pop_back();
}

}  // namespace

class Server::Impl final : public ConnectionOwner {
 public:
  // Those that are being turned away hold a file each, on a node that has none to spare.
  static constexpr size_t kRefusalsMax = 64;

  using ConnectionOwner::ConnectionOwner;

  void accept(std::unique_ptr<net::Stream> stream, const std::optional<net::IpAddress>& proxied) {
    add_to(connections_, std::make_unique<Connection>(*this, std::move(stream), proxied));
  }

  void refuse(std::unique_ptr<net::Stream> stream, std::chrono::seconds retry_after) {
    Response response = Response::text(503, "no room for more connections\n");
    response.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
    std::string answer = serialized(response, {.close = true}, date.at(base::wall_clock_ms()));
    auto refusal = std::make_unique<Refusal>(
        loop, metrics, std::move(stream), std::move(answer),
        [this, number = refusals_begun_ + 1](Refusal&) { refusals_.erase(number); });
    refusals_.emplace(++refusals_begun_, std::move(refusal));
    // The oldest has had the most time.
    if (refusals_.size() > kRefusalsMax) refusals_.begin()->second->finish();
  }

  void close_when_idle() {
    draining = true;
    // From the back: one that leaves is replaced by one that had its turn.
    for (size_t i = connections_.size(); i-- > 0;) connections_[i]->close_when_idle();
  }

  void remove(Connection& connection) override { remove_from(connections_, connection); }

  size_t connections() const { return connections_.size(); }

 private:
  std::vector<std::unique_ptr<Connection>> connections_;
  std::map<uint64_t, std::unique_ptr<Refusal>> refusals_;  // by number
  uint64_t refusals_begun_ = 0;
};

Server::Server(net::Loop& loop, metrics::Core& metrics, const Options& options,
               const Router& router, net::TrustedPeers trusted_proxies)
    : impl_(std::make_unique<Impl>(loop, metrics, options, router, std::move(trusted_proxies))) {}

Server::~Server() = default;

void Server::accept(std::unique_ptr<net::Stream> stream,
                    const std::optional<net::IpAddress>& proxied) {
  impl_->accept(std::move(stream), proxied);
}

void Server::refuse(std::unique_ptr<net::Stream> stream, std::chrono::seconds retry_after) {
  impl_->refuse(std::move(stream), retry_after);
}

void Server::close_when_idle() {
  impl_->close_when_idle();
}
size_t Server::connections() const {
  return impl_->connections();
}

}  // namespace millrace::http
