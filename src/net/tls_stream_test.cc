// Once the handshake is done: the contract of a stream, kept whatever the socket does.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tls_fixture.h"

namespace millrace::net {
namespace {

using metrics::Counter;
using metrics::Gauge;
using Status = IoResult::Status;

TEST_F(TlsTest, bytes_go_both_ways) {
  establish();
  client_->write("hello");
  exchange_all();
  EXPECT_EQ(owner_.received, "hello");
  const std::array<std::string_view, 3> parts{"to", " ", "you"};
  EXPECT_EQ(owner_.stream->write(parts).bytes, 6U);
  exchange_all();
  EXPECT_EQ(client_->received, "to you");
  EXPECT_EQ(owner_.stream->peer(), "192.0.2.1:4711");
  EXPECT_EQ(count(Counter::kTlsAccepted), 1U);
  EXPECT_EQ(count(Counter::kTlsVersion13), 1U);
  EXPECT_EQ(metrics_.value(Gauge::kTlsConnections), 1);
  owner_.stream.reset();
  EXPECT_EQ(metrics_.value(Gauge::kTlsConnections), 0);
}

TEST_F(TlsTest, a_narrow_socket_carries_everything_in_order) {
  for (const size_t part_bytes : {1UL, 100UL, 5'000UL, 1'000'000UL}) {
    establish();
    client_->received.clear();
    std::string all;
    for (size_t i = 0; all.size() < 150'000; ++i) all += std::to_string(i) + ' ';
    std::string output = all;
    size_t steps = 0;
    wire_->room = 0;
    while (client_->received.size() < all.size()) {
      ASSERT_LT(++steps, 10'000U);
      const int before = owner_.writable_calls;
      if (!owner_.push(output, part_bytes)) {
        wire_->room = 1 + steps % 7'000;
        while (owner_.writable_calls == before && wire_->room > 0 && wire_->wants_write) deliver();
      } else {
        wire_->room = 10'000;
      }
      exchange_all();
    }
    EXPECT_EQ(client_->received, all);
    owner_.stream.reset();
  }
}

TEST_F(TlsTest, what_was_taken_leaves_even_if_something_else_is_offered_next) {
  establish();
  wire_->room = 10;
  const std::string_view first = "first ";
  EXPECT_EQ(owner_.stream->write({&first, 1}).bytes, first.size());
  const std::string_view dropped = "never sent";
  EXPECT_EQ(owner_.stream->write({&dropped, 1}).status, Status::kWouldBlock);
  wire_->room = SIZE_MAX;
  deliver();
  EXPECT_EQ(owner_.writable_calls, 1);
  const std::string_view second = "second";
  EXPECT_EQ(owner_.stream->write({&second, 1}).bytes, second.size());
  exchange_all();
  EXPECT_EQ(client_->received, "first second");
}

TEST_F(TlsTest, more_parts_than_fit_are_asked_for_again) {
  establish();
  const std::vector<std::string_view> parts(Stream::kPartsMax + 1, "x");
  EXPECT_EQ(owner_.stream->write(parts).bytes, Stream::kPartsMax);
  exchange_all();
  EXPECT_EQ(owner_.writable_calls, 1);
}

TEST_F(TlsTest, a_small_buffer_gets_all_of_a_large_message) {
  owner_.bytes_per_read = 1'000;
  establish();
  const std::string message(50'000, 'm');
  client_->write(message);
  exchange_all();
  for (int turns = 0; turns < 100 && owner_.received.size() < message.size(); ++turns) deliver();
  EXPECT_EQ(owner_.received, message);
}

TEST_F(TlsTest, bytes_that_were_read_ahead_wait_while_reading_is_paused) {
  owner_.bytes_per_read = 10;
  establish();
  client_->write("0123456789abcdefghij");
  wire_->inbound += client_->output();
  wire_->handler->on_readable();
  EXPECT_EQ(owner_.received, "0123456789");
  owner_.stream->pause_reading(true);
  EXPECT_TRUE(wire_->paused);
  deliver();
  EXPECT_EQ(owner_.received, "0123456789");
  owner_.stream->pause_reading(false);
  EXPECT_FALSE(wire_->paused);
  deliver();
  EXPECT_EQ(owner_.received, "0123456789abcdefghij");
}

TEST_F(TlsTest, a_message_costs_one_read_of_the_socket) {
  establish();
  const size_t before = wire_->reads;
  client_->write("hello");
  wire_->inbound += client_->output();
  deliver();
  EXPECT_EQ(owner_.received, "hello");
  EXPECT_EQ(wire_->reads - before, 1U);
}

TEST_F(TlsTest, a_stream_may_be_destroyed_by_what_it_tells) {
  owner_.destroy_when_read = true;
  owner_.bytes_per_read = 3;
  establish();
  client_->write("hello");
  wire_->inbound += client_->output();
  deliver();
  EXPECT_EQ(owner_.stream, nullptr);
  EXPECT_EQ(owner_.received, "hel");
  EXPECT_TRUE(wire_->closed);
}

TEST_F(TlsTest, a_goodbye_of_the_peer_is_the_end_and_writing_goes_on) {
  establish();
  client_->write("last words");
  client_->shut_down();
  wire_->inbound += client_->output();
  wire_->ended = true;
  deliver();
  EXPECT_EQ(owner_.received, "last words");
  EXPECT_TRUE(owner_.ended);
  EXPECT_FALSE(owner_.failed);
  const int calls = owner_.readable_calls;
  deliver();
  EXPECT_EQ(owner_.readable_calls, calls);  // its FIN is no news
  const std::string_view answer = "answer";
  EXPECT_EQ(owner_.stream->write({&answer, 1}).bytes, answer.size());
  owner_.stream->pause_reading(true);
  owner_.stream->pause_reading(false);
  EXPECT_TRUE(wire_->paused);
  client_->input(std::exchange(wire_->outbound, {}));
  client_->go_on();
  EXPECT_EQ(client_->received, "answer");
}

TEST_F(TlsTest, an_end_without_a_goodbye_is_an_error) {
  establish();
  client_->write("cut off");
  wire_->inbound += client_->output();
  wire_->ended = true;
  deliver();
  EXPECT_EQ(owner_.received, "cut off");
  EXPECT_TRUE(owner_.failed);
  EXPECT_FALSE(owner_.ended);
}

TEST_F(TlsTest, a_record_that_was_tampered_with_is_an_error) {
  establish();
  client_->write("hello");
  std::string bytes = client_->output();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  wire_->inbound += bytes;
  deliver();
  EXPECT_EQ(owner_.received, "");
  EXPECT_TRUE(owner_.failed);
  const std::string_view more = "more";
  EXPECT_EQ(owner_.stream->write({&more, 1}).status, Status::kError);
}

TEST_F(TlsTest, shutting_down_says_goodbye_and_reading_goes_on) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    establish({.version_max = version});
    owner_.received.clear();
    const std::string_view bye = "bye";
    owner_.stream->write({&bye, 1});
    owner_.stream->shutdown_write();
    EXPECT_TRUE(wire_->fin_sent);
    client_->input(std::exchange(wire_->outbound, {}));
    client_->write("still here");
    client_->go_on();
    EXPECT_TRUE(client_->ended);
    exchange_all();
    EXPECT_EQ(owner_.received, "still here");
  }
}

TEST_F(TlsTest, the_end_comes_behind_what_waits) {
  establish();
  wire_->room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream->shutdown_write();
  EXPECT_FALSE(wire_->fin_sent);
  wire_->room = SIZE_MAX;
  deliver();
  EXPECT_TRUE(wire_->fin_sent);
  exchange_all();
  EXPECT_EQ(client_->received, "bye");
  EXPECT_TRUE(client_->ended);
}

TEST_F(TlsTest, what_a_destroyed_stream_has_taken_still_leaves) {
  establish();
  wire_->room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream.reset();
  EXPECT_FALSE(wire_->closed);
  EXPECT_EQ(core_->leavers.size(), 1U);
  wire_->room = SIZE_MAX;
  deliver();
  EXPECT_TRUE(wire_->closed);
  EXPECT_TRUE(core_->leavers.empty());
  client_->input(wire_->outbound);
  client_->go_on();
  EXPECT_EQ(client_->received, "bye");
  EXPECT_TRUE(client_->ended);
}

TEST_F(TlsTest, a_peer_that_does_not_take_the_last_bytes_is_cut_off) {
  establish();
  wire_->room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream.reset();
  wheel_.advance(base::MonotonicTime{} + TlsServer::kLeaveTime + 2 * TimerWheel::kTick);
  EXPECT_TRUE(wire_->closed);
  EXPECT_TRUE(wire_->reset);
  EXPECT_TRUE(core_->leavers.empty());
}

TEST_F(TlsTest, a_reset_stream_leaves_nothing_behind) {
  establish();
  wire_->room = 5;
  const std::string_view bye = "bye";
  owner_.stream->write({&bye, 1});
  owner_.stream->reset();
  owner_.stream.reset();
  EXPECT_TRUE(wire_->closed);
  EXPECT_TRUE(wire_->reset);
}

TEST_F(TlsTest, a_dead_socket_is_told_by_the_read) {
  establish();
  owner_.stream->pause_reading(true);
  wire_->broken = true;
  wire_->handler->on_readable();
  EXPECT_TRUE(owner_.failed);
}

TEST_F(TlsTest, who_asks_for_new_keys_and_does_not_read_is_cut_off) {
  establish();
  wire_->room = 0;
  for (int asks = 0; asks < 10'000 && !owner_.failed; ++asks) {
    client_->ask_for_new_keys();
    wire_->inbound += client_->output();
    deliver();
  }
  EXPECT_TRUE(owner_.failed);
}

}  // namespace
}  // namespace millrace::net
