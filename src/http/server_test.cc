// What a server does beside answering: giving streams away, refusing, draining; and all of it over
// real sockets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "http/refusal.h"
#include "http/testing_server.h"

namespace millrace::http {
namespace {

using metrics::Counter;
using metrics::TransportCounter;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Taking : public ServerTest {};

TEST_F(Taking, a_taken_stream_leaves_with_the_bytes_behind_the_request) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/take", "Connection: upgrade\r\nUpgrade: websocket\r\n") + "\x81\x80");
  ASSERT_TRUE(taken_.has_value());
  EXPECT_EQ(taken_->unread, "\x81\x80");
  EXPECT_EQ(seen_after_take_, "/take x 192.0.2.1:4711");
  EXPECT_EQ(peer.received(), "");
  EXPECT_FALSE(peer.saw_end());
  EXPECT_FALSE(peer.paused());
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(open(), 0);
  const std::string_view answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  EXPECT_EQ(taken_->stream->write({&answer, 1}).bytes, answer.size());
  peer.send("later");  // to nobody: there is no handler
  EXPECT_EQ(peer.unread(), 5U);
  EXPECT_EQ(peer.received(), answer);
}

TEST_F(Taking, answers_to_earlier_requests_leave_before_a_stream_is_taken) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now?1") + get("/take"));
  EXPECT_TRUE(taken_.has_value());
  EXPECT_EQ(summary(peer.received()), "200 now 1|");
}

TEST_F(Taking, a_stream_that_earlier_answers_still_need_is_not_taken) {
  TestPeer unanswered;
  connect(unanswered);
  unanswered.send(get("/later") + get("/take"));
  EXPECT_FALSE(taken_.has_value());
  later_[0].send(Response::text(200, "first"));
  EXPECT_EQ(summary(unanswered.received()),
            "200 first|400 this connection cannot be taken over\n|");
  TestPeer blocked;
  connect(blocked);
  blocked.set_room(5);
  blocked.send(get("/now") + get("/take"));
  EXPECT_FALSE(taken_.has_value());
}

TEST_F(Taking, a_stream_is_taken_only_inside_the_handlers_call) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later"));
  EXPECT_FALSE(later_[0].take_stream().has_value());
  EXPECT_EQ(summary(peer.received()), "400 this connection cannot be taken over\n|");
}

TEST_F(Taking, a_stream_whose_peer_died_before_is_not_given) {
  TestPeer peer;
  router_.add("GET", "/dying", [&](const Request&, Responder responder) {
    peer.vanish();
    EXPECT_TRUE(responder.take_stream() == std::nullopt);
  });
  connect(peer);
  peer.send(get("/dying"));
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(server_->connections(), 0U);
}

class Draining : public ServerTest {};

