// One connection: requests in, answers out in order, and every way in which it can end.
#include "http/connection.h"
#include "http/testing_server.h"

namespace millrace::http {
namespace {

using metrics::Counter;
using metrics::TransportCounter;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ConnectionTest : public ServerTest {};

TEST_F(ConnectionTest, a_request_is_answered_and_the_connection_stays) {
  TestPeer peer;
  connect(peer);
  EXPECT_EQ(open(), 1);
  peer.send(get("/now?1"));
  const std::string response = peer.received();
  EXPECT_EQ(summary(response), "200 now 1|");
  EXPECT_NE(response.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(response.find("Connection:"), std::string::npos);
  peer.send_slowly(get("/now?2"));
  EXPECT_EQ(summary(peer.received()), "200 now 2|");
  EXPECT_FALSE(peer.saw_end());
  EXPECT_EQ(count(Counter::kHttpRequests), 2U);
  EXPECT_EQ(count(Counter::kHttpResponses2xx), 2U);
  EXPECT_EQ(count(TransportCounter::kBytesInbound), get("/now?1").size() * 2);
  EXPECT_EQ(count(TransportCounter::kBytesOutbound), response.size() * 2);
}

TEST_F(ConnectionTest, a_body_comes_whole) {
  TestPeer peer;
  connect(peer);
  peer.send_slowly(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(summary(peer.received()), "200 abcde|");
}

TEST_F(ConnectionTest, pipelined_requests_leave_in_one_write) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now?1") + get("/nowhere") + get("/now?3"));
  EXPECT_EQ(summary(peer.received()), "200 now 1|404 not found\n|200 now 3|");
  EXPECT_EQ(peer.writes(), 1U);
  EXPECT_EQ(count(Counter::kWrites), 1U);
  EXPECT_EQ(count(Counter::kHttpResponses4xx), 1U);
}

TEST_F(ConnectionTest, answers_leave_in_the_order_of_their_requests) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + get("/later") + get("/now?3"));
  ASSERT_EQ(later_.size(), 2U);
  EXPECT_EQ(peer.received(), "");
  later_[1].send(Response::text(200, "second"));
  EXPECT_EQ(peer.received(), "");
  later_[0].send(Response::text(200, "first"));
  EXPECT_EQ(summary(peer.received()), "200 first|200 second|200 now 3|");
}

TEST_F(ConnectionTest, a_dropped_responder_answers_500) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/drop"));
  EXPECT_EQ(summary(peer.received()), "500 no answer\n|");
  peer.send(get("/later"));
  later_.clear();
  EXPECT_EQ(summary(peer.received()), "500 no answer\n|");
  EXPECT_EQ(count(Counter::kHttpResponses5xx), 2U);
}

TEST_F(ConnectionTest, an_assigned_responder_answers_for_the_one_it_replaces) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + get("/later"));
  later_[0] = std::move(later_[1]);
  EXPECT_EQ(summary(peer.received()), "500 no answer\n|");
  later_[0].send(Response::text(200, "second"));
  EXPECT_EQ(summary(peer.received()), "200 second|");
}

TEST_F(ConnectionTest, a_responder_may_outlive_its_connection_and_its_server) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + get("/later"));
  EXPECT_FALSE(later_[0].gone());
  peer.vanish();
  EXPECT_TRUE(peer.closed());
  EXPECT_TRUE(later_[0].gone());
  later_[0].send(Response::text(200, "to nobody"));
  EXPECT_EQ(open(), 0);
  TestPeer other;
  connect(other);
  other.send(get("/later"));
  server_.reset();
  EXPECT_TRUE(later_[2].gone());
  EXPECT_EQ(later_[2].take_stream(), std::nullopt);
  later_.clear();
  EXPECT_EQ(other.received(), "");
}

TEST_F(ConnectionTest, connection_close_is_answered_and_obeyed) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now?1", "Connection: close\r\n") + get("/now?2"));
  const std::string response = peer.received();
  EXPECT_EQ(summary(response), "200 now 1|");
  EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_TRUE(peer.saw_end());
  EXPECT_EQ(count(Counter::kHttpRequests), 1U);
  peer.end();
  EXPECT_TRUE(peer.closed());
}

TEST_F(ConnectionTest, a_handler_may_close_and_what_was_pipelined_behind_is_not_answered) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + get("/close") + get("/later") + get("/now"));
  ASSERT_EQ(later_.size(), 2U);
  later_[0].send(Response::text(200, "first"));
  const std::string response = peer.received();
  EXPECT_EQ(summary(response), "200 first|200 bye|");
  EXPECT_TRUE(later_[1].gone());
  EXPECT_TRUE(peer.saw_end());
}

