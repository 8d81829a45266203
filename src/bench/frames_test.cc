// The client's side of the codec, against the server's.
#include "bench/frames.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "websocket/websocket.h"

namespace millrace::bench {
namespace {

std::string server_frame(Opcode opcode, const std::string& payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload);
  return out;
}

class Heard final : public websocket::Receiver {
 public:
  bool on_message(Opcode opcode, std::string_view payload) override {
    messages.emplace_back(opcode, payload);
    return true;
  }
  bool on_ping(std::string_view payload) override { return on_message(Opcode::kPing, payload); }
  bool on_pong(std::string_view payload) override { return on_message(Opcode::kPong, payload); }
  void on_close(uint16_t, std::string_view reason) override { on_message(Opcode::kClose, reason); }
  void on_error(websocket::CloseCode, std::string_view reason) override { error = reason; }

  std::vector<std::pair<Opcode, std::string>> messages;
  std::string error;
};

TEST(Frames, every_size_that_a_server_writes_is_read) {
  for (const size_t size : {0UL, 1UL, 125UL, 126UL, 65'535UL, 65'536UL, 300'000UL}) {
    const std::string payload(size, 'a');
    const std::string bytes = server_frame(Opcode::kText, payload) + "next";
    Frame frame;
    ASSERT_EQ(read_frame(bytes, frame), FrameStatus::kWhole) << size;
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
      ASSERT_EQ(read_frame(std::string_view(bytes).substr(0, cut), frame), FrameStatus::kPartial)
          << size << " cut at " << cut;
    }
  }
}

TEST(Frames, what_no_server_may_send_is_broken) {
  Frame frame;
  EXPECT_EQ(read_frame(std::string_view("\xC1\x00", 2), frame), FrameStatus::kBroken);  // RSV1
  EXPECT_EQ(read_frame(std::string_view("\x83\x00", 2), frame), FrameStatus::kBroken);  // opcode 3
  EXPECT_EQ(read_frame(std::string_view("\x81\x80", 2), frame), FrameStatus::kBroken);  // masked
  const std::string huge("\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10);
  EXPECT_EQ(read_frame(huge, frame), FrameStatus::kBroken);
}

TEST(Frames, fragments_are_told_from_whole_messages) {
  Frame frame;
  ASSERT_EQ(read_frame(std::string_view("\x01\x02hi", 4), frame), FrameStatus::kWhole);
  EXPECT_FALSE(frame.fin);
  ASSERT_EQ(read_frame(std::string_view("\x80\x02hi", 4), frame), FrameStatus::kWhole);
  EXPECT_TRUE(frame.fin);
  EXPECT_EQ(frame.opcode, Opcode::kContinuation);
}

TEST(Frames, a_server_reads_what_is_written) {
  for (const size_t size : {0UL, 1UL, 7UL, 8UL, 9UL, 125UL, 126UL, 65'535UL, 65'536UL}) {
    std::string payload(size, ' ');
    for (size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 26);
    std::string bytes;
    append_masked(bytes, Opcode::kText, payload, 0xA1B2'C3D4);
    append_masked(bytes, Opcode::kPing, "p", 1);
    websocket::Decoder decoder;
    websocket::CoreScratch scratch;
    Heard heard;
    decoder.feed(bytes, {.message_bytes_max = 100'000}, scratch, heard);
    ASSERT_EQ(heard.error, "") << size;
    ASSERT_EQ(heard.messages.size(), 2U);
    EXPECT_EQ(heard.messages[0], std::pair(Opcode::kText, payload));
    EXPECT_EQ(heard.messages[1], std::pair(Opcode::kPing, std::string("p")));
  }
}

}  // namespace
}  // namespace millrace::bench
