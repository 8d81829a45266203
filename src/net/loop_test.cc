// The loop with real sockets on loopback. Nothing here sleeps: each test runs turns until what it
// waits for has happened.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/net.h"

namespace millrace::net {
namespace {

using namespace std::chrono_literals;

// Keeps what it accepts, reads all that comes, and calls back.
struct Peer final : StreamHandler {
  explicit Peer(std::unique_ptr<Stream> accepted) : stream(std::move(accepted)) {
    stream->set_handler(this);
  }
  void on_readable() override {
    std::array<char, 4096> buffer{};
    for (;;) {
      const IoResult result = stream->read(buffer);
      if (result.status == IoResult::Status::kDone) {
        received.append(buffer.data(), result.bytes);
        continue;
      }
      if (result.status == IoResult::Status::kEnd) ended = true;
      if (result.status == IoResult::Status::kError) failed = true;
      break;
    }
    if (on_event) on_event();
  }
  void on_writable() override {
    ++writable_calls;
    if (on_event) on_event();
  }
  std::unique_ptr<Stream> stream;
  std::string received;
  bool ended = false;
  bool failed = false;
  int writable_calls = 0;
  std::function<void()> on_event;
};

class LoopTest : public testing::Test, public Acceptor {
 protected:
  void SetUp() override {
    base::Result<std::unique_ptr<Loop>> made = Loop::create({}, metrics);
    ASSERT_TRUE(made) << made.error().message;
    loop = std::move(*made);
  }
  void listen(const char* text) {
    address = *Address::parse(text);
    base::Result<ListenSocket> socket = ListenSocket::bind(address, {});
    ASSERT_TRUE(socket) << socket.error().message;
    ASSERT_TRUE(loop->listen(std::move(*socket), *this));
  }
  void on_accept(std::unique_ptr<Stream> stream) override {
    peers.push_back(std::make_unique<Peer>(std::move(stream)));
    peers.back()->on_event = [this] { check(); };
    check();
  }
  // Runs the loop until `condition` holds; it is looked at after each event of a stream. Once a
  // test: stop() is for good.
  void run_until(std::function<bool()> condition) {
    condition_ = std::move(condition);
    const base::TimerId limit = loop->after(20s, [this] {
      timed_out = true;
      loop->stop();
    });
    if (!condition_()) loop->run();
    loop->cancel(limit);
    EXPECT_FALSE(timed_out);
    EXPECT_TRUE(condition_());
  }
  void check() {
    if (condition_ && condition_()) loop->post([this] { loop->stop(); });
  }
  int connect() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    return fd;
  }

  metrics::Core metrics;
  std::unique_ptr<Loop> loop;
  Address address;
  std::vector<std::unique_ptr<Peer>> peers;
  bool timed_out = false;

