// What a server writes, read by a client.
#include "bench/frames.h"

#include <gtest/gtest.h>

#include <string>

#include "websocket/websocket.h"

namespace millrace::bench {
namespace {

std::string server_frame(Opcode opcode, const std::string& payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload);
  return out;
}

TEST(Frames, every_size_that_a_server_writes_is_read) {
  for (const size_t size : {0UL, 1UL, 125UL, 126UL, 65'535UL, 65'536UL, 300'000UL}) {
    const std::string payload(size, 'a');
    const std::string bytes = server_frame(Opcode::kText, payload) + "next";
    Frame frame;
    ASSERT_EQ(read_frame(bytes, false, frame), FrameStatus::kWhole) << size;
    EXPECT_EQ(frame.payload, payload);
    EXPECT_EQ(frame.opcode, Opcode::kText);
    EXPECT_TRUE(frame.fin);
    EXPECT_EQ(bytes.substr(frame.bytes), "next");
  }
}

TEST(Frames, a_frame_that_is_cut_anywhere_is_partial) {
  for (const size_t size : {0UL, 5UL, 126UL, 70'000UL}) {
    const std::string bytes = server_frame(Opcode::kBinary, std::string(size, 'b'));
    Frame frame;
    for (size_t cut = 0; cut < bytes.size(); cut += cut < 20 ? 1 : 997) {
      ASSERT_EQ(read_frame(std::string_view(bytes).substr(0, cut), false, frame),
                FrameStatus::kPartial)
          << size << " cut at " << cut;
    }
  }
}

TEST(Frames, what_no_server_may_send_is_broken) {
  Frame frame;
  // RSV1
  EXPECT_EQ(read_frame(std::string_view("\xC1\x00", 2), false, frame), FrameStatus::kBroken);
  // opcode 3
  EXPECT_EQ(read_frame(std::string_view("\x83\x00", 2), false, frame), FrameStatus::kBroken);
  // masked
  EXPECT_EQ(read_frame(std::string_view("\x81\x80", 2), false, frame), FrameStatus::kBroken);
  const std::string huge("\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10);
  EXPECT_EQ(read_frame(huge, false, frame), FrameStatus::kBroken);
}

TEST(Frames, fragments_are_told_from_whole_messages) {
  Frame frame;
  ASSERT_EQ(read_frame(std::string_view("\x01\x02hi", 4), false, frame), FrameStatus::kWhole);
  EXPECT_FALSE(frame.fin);
  ASSERT_EQ(read_frame(std::string_view("\x80\x02hi", 4), false, frame), FrameStatus::kWhole);
  EXPECT_TRUE(frame.fin);
  EXPECT_EQ(frame.opcode, Opcode::kContinuation);
}

TEST(Frames, compressed_messages_are_told_where_that_was_negotiated) {
  Frame frame;
  ASSERT_EQ(read_frame(std::string_view("\xC1\x02hi", 4), true, frame), FrameStatus::kWhole);
  EXPECT_TRUE(frame.compressed);
  ASSERT_EQ(read_frame(std::string_view("\x81\x02hi", 4), true, frame), FrameStatus::kWhole);
  EXPECT_FALSE(frame.compressed);
  // A continuation and a ping.
  EXPECT_EQ(read_frame(std::string_view("\xC0\x00", 2), true, frame), FrameStatus::kBroken);
  EXPECT_EQ(read_frame(std::string_view("\xC9\x00", 2), true, frame), FrameStatus::kBroken);
}

}  // namespace
}  // namespace millrace::bench
