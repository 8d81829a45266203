#include <gtest/gtest.h>

#include "websocket/testing.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

std::string encoded(Opcode opcode, size_t payload_bytes, bool compressed = false) {
  char header[kHeaderBytesMax];
  return {header, encode_header(opcode, payload_bytes, header, compressed)};
}

TEST(Writer, lengths_are_in_their_shortest_form) {
  using testing::big_endian;
  EXPECT_EQ(encoded(Opcode::kText, 0), std::string_view("\x81\x00", 2));
  EXPECT_EQ(encoded(Opcode::kBinary, 125), "\x82\x7D");
  EXPECT_EQ(encoded(Opcode::kBinary, 126), "\x82\x7E" + big_endian(126, 2));
  EXPECT_EQ(encoded(Opcode::kBinary, 65'535), "\x82\x7E" + big_endian(65'535, 2));
  EXPECT_EQ(encoded(Opcode::kBinary, 65'536), "\x82\x7F" + big_endian(65'536, 8));
  EXPECT_EQ(encoded(Opcode::kBinary, size_t{1} << 40),
            "\x82\x7F" + big_endian(uint64_t{1} << 40, 8));
}

TEST(Writer, compressed_frames_carry_rsv1) {
  EXPECT_EQ(encoded(Opcode::kText, 7, true), "\xC1\x07");
}

TEST(Writer, frames_are_appended) {
  std::string bytes = "before";
  append_frame(bytes, Opcode::kPing, "hi");
  append_frame(bytes, Opcode::kPong, "");
  EXPECT_EQ(bytes, std::string_view("before\x89\x02hi\x8A\x00", 12));
}

}  // namespace
}  // namespace millrace::websocket
