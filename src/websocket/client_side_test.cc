#include <gtest/gtest.h>

#include <cstring>

#include "websocket/testing.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

using testing::big_endian;
using testing::kKey;
using testing::masked;

uint32_t key() {
  uint32_t key;
  std::memcpy(&key, kKey.data(), sizeof(key));
  return key;
}

TEST(ClientSide, frames_are_those_of_the_rfc) {
  std::string bytes = "before";
  append_client_frame(bytes, {.key = key()}, "Hello");  // section 5.7
  EXPECT_EQ(bytes, "before\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(ClientSide, every_length_is_in_its_shortest_form) {
  const std::string mask(kKey);
  for (const size_t size : {0UL, 1UL, 125UL, 126UL, 65'535UL, 65'536UL, 100'003UL}) {
    std::string payload(size, ' ');
    for (size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i);
    std::string length(1, static_cast<char>(0x80 | size));
    if (size > 125) length = "\xFE" + big_endian(size, 2);
    if (size > 0xFFFF) length = "\xFF" + big_endian(size, 8);
    std::string bytes;
    append_client_frame(bytes, {.opcode = Opcode::kBinary, .key = key()}, payload);
    EXPECT_EQ(bytes, "\x82" + length + mask + masked(payload)) << size;
  }
}

TEST(ClientSide, fragments_and_compressed_frames_are_marked) {
  std::string bytes;
  append_client_header(bytes, {.fin = false, .compressed = true}, 7);
  EXPECT_EQ(bytes, std::string_view("\x41\x87\0\0\0\0", 6));
}

TEST(ClientSide, what_a_server_compresses_is_inflated) {
  CoreScratch scratch;
  const std::string text(5000, 'a');
  std::string frame;
  ASSERT_TRUE(append_deflated(frame, Opcode::kText, text, 1));
  ASSERT_LT(frame.size(), 126U);
  const std::string_view payload = std::string_view(frame).substr(2);
  const auto inflated = inflate_message(scratch, payload, 5000);
  ASSERT_TRUE(inflated) << inflated.error().message;
  EXPECT_EQ(*inflated, text);
  EXPECT_FALSE(inflate_message(scratch, payload, 4999));
  EXPECT_FALSE(inflate_message(scratch, "no deflate stream", 5000));
}

}  // namespace
}  // namespace millrace::websocket
