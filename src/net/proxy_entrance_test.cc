// The entrance on a real loop with real sockets. Nothing sleeps: each test runs turns until what it
// waits for has happened.
#include "net/proxy_entrance.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/net.h"
#include "net/testing_proxy_header.h"

namespace millrace::net {
namespace {

using namespace std::chrono_literals;
using metrics::Counter;

constexpr std::string_view kLine = "PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n";

class ProxyEntranceTest : public testing::Test, public Acceptor, public base::TurnHook {
 protected:
  ProxyEntranceTest() : loop_(std::move(Loop::create({}, metrics_).value())) {
    address_ = *Address::parse("127.0.0.1:0");
    EXPECT_TRUE(loop_->listen(std::move(ListenSocket::bind(address_, {}).value()), *this));
    loop_->add_turn_hook(*this);
    open({"127.0.0.1"});
  }
  ~ProxyEntranceTest() override {
    for (const int fd : clients_) ::close(fd);
  }

  void open(const std::vector<std::string>& trusted, base::Duration timeout = 20s) {
    entrance_.emplace(*loop_, metrics_,
                      ProxyEntrance::Options{.trusted = TrustedPeers::parse(trusted).value(),
                                             .header_timeout = timeout},
                      [this](auto stream, const auto& source) {
                        sources_.push_back(source ? source->to_string() : "own");
                        streams_.push_back(std::move(stream));
                      });
  }
  void on_accept(std::unique_ptr<Stream> stream) override {
    ++accepted_;
    entrance_->accept(std::move(stream));
  }
  void on_turn_end() override {
    if (turn_) turn_();
    if (condition_()) loop_->stop();
  }

  // Once a test: stop() is for good.
  void run_until(std::function<bool()> condition) {
    condition_ = std::move(condition);
    bool late = false;
    loop_->after(20s, [&] {
      late = true;
      loop_->stop();
    });
    loop_->run();
    EXPECT_FALSE(late);
  }

