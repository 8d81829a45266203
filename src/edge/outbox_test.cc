#include "edge/outbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace millrace::edge {
namespace {

base::SharedBytes frame(std::string_view text) {
  return base::SharedBytes::copy_of(text);
}

// A stream whose kernel takes `room` bytes more.
class NarrowStream final : public net::Stream {
 public:
  void set_handler(net::StreamHandler*) override {}
  net::IoResult read(std::span<char>) override { return {net::IoResult::Status::kWouldBlock, 0}; }
  net::IoResult write(std::span<const std::string_view> parts) override {
    if (broken) return {net::IoResult::Status::kError, 0};
    EXPECT_LE(parts.size(), kPartsMax);
    size_t taken = 0;
    for (const std::string_view part : parts) {
      const size_t now = std::min(part.size(), room - taken);
      received += part.substr(0, now);
      taken += now;
    }
    room -= taken;
    return {taken == 0 ? net::IoResult::Status::kWouldBlock : net::IoResult::Status::kDone, taken};
  }
  void pause_reading(bool) override {}
  void shutdown_write() override {}
  void reset() override {}
  std::string peer() const override { return "test"; }

  size_t room = SIZE_MAX;
  bool broken = false;
  std::string received;
};

TEST(Outbox, what_was_pushed_leaves_in_order_whatever_the_kernel_takes) {
  for (size_t step = 1; step < 20; ++step) {
    Outbox outbox;
    NarrowStream stream;
    std::string expected;
    for (int i = 0; i < 200; ++i) {
      const std::string text = "frame " + std::to_string(i) + ";";
      outbox.push(frame(text), 1);
      expected += text;
    }
    EXPECT_EQ(outbox.bytes(), expected.size());
    Outbox::Written written;
    do {
      stream.room = step;
      written = outbox.flush(stream);
      EXPECT_EQ(outbox.bytes(), expected.size() - stream.received.size());
    } while (written.flushed == Outbox::Flushed::kBlocked);
    EXPECT_EQ(stream.received, expected);
    EXPECT_TRUE(outbox.empty());
  }
}

TEST(Outbox, one_frame_that_the_kernel_takes_in_parts_is_remembered_to_the_byte) {
  Outbox outbox;
  NarrowStream stream;
  stream.room = 2;
  outbox.push(frame("abcd"), 1);
  EXPECT_EQ(outbox.flush(stream).flushed, Outbox::Flushed::kBlocked);
  outbox.push(frame("ef"), 1);
  EXPECT_EQ(outbox.bytes(), 4U);
  stream.room = SIZE_MAX;
  EXPECT_EQ(outbox.flush(stream).calls, 1U);
  EXPECT_EQ(stream.received, "abcdef");
}

TEST(Outbox, a_single_frame_refused_whole_stays_single) {
  Outbox outbox;
  NarrowStream stream;
  stream.room = 0;
  outbox.push(frame("abcd"), 1);
  EXPECT_EQ(outbox.flush(stream).flushed, Outbox::Flushed::kBlocked);
  EXPECT_EQ(outbox.bytes(), 4U);
  EXPECT_EQ(outbox.drop(), 1U);
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, dropping_keeps_only_a_frame_that_is_partly_sent) {
  Outbox outbox;
  NarrowStream stream;
  outbox.push(frame("abcd"), 2);
  outbox.push(frame("efgh"), 3);
  outbox.push(frame("ijkl"), 4);
  EXPECT_EQ(Outbox(std::move(outbox)).drop(), 9U);
  Outbox partly;
  partly.push(frame("abcd"), 2);
  partly.push(frame("efgh"), 3);
  stream.room = 1;
  partly.flush(stream);
  EXPECT_EQ(partly.drop(), 3U);
  partly.push(frame("!"), 0);
  stream.room = SIZE_MAX;
  partly.flush(stream);
  EXPECT_EQ(stream.received, "abcd!");
}

TEST(Outbox, what_a_client_asked_for_is_not_counted_among_its_publications) {
  Outbox outbox;
  NarrowStream stream;
  outbox.push(frame("reply"), 0);
  EXPECT_EQ(outbox.publication_bytes(), 0U);
  outbox.push(frame("abcd"), 1);
  outbox.push(frame("reply"), 0);
  outbox.push(frame("ef"), 2);
  EXPECT_EQ(outbox.publication_bytes(), 6U);
  stream.room = 6;
  outbox.flush(stream);
  EXPECT_EQ(outbox.publication_bytes(), 5U) << "one byte of the first publication has gone";
  stream.room = SIZE_MAX;
  outbox.flush(stream);
  EXPECT_EQ(outbox.publication_bytes(), 0U);
  outbox.push(frame("abcd"), 1);
  EXPECT_EQ(outbox.publication_bytes(), 4U);
}

TEST(Outbox, a_dead_stream_is_told) {
  Outbox outbox;
  NarrowStream stream;
  stream.broken = true;
  outbox.push(frame("x"), 1);
  EXPECT_EQ(outbox.flush(stream).flushed, Outbox::Flushed::kFailed);
}

}  // namespace
}  // namespace millrace::edge
