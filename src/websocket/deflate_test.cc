// permessage-deflate (RFC 7692): what a Decoder inflates, and what append_deflated() makes.
#include <gtest/gtest.h>
#include <zlib.h>

#include "websocket/frame_header.h"
#include "websocket/inflater.h"
#include "websocket/testing.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr Options kDeflate{.deflate = true};
const Events kCorrupt = {"error:1007"};

std::string bytes_of(std::initializer_list<int> values) {
  std::string result;
  for (int value : values) result += static_cast<char>(value);
  return result;
}

// Raw DEFLATE, flushed as `flush` says, with nothing taken off.
std::string raw_deflate(std::string_view payload, int flush, int level = 6,
                        int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy), Z_OK);
  std::string out(payload.size() * 2 + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, flush);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string without_tail(std::string deflated) {
  EXPECT_TRUE(deflated.ends_with(std::string_view("\x00\x00\xFF\xFF", 4)));
  deflated.resize(deflated.size() - 4);
  return deflated;
}

std::string noise(size_t size) {
  std::mt19937 random(7);
  std::string result;
  while (result.size() < size) result += static_cast<char>(random());
  return result;
}

// ---- The examples of RFC 7692, section 7.2.3 ----

const std::string kHelloBlock = bytes_of({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});

TEST(Inflate, one_block) {
  EXPECT_EQ(decode(compressed(kHelloBlock), kDeflate), Events{"text:Hello"});
}

TEST(Inflate, one_message_in_fragments_has_rsv1_on_the_first_only) {
  EXPECT_EQ(decode(compressed(kHelloBlock.substr(0, 3), false) + ping("") +
                       more(kHelloBlock.substr(3), true),
                   kDeflate),
            (Events{"ping:", "text:Hello"}));
  EXPECT_EQ(
      decode(compressed(kHelloBlock.substr(0, 3), false) +
                 frame({.opcode = Opcode::kContinuation, .rsv1 = true}, kHelloBlock.substr(3)),
             kDeflate),
      Events{"error:1002"});
}

TEST(Inflate, a_stored_block) {
  EXPECT_EQ(
      decode(
          compressed(bytes_of({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})),
          kDeflate),
      Events{"text:Hello"});
}

TEST(Inflate, a_final_block) {
  EXPECT_EQ(
      decode(compressed(bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})), kDeflate),
      Events{"text:Hello"});
}

TEST(Inflate, two_blocks) {
  EXPECT_EQ(decode(compressed(bytes_of({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9,
                                        0xc9, 0x07, 0x00})),
                   kDeflate),
            Events{"text:Hello"});
}

TEST(Inflate, no_context_is_kept_between_messages) {
  // The second "Hello" of section 7.2.3.2, which refers to the first.
  EXPECT_EQ(decode(compressed(kHelloBlock) + compressed(bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00})),
                   kDeflate),
            (Events{"text:Hello", "error:1007"}));
}

// ---- Other shapes of stream ----

TEST(Inflate, an_empty_message) {
  EXPECT_EQ(decode(compressed(bytes_of({0x00})), kDeflate), Events{"text:"});
  EXPECT_EQ(decode(compressed(bytes_of({0x02, 0x00})), kDeflate), Events{"text:"});
  EXPECT_EQ(decode(compressed(""), kDeflate), Events{"text:"});
}