  int connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address_.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    clients_.push_back(fd);
    return fd;
  }
  static void send(int fd, std::string_view bytes) {
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  int connect_and_send(std::string_view bytes) {
    const int fd = connect();
    send(fd, bytes);
    return fd;
  }
  // What a stream that was handed over has to read.
  std::string unread(size_t stream) {
    std::array<char, 256> buffer{};
    const IoResult result = streams_.at(stream)->read(buffer);
    return {buffer.data(), result.status == IoResult::Status::kDone ? result.bytes : 0};
  }
  uint64_t count(Counter counter) const { return metrics_.value(counter); }

  metrics::Core metrics_;
  std::unique_ptr<Loop> loop_;
  Address address_;
  size_t accepted_ = 0;
  std::vector<int> clients_;
  std::vector<std::string> sources_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::function<void()> turn_;
  std::function<bool()> condition_;
  std::optional<ProxyEntrance> entrance_;
};

TEST_F(ProxyEntranceTest, the_address_arrives_and_what_follows_is_left_unread) {
  connect_and_send(std::string(kLine) + "GET /");
  run_until([&] { return streams_.size() == 1; });
  EXPECT_EQ(sources_, std::vector<std::string>{"203.0.113.7"});
  EXPECT_EQ(unread(0), "GET /");
  EXPECT_TRUE(streams_[0]->peer().starts_with("127.0.0.1:")) << "the socket's own";
  EXPECT_EQ(count(Counter::kProxyAccepted), 1U);
  EXPECT_EQ(entrance_->waiting(), 0U);
}

TEST_F(ProxyEntranceTest, a_health_check_of_the_balancer_has_its_own_address) {
  connect_and_send(binary_header(0x20, 0, "") + "GET /health");
  run_until([&] { return streams_.size() == 1; });
  EXPECT_EQ(sources_, std::vector<std::string>{"own"});
  EXPECT_EQ(unread(0), "GET /health");
  EXPECT_EQ(count(Counter::kProxyLocal), 1U);
}

TEST_F(ProxyEntranceTest, a_header_may_come_a_byte_a_turn) {
  const int fd = connect();
  size_t sent = 0;
  turn_ = [&] {
    if (sent < kLine.size()) send(fd, kLine.substr(sent++, 1));
    loop_->post([] {});  // another turn
  };
  run_until([&] { return streams_.size() == 1; });
  EXPECT_EQ(sources_, std::vector<std::string>{"203.0.113.7"});
  EXPECT_EQ(sent, kLine.size());
}

TEST_F(ProxyEntranceTest, the_last_byte_may_come_with_the_end) {
  ::shutdown(connect_and_send(kLine), SHUT_WR);
  run_until([&] { return streams_.size() == 1; });
  EXPECT_EQ(count(Counter::kProxyAccepted), 1U);
  EXPECT_EQ(count(Counter::kProxyEnded), 0U);
}

TEST_F(ProxyEntranceTest, what_is_no_header_is_closed_and_counted) {
  connect_and_send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  run_until([&] { return count(Counter::kProxyMalformed) == 1; });
  EXPECT_TRUE(streams_.empty());
  EXPECT_EQ(metrics_.value(metrics::Gauge::kStreams), 0);
}

TEST_F(ProxyEntranceTest, a_peer_that_is_not_trusted_is_closed_whatever_it_says) {
  open({"192.0.2.1"});
  connect_and_send(kLine);
  run_until([&] { return count(Counter::kProxyUntrusted) == 1; });
  EXPECT_TRUE(streams_.empty());
  EXPECT_EQ(metrics_.value(metrics::Gauge::kStreams), 0);
}

TEST_F(ProxyEntranceTest, a_header_that_takes_too_long_is_closed_and_counted) {
  open({"127.0.0.1"}, 100ms);
  connect_and_send(kLine.substr(0, 20));
  run_until([&] { return count(Counter::kProxyTimeout) == 1; });
  EXPECT_TRUE(streams_.empty());
  EXPECT_EQ(metrics_.value(metrics::Gauge::kStreams), 0);
}

TEST_F(ProxyEntranceTest, a_connection_that_ends_before_its_header_is_counted) {
  ::shutdown(connect(), SHUT_RDWR);
  run_until([&] { return count(Counter::kProxyEnded) == 1; });
  EXPECT_EQ(entrance_->waiting(), 0U);
}

TEST_F(ProxyEntranceTest, a_drain_closes_who_still_waits) {
  connect_and_send("PROXY ");
  connect();
  run_until([&] { return accepted_ == 2; });
  EXPECT_EQ(entrance_->waiting(), 2U);
  entrance_->close_waiting();
  EXPECT_EQ(entrance_->waiting(), 0U);
  EXPECT_EQ(metrics_.value(metrics::Gauge::kStreams), 0);
}

TEST_F(ProxyEntranceTest, one_that_leaves_disturbs_no_other) {
  const int first = connect_and_send(kLine.substr(0, 6));
  connect_and_send("nonsense");
  const int third = connect_and_send(kLine.substr(0, 9));
  turn_ = [&] {
    if (count(Counter::kProxyMalformed) == 0 || accepted_ < 3) return;
    send(third, kLine.substr(9));
    send(first, kLine.substr(6));
    turn_ = nullptr;
  };
  run_until([&] { return streams_.size() == 2; });
  EXPECT_EQ(count(Counter::kProxyAccepted), 2U);
  EXPECT_EQ(metrics_.value(metrics::Gauge::kStreams), 2);
}

// Over a unix socket.
class ProxyEntranceUnixTest : public ProxyEntranceTest {
 protected:
  ProxyEntranceUnixTest() {
    path_ = "/tmp/millrace-entrance-" + std::to_string(::getpid()) + ".sock";
    Address address = *Address::parse("unix:" + path_);
    EXPECT_TRUE(loop_->listen(std::move(ListenSocket::bind(address, {}).value()), *this));
  }
  ~ProxyEntranceUnixTest() override { ::unlink(path_.c_str()); }
  void connect_by_path(std::string_view bytes) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path_.copy(to.sun_path, sizeof(to.sun_path) - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    clients_.push_back(fd);
    send(fd, bytes);
  }
  std::string path_;
};

TEST_F(ProxyEntranceUnixTest, a_unix_socket_needs_no_header_unless_it_is_trusted) {
  connect_by_path("GET /");
  run_until([&] { return streams_.size() == 1; });
  EXPECT_EQ(sources_, std::vector<std::string>{"own"});
  EXPECT_EQ(unread(0), "GET /");
}

TEST_F(ProxyEntranceUnixTest, a_trusted_unix_socket_must_send_one) {
  open({"unix"});
  connect_by_path(kLine);
  connect_by_path("GET / HTTP/1.1\r\n\r\n");
  run_until([&] { return streams_.size() == 1 && count(Counter::kProxyMalformed) == 1; });
  EXPECT_EQ(sources_, std::vector<std::string>{"203.0.113.7"});
}

}  // namespace
}  // namespace millrace::net