 private:
  std::function<bool()> condition_;
};

TEST_F(LoopTest, bytes_and_the_end_of_a_stream_arrive) {
  listen("127.0.0.1:0");
  const int fd = connect();
  ASSERT_EQ(::send(fd, "hello", 5, 0), 5);
  ::shutdown(fd, SHUT_WR);
  run_until([&] { return !peers.empty() && peers[0]->ended; });
  EXPECT_EQ(peers[0]->received, "hello");
  EXPECT_TRUE(peers[0]->stream->peer().starts_with("127.0.0.1:"));
  EXPECT_EQ(metrics.value(metrics::Gauge::kStreams), 1);
  peers.clear();
  EXPECT_EQ(metrics.value(metrics::Gauge::kStreams), 0);
  ::close(fd);
}

TEST_F(LoopTest, a_short_write_is_followed_by_on_writable_when_the_peer_has_read) {
  listen("127.0.0.1:0");
  const int fd = connect();
  const std::string block(1 << 20, 'x');
  size_t written = 0;
  std::atomic<size_t> expected{SIZE_MAX};
  std::thread reader;
  run_until([&] {
    if (peers.empty()) return false;
    Peer& peer = *peers[0];
    if (written == 0) {
      for (;;) {
        const std::array<std::string_view, 2> parts{block, block};
        const IoResult result = peer.stream->write(parts);
        written += result.bytes;
        if (result.bytes < 2 * block.size()) break;
      }
      expected = written;
      reader = std::thread([fd, &expected] {
        std::vector<char> buffer(1 << 16);
        size_t total = 0;
        while (total < expected)
          total += static_cast<size_t>(
              std::max<ssize_t>(::recv(fd, buffer.data(), buffer.size(), 0), 0));
      });
    }
    return peer.writable_calls > 0;
  });
  reader.join();
  EXPECT_EQ(peers[0]->writable_calls, 1);
  ::close(fd);
}

TEST_F(LoopTest, a_paused_stream_keeps_its_bytes_until_it_is_resumed) {
  listen("127.0.0.1:0");
  const int fd = connect();
  bool paused = false;
  run_until([&] {
    if (peers.empty()) return false;
    Peer& peer = *peers[0];
    if (!paused) {
      paused = true;
      peer.stream->pause_reading(true);
      EXPECT_EQ(::send(fd, "later", 5, 0), 5);
      loop->after(1ms, [&] {
        EXPECT_EQ(peer.received, "");
        peer.stream->pause_reading(false);
      });
    }
    return !peer.received.empty();
  });
  EXPECT_EQ(peers[0]->received, "later");
  ::close(fd);
}

TEST_F(LoopTest, a_reset_peer_is_told_as_an_error) {
  listen("127.0.0.1:0");
  const int fd = connect();
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(fd);
  run_until([&] { return !peers.empty() && (peers[0]->failed || peers[0]->ended); });
  EXPECT_TRUE(peers[0]->failed);
}

TEST_F(LoopTest, streams_may_destroy_each_other_inside_their_callbacks) {
  listen("127.0.0.1:0");
  std::vector<int> fds;
  for (int i = 0; i < 8; ++i) fds.push_back(connect());
  bool sent = false;
  size_t calls = 0;
  run_until([&] {
    if (!sent && peers.size() == fds.size()) {
      sent = true;
      // The first one that hears something destroys all of them, itself included.
      for (const auto& peer : peers) {
        peer->on_event = [&] {
          ++calls;
          loop->post([this] { loop->stop(); });
          const auto doomed = std::move(peers);
        };
      }
      for (const int fd : fds) EXPECT_EQ(::send(fd, "x", 1, 0), 1);
    }
    return calls > 0;
  });
  EXPECT_EQ(calls, 1U);
  EXPECT_EQ(metrics.value(metrics::Gauge::kStreams), 0);
  for (const int fd : fds) ::close(fd);
}

TEST_F(LoopTest, at_most_a_bounded_number_is_accepted_a_turn) {
  Loop::Options options;
  options.accepts_per_turn = 2;
  loop = std::move(*Loop::create(options, metrics));
  listen("127.0.0.1:0");
  std::vector<int> fds;
  for (int i = 0; i < 7; ++i) fds.push_back(connect());
  struct Hook final : base::TurnHook {
    explicit Hook(std::function<void()> action) : action_(std::move(action)) {}
    void on_turn_end() override { action_(); }
    std::function<void()> action_;
  };
  size_t before = 0;
  size_t most = 0;
  Hook hook([&] {
    most = std::max(most, peers.size() - before);
    before = peers.size();
  });
  loop->add_turn_hook(hook);
  run_until([&] { return peers.size() == fds.size(); });
  EXPECT_LE(most, 2U);
  for (const int fd : fds) ::close(fd);
}

TEST_F(LoopTest, a_second_server_on_the_same_port_is_refused_but_another_core_may_join) {
  Address first = *Address::parse("127.0.0.1:0");
  base::Result<ListenSocket> socket = ListenSocket::bind(first, {});
  ASSERT_TRUE(socket);
  EXPECT_NE(first.port, 0);
  EXPECT_TRUE(socket->another());
  base::Result<ListenSocket> second = ListenSocket::bind(first, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(first.to_string()), std::string::npos);
}

TEST_F(LoopTest, unix_sockets_work_and_a_stale_file_is_replaced) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("millrace-test-" + std::to_string(::getpid())))
          .string();
  for (int round = 0; round < 2; ++round) {
    loop->stop_listening();
    listen(("unix:" + path).c_str());
    EXPECT_FALSE(ListenSocket::bind(address, {})) << "somebody listens there";
  }
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof(to.sun_path) - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  run_until([&] { return !peers.empty(); });
  EXPECT_EQ(peers[0]->stream->peer(), "unix");
  ::close(fd);
  std::filesystem::remove(path);
}

