#include "websocket/unmask.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "websocket/testing.h"

namespace millrace::websocket {
namespace {

uint32_t key_in_memory() {
  uint32_t key;
  std::memcpy(&key, testing::kKey.data(), sizeof(key));
  return key;
}

TEST(Unmask, every_size_and_alignment_is_xored_with_the_key_and_nothing_around_it_touched) {
  for (size_t size = 0; size < 700; ++size) {
    for (size_t alignment : {0, 1, 5}) {
      std::vector<char> bytes(size + alignment + 1, 'G');
      std::string payload;
      for (size_t i = 0; i < size; ++i) payload += static_cast<char>(i * 31 + size);
      const std::string masked = testing::masked(payload);
      std::copy(masked.begin(), masked.end(), bytes.begin() + static_cast<ptrdiff_t>(alignment));
      unmask(std::span(bytes).subspan(alignment, size), key_in_memory());
      ASSERT_EQ(std::string_view(bytes.data() + alignment, size), payload) << size;
      ASSERT_EQ(std::string_view(bytes.data(), alignment), std::string(alignment, 'G'));
      ASSERT_EQ(bytes.back(), 'G');
    }
  }
}

TEST(Unmask, a_payload_in_two_parts_needs_the_key_turned) {
  std::string payload;
  for (size_t i = 0; i < 300; ++i) payload += static_cast<char>(i * 31);
  for (size_t cut = 0; cut <= payload.size(); ++cut) {
    std::string bytes = testing::masked(payload);
    unmask(std::span(bytes).first(cut), key_in_memory());
    unmask(std::span(bytes).subspan(cut), key_at(key_in_memory(), cut));
    ASSERT_EQ(bytes, payload) << cut;
  }
}

TEST(Unmask, one_byte_past_ascii_is_seen_wherever_it_is) {
  for (size_t size = 1; size < 600; ++size) {
    std::string ascii = testing::masked(std::string(size, '\x7F'));
    ASSERT_TRUE(unmask(ascii, key_in_memory())) << size;
    for (size_t place = 0; place < size; ++place) {
      std::string payload(size, 'a');
      payload[place] = '\x80';
      std::string bytes = testing::masked(payload);
      ASSERT_FALSE(unmask(bytes, key_in_memory())) << size << " " << place;
    }
  }
}

}  // namespace
}  // namespace millrace::websocket