TEST_F(ConnectionTest, http_1_0_closes_unless_it_asks_to_stay) {
  TestPeer closes;
  connect(closes);
  closes.send("GET /now HTTP/1.0\r\n\r\n");
  EXPECT_EQ(summary(closes.received()), "200 now |");
  EXPECT_TRUE(closes.saw_end());
  TestPeer stays;
  connect(stays);
  stays.send("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(stays.received().find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_FALSE(stays.saw_end());
}

TEST_F(ConnectionTest, a_malformed_request_is_told_so_and_the_connection_ends_when_the_peer_does) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + "GET / HTTP/1.1\r\nHost: x\n\r\n" + get("/now"));
  EXPECT_EQ(peer.received(), "");
  later_[0].send(Response::text(200, "first"));
  EXPECT_EQ(summary(peer.received()), "200 first|400 a LF without CR\n|");
  EXPECT_TRUE(peer.saw_end());
  EXPECT_FALSE(peer.closed());
  peer.send("more of the same");
  EXPECT_EQ(peer.unread(), 0U);
  EXPECT_FALSE(peer.closed());
  peer.end();
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(count(Counter::kHttpMalformed), 1U);
  EXPECT_EQ(open(), 0);
}

TEST_F(ConnectionTest, lingering_ends_after_a_while_or_a_number_of_bytes) {
  TestPeer patient;
  connect(patient);
  patient.send("nonsense\r\n");
  pass(Connection::kLingerTime - milliseconds(100));
  EXPECT_FALSE(patient.closed());
  pass(milliseconds(300));
  EXPECT_TRUE(patient.closed());
  TestPeer pushy;
  connect(pushy);
  pushy.send("nonsense\r\n");
  pushy.send(std::string(Connection::kLingerBytesMax, 'x'));
  EXPECT_FALSE(pushy.closed());
  pushy.send("x");
  EXPECT_TRUE(pushy.closed());
}

TEST_F(ConnectionTest, what_is_too_large_is_counted_apart) {
  start({.head_bytes_max = 100, .body_bytes_max = 10});
  const auto status = [this](std::string_view bytes) {
    TestPeer peer;
    connect(peer);
    peer.send(bytes);
    EXPECT_TRUE(peer.saw_end());
    return peer.received().substr(9, 3);
  };
  EXPECT_EQ(status("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"), "413");
  EXPECT_EQ(status("GET /" + std::string(200, 'a')), "414");
  EXPECT_EQ(status(get("/now", "X: " + std::string(200, 'a'))), "431");
  EXPECT_EQ(count(Counter::kHttpTooLarge), 3U);
  EXPECT_EQ(count(Counter::kHttpMalformed), 0U);
}

TEST_F(ConnectionTest, a_slow_head_times_out_however_it_trickles) {
  TestPeer peer;
  connect(peer);
  const std::string request = get("/now");
  for (size_t i = 0; i < 9; ++i) {
    peer.send({&request[i], 1});
    pass(seconds(1));
  }
  EXPECT_FALSE(peer.saw_end());
  pass(seconds(2));
  EXPECT_EQ(summary(peer.received()), "408 the head took too long\n|");
  EXPECT_TRUE(peer.saw_end());
  EXPECT_EQ(count(Counter::kHttpTimeout), 1U);
}

TEST_F(ConnectionTest, a_second_slow_head_has_its_own_time_from_its_first_byte) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now"));
  pass(seconds(60));
  peer.send("G");
  pass(seconds(9));
  EXPECT_FALSE(peer.saw_end());
  pass(seconds(2));
  EXPECT_EQ(summary(peer.received()), "200 now |408 the head took too long\n|");
}

TEST_F(ConnectionTest, a_peer_that_sends_nothing_is_closed_without_a_word) {
  TestPeer peer;
  connect(peer);
  pass(seconds(9));
  EXPECT_FALSE(peer.closed());
  pass(seconds(2));
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(peer.received(), "");
  EXPECT_EQ(count(Counter::kHttpTimeout), 1U);
  EXPECT_EQ(open(), 0);
}

TEST_F(ConnectionTest, an_idle_connection_is_closed_in_the_end) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now"));
  pass(seconds(74));
  EXPECT_FALSE(peer.closed());
  peer.send(get("/now"));
  pass(seconds(74));
  EXPECT_FALSE(peer.closed());
  pass(seconds(2));
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(count(Counter::kHttpTimeout), 0U);
}

TEST_F(ConnectionTest, a_body_may_take_its_time_but_not_pause_for_long) {
  TestPeer peer;
  connect(peer);
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
  for (int i = 0; i < 4; ++i) {
    peer.send("a");
    pass(seconds(9));
  }
  EXPECT_FALSE(peer.saw_end());
  pass(seconds(2));
  EXPECT_EQ(summary(peer.received()), "408 the body took too long\n|");
}