TEST_F(LoopTest, ipv6_and_every_interface_listen) {
  listen("[::1]:0");
  listen(":0");
  const int fd = connect();
  run_until([&] { return !peers.empty(); });
  ::close(fd);
}

TEST(LoopPosting, tasks_of_many_threads_all_run_and_each_threads_in_order) {
  metrics::Core metrics;
  const std::unique_ptr<Loop> loop = std::move(*Loop::create({}, metrics));
  constexpr int kThreads = 4;
  constexpr int kTasks = 20'000;
  std::array<int, kThreads> next{};
  int remaining = kThreads * kTasks;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kTasks; ++i) {
        loop->post([&, thread, i] {
          ordered = ordered && next[static_cast<size_t>(thread)]++ == i;
          if (--remaining == 0) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(metrics.value(metrics::Counter::kTasks), static_cast<uint64_t>(kThreads * kTasks));
}

TEST(LoopPosting, two_loops_play_ping_pong) {
  metrics::Core first_metrics;
  metrics::Core second_metrics;
  const std::unique_ptr<Loop> first =
      std::move(*Loop::create({.core = base::CoreId{0}}, first_metrics));
  const std::unique_ptr<Loop> second =
      std::move(*Loop::create({.core = base::CoreId{1}}, second_metrics));
  int rounds = 0;
  std::function<void()> serve = [&] {
    second->post([&] {
      first->post([&] {
        if (++rounds < 1000) return serve();
        first->stop();
        second->stop();
      });
    });
  };
  first->post(serve);
  std::thread other([&] { second->run(); });
  first->run();
  other.join();
  EXPECT_EQ(rounds, 1000);
}

TEST(LoopTimers, a_timer_runs_after_its_delay_and_a_cancelled_one_never) {
  metrics::Core metrics;
  const std::unique_ptr<Loop> loop = std::move(*Loop::create({}, metrics));
  const base::MonotonicTime start = base::monotonic_now();
  bool cancelled_ran = false;
  const base::TimerId cancelled = loop->after(1ms, [&] { cancelled_ran = true; });
  loop->after(80ms, [&] { loop->stop(); });
  loop->cancel(cancelled);
  loop->run();
  EXPECT_GE((base::monotonic_now() - start).count(), 80'000);
  EXPECT_FALSE(cancelled_ran);
}

TEST(LoopTimers, tasks_run_in_the_order_in_which_they_are_due) {
  metrics::Core metrics;
  const std::unique_ptr<Loop> loop = std::move(*Loop::create({}, metrics));
  std::vector<int> order;
  loop->after(9ms, [&] {
    order.push_back(3);
    loop->stop();
  });
  loop->after(2ms, [&] { order.push_back(1); });
  loop->after(5ms, [&] { order.push_back(2); });
  loop->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(LoopLoad, a_loop_is_behind_when_it_had_no_rest_for_a_while_until_it_has_one) {
  metrics::Core metrics;
  const std::unique_ptr<Loop> loop = std::move(*Loop::create({}, metrics));
  bool behind_in_the_end = false;
  bool behind_after_a_rest = true;
  EXPECT_FALSE(loop->behind());
  // There is always a next task, until it shows.
  std::function<void()> work = [&] {
    if (!loop->behind()) return loop->post([&] { work(); });
    behind_in_the_end = true;
    loop->after(5ms, [&] {
      behind_after_a_rest = loop->behind();
      loop->stop();
    });
  };
  loop->post([&] { work(); });
  loop->run();
  EXPECT_TRUE(behind_in_the_end);
  EXPECT_FALSE(behind_after_a_rest);
}

TEST(FileBudget, raises_the_soft_limit_and_keeps_a_reserve) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const FileBudget budget = FileBudget::raise_to_hard_limit(100);
  EXPECT_EQ(budget.limit(), limit.rlim_max);
  EXPECT_EQ(budget.connections_max(), budget.limit() - 100);
  EXPECT_EQ(FileBudget::raise_to_hard_limit(SIZE_MAX).connections_max(),
            budget.limit() - budget.limit() / 2);
}

}  // namespace
}  // namespace millrace::net