TEST_F(Draining, idle_connections_close_at_once_and_busy_ones_after_their_answer) {
  TestPeer fresh;
  TestPeer idle;
  TestPeer busy;
  TestPeer partial;
  for (TestPeer* peer : {&fresh, &idle, &busy, &partial}) connect(*peer);
  idle.send(get("/now"));
  busy.send(get("/later") + get("/later"));
  partial.send("GET /now HTTP/1.1\r\n");
  server_->close_when_idle();
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(server_->connections(), 2U);

  later_[0].send(Response::text(200, "first"));
  later_[1].send(Response::text(200, "second"));
  const std::string responses = busy.received();
  EXPECT_EQ(summary(responses), "200 first|200 second|");
  EXPECT_GT(responses.find("Connection: close"), responses.find("first"));
  EXPECT_TRUE(busy.saw_end());

  partial.send("Host: x\r\n\r\n" + get("/now"));
  const std::string response = partial.received();
  EXPECT_EQ(summary(response), "200 now |");
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  busy.end();
  partial.end();
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(Draining, a_handler_may_start_the_drain) {
  TestPeer other;
  TestPeer peer;
  router_.add("POST", "/stop", [this](const Request& request, Responder responder) {
    server_->close_when_idle();
    EXPECT_EQ(request.path, "/stop");
    responder.send(Response::text(200, "stopping"));
  });
  connect(other);
  connect(peer);
  peer.send("POST /stop HTTP/1.1\r\nHost: x\r\n\r\n" + get("/now"));
  const std::string response = peer.received();
  EXPECT_EQ(summary(response), "200 stopping|");
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(other.closed());
  peer.end();
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(Draining, a_connection_that_comes_late_gets_one_answer) {
  server_->close_when_idle();
  TestPeer peer;
  connect(peer);
  peer.send(get("/now?1") + get("/now?2"));
  EXPECT_EQ(summary(peer.received()), "200 now 1|");
  EXPECT_TRUE(peer.saw_end());
}

class Refusing : public ServerTest {};

TEST_F(Refusing, a_refused_peer_learns_when_to_come_back) {
  TestPeer peer;
  server_->refuse(peer.stream(), seconds(7));
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(peer.received(), "");
  peer.send(get("/now"));
  const std::string response = peer.received();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << response;
  EXPECT_NE(response.find("\r\nRetry-After: 7\r\n"), std::string::npos);
  EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(peer.unread(), 0U);
  EXPECT_EQ(count(Counter::kHttpRequests), 0U);
  EXPECT_EQ(count(Counter::kHttpResponses5xx), 1U);
}

TEST_F(Refusing, a_silent_peer_is_refused_after_a_moment) {
  TestPeer peer;
  server_->refuse(peer.stream(), seconds(1));
  pass(Refusal::kPatience + milliseconds(200));
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(peer.closed());
}

TEST_F(Refusing, many_silent_peers_do_not_pile_up_and_the_oldest_go_first) {
  std::vector<TestPeer> peers(1000);
  for (TestPeer& peer : peers) server_->refuse(peer.stream(), seconds(1));
  const auto still = std::ranges::find_if(peers, [](const TestPeer& p) { return !p.closed(); });
  EXPECT_GE(still - peers.begin(), 900);
  EXPECT_LT(still - peers.begin(), 1000);
  EXPECT_TRUE(std::all_of(still, peers.end(), [](const TestPeer& p) { return !p.closed(); }));
}

TEST_F(Refusing, a_peer_in_a_handshake_is_refused_when_it_is_done) {
  TestPeer peer;
  peer.set_room(0);
  server_->refuse(peer.stream(), seconds(1));
  pass(Refusal::kPatience + milliseconds(200));
  EXPECT_FALSE(peer.saw_end());
  pass(Refusal::kHandshakePatience - milliseconds(200));
  peer.set_room(SIZE_MAX);
  EXPECT_EQ(peer.received(), "");
  peer.send(get("/now"));
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(peer.unread(), 0U);
}

TEST_F(Refusing, a_peer_that_is_silent_after_its_handshake_is_refused_after_a_moment) {
  TestPeer peer;
  peer.set_room(0);
  server_->refuse(peer.stream(), seconds(1));
  pass(Refusal::kPatience + milliseconds(200));
  peer.set_room(SIZE_MAX);
  EXPECT_FALSE(peer.saw_end());
  pass(Refusal::kPatience + milliseconds(200));
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(peer.closed());
}

TEST_F(Refusing, a_handshake_without_end_is_cut_off) {
  TestPeer peer;
  peer.set_room(0);
  server_->refuse(peer.stream(), seconds(1));
  pass(Refusal::kPatience + milliseconds(200));
  pass(Refusal::kHandshakePatience + milliseconds(200));
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(peer.received(), "");
  EXPECT_EQ(count(Counter::kHttpResponses5xx), 0U);
}

TEST_F(Refusing, a_server_may_go_while_it_refuses) {
  TestPeer peer;
  server_->refuse(peer.stream(), seconds(1));
  server_.reset();
  EXPECT_TRUE(peer.closed());
}

// ---- Real sockets ----

class Sockets : public ServerTest, protected net::Acceptor {
 protected:
  void on_accept(std::unique_ptr<net::Stream> stream) override {
    server_->accept(std::move(stream));
  }

  // Runs the loop, and `peer` on a thread of its own, until `peer` returns.
  void run(const std::function<void(int)>& peer) {
    net::Address address = net::Address::parse("127.0.0.1:0").value();
    base::Result<net::ListenSocket> socket = net::ListenSocket::bind(address, {});
    ASSERT_TRUE(socket) << socket.error().message;
    ASSERT_TRUE(loop_->listen(std::move(*socket), *this));
    std::thread thread([&] {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(address.port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
      EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
      peer(fd);
      ::close(fd);
      loop_->stop();
    });
    loop_->run();
    thread.join();
  }

  static void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  // Everything until the server's FIN; "reset" at the end if it was none.
  static std::string receive_all(int fd) {
    std::string all;
    std::vector<char> buffer(65536);
    ssize_t n = 0;
    while ((n = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0)
      all.append(buffer.data(), static_cast<size_t>(n));
    return n < 0 ? all + "reset" : all;
  }
};

TEST_F(Sockets, requests_are_answered_in_order) {
  run([](int fd) {
    send_all(fd, get("/now?1") + get("/nowhere") + get("/now?3", "Connection: close\r\n"));
    EXPECT_EQ(summary(receive_all(fd)), "200 now 1|404 not found\n|200 now 3|");
  });
  EXPECT_GT(count(TransportCounter::kBytesOutbound), 0U);
}

TEST_F(Sockets, an_answer_may_come_in_a_later_turn) {
  router_.add("GET", "/posted", [this](const Request&, Responder responder) {
    loop_->post([responder = std::move(responder)]() mutable {
      responder.send(Response::text(200, "posted"));
    });
  });
  run([](int fd) {
    send_all(fd, get("/posted") + get("/now", "Connection: close\r\n"));
    EXPECT_EQ(summary(receive_all(fd)), "200 posted|200 now |");
  });
}

TEST_F(Sockets, a_peer_that_is_still_sending_reads_its_413_rather_than_a_reset) {
  run([](int fd) {
    send_all(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    send_all(fd, std::string(500'000, 'x'));
    ::shutdown(fd, SHUT_WR);
    EXPECT_EQ(summary(receive_all(fd)), "413 the body is too large\n|");
  });
  EXPECT_EQ(count(Counter::kHttpTooLarge), 1U);
}

TEST_F(Sockets, large_answers_arrive_whole_though_the_kernel_takes_them_in_pieces) {
  const std::string body(1'000'000, 'b');
  run([&](int fd) {
    std::thread sender([&] {
      for (int i = 0; i < 20; ++i)
        send_all(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + body);
      ::shutdown(fd, SHUT_WR);
    });
    // Nobody reads yet, and 20 MB are more than the kernel holds: sooner or later the server's
    // write is short.
    while (count(Counter::kShortWrites) == 0) std::this_thread::yield();
    const std::string all = receive_all(fd);
    sender.join();
    EXPECT_GT(all.size(), 20'000'000U);
    EXPECT_EQ(summary(all).size(), 20 * (body.size() + 5));
  });
  EXPECT_EQ(count(Counter::kHttpRequests), 20U);
}

TEST_F(Sockets, a_silent_peer_is_closed_by_the_loops_own_timer) {
  start({.head_timeout = milliseconds(100)});
  run([](int fd) { EXPECT_EQ(receive_all(fd), ""); });
  EXPECT_EQ(count(Counter::kHttpTimeout), 1U);
}

}  // namespace
}  // namespace millrace::http
