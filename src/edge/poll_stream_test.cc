#include "edge/poll_stream.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

namespace millrace::edge {
namespace {

using namespace std::chrono_literals;
using Status = net::IoResult::Status;

// A connection that writes what it has whenever it may, and reads when it is told to.
class PollStreamTest : public testing::Test, private net::StreamHandler {
 protected:
  PollStreamTest()
      : wheel_(base::MonotonicTime{0}),
        stream_(std::in_place, wheel_, metrics_,
                PollStream::Options{.hold = 25s, .poll_timeout = 15s, .content_type = "text/x"},
                "192.0.2.1:4711") {
    stream_->set_handler(this);
  }

  void write(std::string_view bytes) {
    pending_ += bytes;
    on_writable();
  }
  // Polls; its answer comes to the end of answers_.
  size_t poll(uint64_t ack) {
    const size_t index = answers_.size();
    answers_.emplace_back();
    stream_->poll(ack,
                  [this, index](SessionAnswer answer) { answers_[index] = std::move(answer); });
    return index;
  }
  void expect_answer(size_t index, int status, std::string_view body = {}) {
    ASSERT_TRUE(answers_[index]);
    EXPECT_EQ(answers_[index]->status, status);
    EXPECT_EQ(answers_[index]->body, body);
  }
  void pass(base::Duration time) {
    now_ = now_ + time;
    wheel_.advance(now_);
  }

  void on_readable() override {
    std::array<char, 16> into;
    read_ = stream_->read(into).status;
  }
  void on_writable() override {
    if (pending_.empty()) return;
    const std::string_view part = pending_;
    if (stream_->write({&part, 1}).status == Status::kDone) pending_.clear();
  }

  base::MonotonicTime now_{0};
  net::TimerWheel wheel_;
  metrics::Core metrics_;
  std::optional<PollStream> stream_;
  std::string pending_;
  std::vector<std::optional<SessionAnswer>> answers_;
  std::optional<Status> read_;
};

TEST_F(PollStreamTest, a_poll_is_held_until_there_is_something) {
  const size_t first = poll(0);
  EXPECT_FALSE(answers_[first]);
  write("hello");
  expect_answer(first, 200, "hello");
  EXPECT_EQ(answers_[first]->content_type, "text/x");
}

TEST_F(PollStreamTest, what_comes_between_polls_leaves_with_the_next) {
  write("one");
  write("two");
  expect_answer(poll(0), 200, "onetwo");
}

TEST_F(PollStreamTest, a_response_ends_between_messages_once_it_is_large) {
  const std::string large(600'000, 'a');
  const std::string huge(3'000'000, 'b');
  const std::array<std::string_view, 4> parts{large, "small", huge, "last"};
  const size_t first = poll(0);
  net::IoResult written = stream_->write(parts);
  EXPECT_EQ(written.bytes, large.size() + 5);
  expect_answer(first, 200, large + "small");
  const size_t second = poll(1);
  written = stream_->write(std::span(parts).subspan(2));
  EXPECT_EQ(written.bytes, huge.size()) << "one that is larger comes alone";
  expect_answer(second, 200, huge);
}

TEST_F(PollStreamTest, a_response_that_was_lost_is_sent_again_byte_for_byte) {
  write("one");
  expect_answer(poll(0), 200, "one");
  write("two");
  expect_answer(poll(0), 200, "one");
  expect_answer(poll(0), 200, "one");
  expect_answer(poll(1), 200, "two");
}

TEST_F(PollStreamTest, a_response_that_was_acknowledged_is_never_sent_again) {
  write("one");
  poll(0);
  write("two");
  poll(1);
  expect_answer(poll(0), 400);
  expect_answer(poll(3), 400);
  expect_answer(poll(UINT64_MAX), 400);
}

TEST_F(PollStreamTest, a_newer_poll_takes_the_place_of_the_one_that_is_held) {
  const size_t older = poll(0);
  const size_t newer = poll(0);
  expect_answer(older, 204);
  write("hello");
  expect_answer(newer, 200, "hello");
}

TEST_F(PollStreamTest, a_poll_with_nothing_to_bring_is_answered_in_time_and_does_not_count) {
  const size_t first = poll(0);
  pass(24s);
  EXPECT_FALSE(answers_[first]);
  pass(2s);
  expect_answer(first, 204);
  write("hello");
  expect_answer(poll(0), 200, "hello");
}

TEST_F(PollStreamTest, a_client_that_does_not_poll_is_gone) {
  write("one");
  poll(0);
  pass(14s);
  EXPECT_FALSE(read_);
  pass(2s);
  EXPECT_EQ(read_, Status::kError);
  expect_answer(poll(1), 404);
}

TEST_F(PollStreamTest, a_client_that_hangs_up_has_the_time_of_one_that_does_not_poll) {
  write("one");
  poll(0);
  const size_t held = poll(1);
  stream_->let_go(0);
  EXPECT_FALSE(answers_[held]);
  stream_->let_go(1);
  expect_answer(held, 204);
  pass(16s);
  EXPECT_EQ(read_, Status::kError);
}

TEST_F(PollStreamTest, the_end_comes_when_the_last_response_was_acknowledged) {
  write("bye");
  poll(0);
  stream_->shutdown_write();
  expect_answer(poll(0), 200, "bye");
  EXPECT_FALSE(read_);
  expect_answer(poll(1), 404);
  EXPECT_EQ(read_, Status::kEnd);
}

TEST_F(PollStreamTest, what_is_kept_is_counted) {
  const auto kept = [this] {
    return metrics_.value(metrics::TransportGauge::kKeptBytes, metrics::Transport::kLongPoll);
  };
  write("hello");
  EXPECT_EQ(kept(), 0);
  poll(0);
  EXPECT_EQ(kept(), 5);
  poll(0);
  EXPECT_EQ(kept(), 5);
  poll(1);
  EXPECT_EQ(kept(), 0);
  write("one");
  EXPECT_EQ(kept(), 3);
  stream_.reset();
  EXPECT_EQ(kept(), 0);
}

TEST_F(PollStreamTest, a_held_poll_is_answered_when_the_connection_goes) {
  const size_t first = poll(0);
  stream_.reset();
  expect_answer(first, 404);
}

}  // namespace
}  // namespace millrace::edge
