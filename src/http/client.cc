#include "http/client.h"

#include <curl/curl.h>

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "http/client_transfer.h"

namespace millrace::http {
namespace {

// Once in the process, before the first handle; never undone, as threads may be using it.
void initialize_library() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  MILLRACE_ASSERT(done == CURLE_OK);
}

}  // namespace

class Client::Impl {
 public:
  Impl(net::Loop& loop, const ClientOptions& options)
      : loop_(loop), options_(options), self_(std::make_shared<Impl*>(this)) {
    initialize_library();
    multi_ = curl_multi_init();
    MILLRACE_ASSERT(multi_ != nullptr);
    const auto connections = static_cast<long>(options.connections_max);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }

  ~Impl() {
    for (auto& [handle, flight] : flights_) curl_multi_remove_handle(multi_, handle);
    flights_.clear();
    // Closes the kept connections, and takes back their watches.
    curl_multi_cleanup(multi_);
    if (timer_) loop_.cancel(*timer_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void send(ClientRequest request, Done done) {
    if (flights_.size() >= options_.requests_max)
      return refuse(std::move(done), {base::ErrorCode::kLimit, "too many requests in flight"});
    auto transfer = Transfer::create(options_, std::move(request));
    if (!transfer) return refuse(std::move(done), std::move(transfer.error()));
    CURL* const handle = (*transfer)->handle();
    flights_.emplace(handle, Flight{std::move(*transfer), std::move(done)});
    const CURLMcode added = curl_multi_add_handle(multi_, handle);
    MILLRACE_ASSERT(added == CURLM_OK);
  }

  size_t in_flight() const { return flights_.size(); }

 private:
  struct Flight {
    std::unique_ptr<Transfer> transfer;
    Done done;
  };

  // A socket of libcurl's.
  struct Socket final : net::WatchHandler {
    Socket(Impl& client, curl_socket_t descriptor) : impl(client), fd(descriptor) {}
    void on_ready(bool readable, bool writable) override {
      impl.act(fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
    }
    Impl& impl;
    const curl_socket_t fd;
    std::unique_ptr<net::Watch> watch{};
  };

  // libcurl tells which of its sockets it waits for.
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& impl = *static_cast<Impl*>(self);
    if (what == CURL_POLL_REMOVE) {
      impl.sockets_.erase(fd);
      return 0;
    }
    std::unique_ptr<Socket>& socket = impl.sockets_[fd];
    if (!socket) {
      socket = std::make_unique<Socket>(impl, fd);
      socket->watch = impl.loop_.watch(fd, *socket);
    }
    const bool watched =
        socket->watch->want((what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
    return watched ? 0 : -1;
  }

  // libcurl tells when it wants to be called at the latest: it has one timer. Never from in here.
  static int on_timer(CURLM*, long timeout_ms, void* self) {
    auto& impl = *static_cast<Impl*>(self);
    if (impl.timer_) impl.loop_.cancel(*std::exchange(impl.timer_, std::nullopt));
    ++impl.timer_version_;
    if (timeout_ms == 0) {
      impl.loop_.post([weak = std::weak_ptr(impl.self_), version = impl.timer_version_] {
        if (weak.expired()) return;
        Impl& client = **weak.lock();
        if (client.timer_version_ == version) client.act(CURL_SOCKET_TIMEOUT, 0);
      });
    } else if (timeout_ms > 0) {
      impl.timer_ = impl.loop_.after(std::chrono::milliseconds(timeout_ms), [&impl] {
        impl.timer_.reset();
        impl.act(CURL_SOCKET_TIMEOUT, 0);
      });
    }
    return 0;
  }

  // Lets libcurl work, and tells of the requests that ended by it.
  void act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    std::vector<std::pair<Done, base::Result<ClientResponse>>> ended;
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const handle = message->easy_handle;
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_, handle);  // and with it goes the message
      auto flight = flights_.extract(handle);
      MILLRACE_ASSERT(!flight.empty());
      ended.emplace_back(std::move(flight.mapped().done), flight.mapped().transfer->result(code));
    }
    // Each of them may destroy the client, which drops the others.
    const std::weak_ptr<Impl*> alive = self_;
    for (auto& [done, result] : ended) {
      if (!alive.expired()) done(std::move(result));
    }
  }

  void refuse(Done done, base::Error error) {
    loop_.post(
        [weak = std::weak_ptr(self_), done = std::move(done), error = std::move(error)]() mutable {
          if (!weak.expired()) done(std::unexpected(std::move(error)));
        });
  }

  net::Loop& loop_;
  const ClientOptions options_;
  CURLM* multi_ = nullptr;
  std::unordered_map<CURL*, Flight> flights_;
  std::unordered_map<curl_socket_t, std::unique_ptr<Socket>> sockets_;
  std::optional<base::TimerId> timer_;
  uint64_t timer_version_ = 0;  // a posted call of an older one does nothing
  // Shared with tasks that are under way, which do nothing once it has gone.
  std::shared_ptr<Impl*> self_;
};

Client::Client(net::Loop& loop, const ClientOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

Client::~Client() = default;

void Client::send(ClientRequest request, Done done) {
  impl_->send(std::move(request), std::move(done));
}

size_t Client::in_flight() const {
  return impl_->in_flight();
}

}  // namespace millrace::http