TEST_F(ConnectionTest, a_handler_may_take_as_long_as_it_likes) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later"));
  pass(seconds(600));
  later_[0].send(Response::text(200, "at last"));
  EXPECT_EQ(summary(peer.received()), "200 at last|");
}

TEST_F(ConnectionTest, a_peer_that_does_not_read_is_cut_off) {
  TestPeer peer;
  connect(peer);
  peer.set_room(20);
  peer.send(get("/now"));
  for (int i = 0; i < 3; ++i) {
    pass(seconds(70));
    peer.set_room(1);
    peer.send("G");  // sending is no excuse for not reading
  }
  EXPECT_FALSE(peer.closed());
  pass(seconds(70));
  peer.send("E");
  pass(seconds(6));
  EXPECT_TRUE(peer.closed());
  EXPECT_TRUE(peer.reset());
  EXPECT_EQ(count(Counter::kHttpTimeout), 1U);
}

TEST_F(ConnectionTest, short_writes_go_on_where_they_stopped) {
  TestPeer peer;
  connect(peer);
  peer.set_room(10);
  peer.send(get("/now?1") + get("/now?2"));
  std::string all = peer.received();
  EXPECT_EQ(all.size(), 10U);
  peer.send(get("/now?3"));
  for (int i = 0; i < 1000; ++i) {
    peer.set_room(1);
    all += peer.received();
  }
  EXPECT_EQ(summary(all), "200 now 1|200 now 2|200 now 3|");
  EXPECT_GT(count(Counter::kShortWrites), 100U);
}

TEST_F(ConnectionTest, reading_pauses_while_too_many_requests_are_unanswered) {
  start({.pipelined_max = 2});
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + get("/later") + get("/later") + get("/now"));
  EXPECT_EQ(later_.size(), 2U);
  EXPECT_TRUE(peer.paused());
  peer.send(get("/now?more"));
  EXPECT_GT(peer.unread(), 0U);
  later_[0].send(Response::text(200, "1"));
  peer.deliver();
  EXPECT_EQ(later_.size(), 3U);
  EXPECT_TRUE(peer.paused());
  later_[1].send(Response::text(200, "2"));
  later_[2].send(Response::text(200, "3"));
  peer.deliver();
  EXPECT_FALSE(peer.paused());
  EXPECT_EQ(summary(peer.received()), "200 1|200 2|200 3|200 now |200 now more|");
}

TEST_F(ConnectionTest, reading_pauses_while_too_much_output_waits) {
  const std::string body(100'000, 'b');
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body;
  TestPeer peer;
  connect(peer);
  peer.set_room(0);
  for (int i = 0; i < 10; ++i) peer.send(request);
  EXPECT_TRUE(peer.paused());
  EXPECT_GT(peer.unread(), 600'000U);
  EXPECT_LE(count(Counter::kHttpRequests), 3U);
  peer.set_room(static_cast<size_t>(-1));
  EXPECT_EQ(peer.unread(), 0U);
  EXPECT_EQ(count(Counter::kHttpRequests), 10U);
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += "200 " + body + "|";
  EXPECT_EQ(summary(peer.received()), expected);
}

TEST_F(ConnectionTest, a_peer_that_waits_for_100_continue_gets_it_after_earlier_answers) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") +
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.received(), "");
  later_[0].send(Response::text(200, "first"));
  EXPECT_EQ(summary(peer.received()), "200 first|100 |");
  peer.send("ok");
  EXPECT_EQ(summary(peer.received()), "200 ok|");
}

TEST_F(ConnectionTest, a_body_that_is_too_large_is_refused_before_100_continue) {
  start({.body_bytes_max = 1});
  TestPeer peer;
  connect(peer);
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(summary(peer.received()), "413 the body is too large\n|");
}

TEST_F(ConnectionTest, a_peer_that_has_sent_its_end_still_gets_its_answers) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/later") + "GET /half");
  peer.end();
  EXPECT_FALSE(peer.closed());
  EXPECT_FALSE(later_[0].gone());
  later_[0].send(Response::text(200, "still there"));
  EXPECT_EQ(summary(peer.received()), "200 still there|");
  EXPECT_TRUE(peer.closed());
}

TEST_F(ConnectionTest, a_peer_that_ends_between_requests_is_let_go) {
  TestPeer peer;
  connect(peer);
  peer.send(get("/now"));
  peer.end();
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(open(), 0);
}

TEST_F(ConnectionTest, a_stream_that_dies_while_it_is_written_to_takes_only_its_connection_along) {
  TestPeer peer;
  connect(peer);
  peer.set_room(5);
  peer.send(get("/now") + get("/later"));
  peer.vanish();
  EXPECT_TRUE(peer.closed());
  EXPECT_TRUE(later_[0].gone());
  EXPECT_EQ(server_->connections(), 0U);
}

}  // namespace
}  // namespace millrace::http