TEST(Inflate, blocks_may_follow_a_final_one_and_refer_back_beyond_it) {
  const std::string final_hello = bytes_of({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  EXPECT_EQ(decode(compressed(final_hello + final_hello + kHelloBlock), kDeflate),
            Events{"text:HelloHelloHello"});
  EXPECT_EQ(decode(compressed(final_hello + bytes_of({0xf2, 0x00, 0x11, 0x00, 0x00})), kDeflate),
            Events{"text:HelloHello"});
}

TEST(Inflate, a_message_may_end_with_a_final_block) {
  EXPECT_EQ(decode(compressed(raw_deflate("Hello", Z_FINISH)), kDeflate), Events{"text:Hello"});
}

TEST(Inflate, every_kind_of_block_and_window) {
  std::string payload;
  for (int i = 0; i < 5000; ++i) payload += "line " + std::to_string(i * 7919) + "\n";
  const Options options{.message_bytes_max = payload.size(), .deflate = true};
  for (int level : {0, 1, 6, 9}) {
    for (int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED, Z_RLE}) {
      const std::string deflated =
          without_tail(raw_deflate(payload, Z_SYNC_FLUSH, level, strategy));
      const Events events = decode(compressed(deflated), options);
      ASSERT_EQ(events.size(), 1U);
      EXPECT_TRUE(events[0] == "text:" + payload)
          << level << " " << strategy << events[0].substr(0, 20);
    }
  }
}

TEST(Inflate, uncompressed_messages_stay_allowed) {
  EXPECT_EQ(decode(text("plain") + compressed(kHelloBlock) + text("plain"), kDeflate),
            (Events{"text:plain", "text:Hello", "text:plain"}));
}

// ---- What is wrong ----

TEST(Inflate, a_corrupt_stream_is_invalid_payload) {
  EXPECT_EQ(decode(compressed(bytes_of({0x07})), kDeflate), kCorrupt);  // block type 3
  EXPECT_EQ(decode(compressed(bytes_of({0x00, 0x05, 0x00, 0x00, 0x00, 0x48})), kDeflate),
            kCorrupt);  // LEN and NLEN
  EXPECT_EQ(decode(compressed(bytes_of({0xff, 0xff, 0xff})), kDeflate), kCorrupt);
  EXPECT_EQ(decode(compressed(noise(50)), kDeflate), kCorrupt);
}

TEST(Inflate, a_truncated_stream_is_invalid_payload) {
  const std::string deflated =
      without_tail(raw_deflate("some text that is long enough to be cut", Z_SYNC_FLUSH));
  for (size_t size = 1; size < deflated.size(); ++size)
    EXPECT_EQ(decode(compressed(deflated.substr(0, size)), kDeflate), kCorrupt) << size;
}

TEST(Inflate, text_is_checked_after_inflating) {
  EXPECT_EQ(decode(compressed(without_tail(raw_deflate("\xCE\xBA ok", Z_SYNC_FLUSH))), kDeflate),
            Events{"text:\xCE\xBA ok"});
  EXPECT_EQ(decode(compressed(without_tail(raw_deflate("bad \xCE", Z_SYNC_FLUSH))), kDeflate),
            kCorrupt);
}

// ---- Limits ----

TEST(Inflate, the_limit_counts_inflated_bytes) {
  for (size_t size : {1, 100, 1000, 16'384, 40'000, 65'536}) {
    const std::string payload(size, 'x');
    const std::string bytes = compressed(without_tail(raw_deflate(payload, Z_SYNC_FLUSH)));
    EXPECT_EQ(decode(bytes, {.message_bytes_max = size, .deflate = true}),
              Events{"text:" + payload})
        << size;
    EXPECT_EQ(decode(bytes, {.message_bytes_max = size + 1, .deflate = true}),
              Events{"text:" + payload})
        << size;
    EXPECT_EQ(decode(bytes, {.message_bytes_max = size - 1, .deflate = true}), Events{"error:1009"})
        << size;
  }
}

TEST(Inflate, a_bomb_is_stopped_at_the_limit) {
  const std::string bomb = without_tail(raw_deflate(std::string(32 << 20, '\0'), Z_SYNC_FLUSH, 9));
  ASSERT_LT(bomb.size(), 40'000U);
  EXPECT_EQ(decode(compressed(bomb), {.message_bytes_max = 65'536, .deflate = true}),
            Events{"error:1009"});
}

TEST(Inflate, a_bomb_is_stopped_before_what_is_broken_behind_it) {
  std::string bomb =
      without_tail(raw_deflate(std::string(100'000, '\0'), Z_SYNC_FLUSH, 9)) + "\x07";
  EXPECT_EQ(decode(compressed(bomb), {.message_bytes_max = 65'536, .deflate = true}),
            Events{"error:1009"});
}

TEST(Inflate, noise_of_just_the_limit_passes_though_its_compressed_form_is_longer) {
  const std::string payload = noise(60'000);
  const std::string deflated = without_tail(raw_deflate(payload, Z_SYNC_FLUSH, 1, Z_FIXED));
  ASSERT_GT(deflated.size(), payload.size());
  const Events events = decode(frame({.opcode = Opcode::kBinary, .rsv1 = true}, deflated),
                               {.message_bytes_max = payload.size(), .deflate = true});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0] == "binary:" + payload);
}

TEST(Inflate, a_compressed_form_far_over_the_limit_is_told_from_its_header) {
  const Options options{.message_bytes_max = 1000, .deflate = true};
  EXPECT_EQ(decode(header({.rsv1 = true}, compressed_bytes_max(1000)), options), Events{});
  EXPECT_EQ(decode(header({.rsv1 = true}, compressed_bytes_max(1000) + 1), options),
            Events{"error:1009"});
}

TEST(Inflate, the_shared_inflater_recovers_from_a_peers_corrupt_stream) {
  Inflater inflater;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(inflater.inflate(bytes_of({0x07}), 100).has_value());
    EXPECT_FALSE(inflater.inflate(std::string_view(kHelloBlock).substr(0, 4), 100).has_value());
    EXPECT_FALSE(inflater.inflate(kHelloBlock, 4).has_value());
    EXPECT_EQ(inflater.inflate(kHelloBlock, 5).value(), "Hello");
    EXPECT_EQ(inflater.inflate(raw_deflate("Hello", Z_FINISH), 5).value(), "Hello");
  }
}

// ---- Writing ----

// What a client that follows the handshake reads.
std::string read_back(std::string_view bytes, int window_bits) {
  EXPECT_EQ(bytes[0] & 0x70, 0x40);
  const size_t length = static_cast<uint8_t>(bytes[1]);
  std::string deflated(bytes.substr(length < 126 ? 2 : length == 126 ? 4 : 10));
  deflated += bytes_of({0x00, 0x00, 0xff, 0xff});
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -window_bits), Z_OK);
  std::string result;
  stream.next_in = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_in = static_cast<uInt>(deflated.size());
  int status = Z_OK;
  // In small steps: zlib looks back into its output buffer beyond the window, which a client need
  // not have.
  while (status == Z_OK) {
    char piece[64];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof(piece);
    status = inflate(&stream, Z_SYNC_FLUSH);
    result.append(piece, sizeof(piece) - stream.avail_out);
  }
  EXPECT_EQ(status, Z_BUF_ERROR) << (stream.msg ? stream.msg : "");
  inflateEnd(&stream);
  return result;
}

TEST(Deflate, a_message_comes_back_at_every_level_and_window) {
  std::string payload;
  for (int i = 0; payload.size() < 70'000; ++i)
    payload += "{\"id\":" + std::to_string(i * 7919 % 1000) + "},";
  for (size_t size : {100, 1000, 70'000}) {
    const std::string_view message = std::string_view(payload).substr(0, size);
    for (int level : {1, 6, 9}) {
      for (int window_bits = 9; window_bits <= 15; ++window_bits) {
        std::string out;
        ASSERT_TRUE(append_deflated(out, Opcode::kText, message, level, window_bits).has_value());
        ASSERT_LT(out.size(), size);
        ASSERT_TRUE(read_back(out, window_bits) == message)
            << size << " " << level << " " << window_bits;
      }
    }
  }
}

TEST(Deflate, appends_behind_what_is_there) {
  std::string out = "before";
  ASSERT_TRUE(append_deflated(out, Opcode::kBinary, std::string(200, 'x'), 6).has_value());
  EXPECT_TRUE(out.starts_with("before\xC2"));
  EXPECT_EQ(read_back(std::string_view(out).substr(6), 15), std::string(200, 'x'));
}

TEST(Deflate, what_does_not_get_shorter_is_sent_as_it_is) {
  for (const std::string& payload :
       {std::string(), std::string("a"), std::string("Hello"), noise(1000), noise(70'000)}) {
    std::string expected = "before";
    append_frame(expected, Opcode::kBinary, payload);
    std::string out = "before";
    ASSERT_TRUE(append_deflated(out, Opcode::kBinary, payload, 9).has_value());
    EXPECT_TRUE(out == expected) << payload.size();
  }
}

TEST(Deflate, a_higher_level_compresses_better) {
  std::string payload;
  for (int i = 0; i < 2000; ++i) payload += "line " + std::to_string(i * 7919 % 10'007) + "\n";
  std::string fast;
  ASSERT_TRUE(append_deflated(fast, Opcode::kText, payload, 1).has_value());
  std::string best;
  ASSERT_TRUE(append_deflated(best, Opcode::kText, payload, 9).has_value());
  EXPECT_LT(best.size(), fast.size());
}

TEST(Deflate, messages_do_not_depend_on_those_before) {
  std::string first;
  ASSERT_TRUE(append_deflated(first, Opcode::kText, std::string(300, 'y'), 6).has_value());
  std::string other;
  ASSERT_TRUE(append_deflated(other, Opcode::kText, noise(5000), 6).has_value());
  ASSERT_TRUE(append_deflated(other, Opcode::kText, "another level", 1).has_value());
  std::string again;
  ASSERT_TRUE(append_deflated(again, Opcode::kText, std::string(300, 'y'), 6).has_value());
  EXPECT_EQ(again, first);
}

}  // namespace
}  // namespace millrace::websocket
