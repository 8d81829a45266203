// Whatever a Decoder tells must not depend on how its bytes were cut.
#include <gtest/gtest.h>

#include "websocket/testing.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kHello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);  // RFC 7692, section 7.2.3.1

// Conversations that go through every state and end in every way.
std::vector<std::string> conversations() {
  const std::string greek = "\xCE\xBA\xE1\xBD\xB9\xF0\x90\x80\x80\xCE\xB5";
  return {
      text("Hello") + binary("") + ping("p") + pong("") + text("bye") +
          close("\x03\xE8"
                "done"),
      binary(std::string(130, 'b')) + text(std::string(126, 't')),
      text("a", false) + ping("1") + more("", false) + more("b", false) + pong("2") +
          more("c", true) + text("d"),
      text(greek) + text(greek.substr(0, 1), false) + more(greek.substr(1, 3), false) +
          more(greek.substr(4), true),
      compressed(kHello) + compressed(kHello.substr(0, 3), false) + ping("") +
          more(kHello.substr(3), true),
      compressed("\x07") + text("never"),
      text("a", false) + text("b"),
      text("a", false) + close("\x03\xE8\xFF"),
      text("ok") + text("\xCE\xBA\xF4\x90\x80\x80") + text("never"),
      text("\xCE", false) + more("", true),
      ping("x") + "\x83" + text("never"),
      binary("ok") + "\x82\xFE" + big_endian(100, 2) + std::string(kKey) + text("never"),
      binary("ok") + header({.opcode = Opcode::kBinary}, 1000) + text("never"),
      compressed("", false) + header({.opcode = Opcode::kContinuation}, 1000) + text("never"),
      binary("", false) + more("", false) + more("", false) + more("", false) + more("", true) +
          text("never"),
  };
}

constexpr Options kOptions{.message_bytes_max = 300, .message_fragments_max = 4, .deflate = true};

TEST(DecoderCuts, a_conversation_says_something) {
  for (const std::string& bytes : conversations()) EXPECT_FALSE(decode(bytes, kOptions).empty());
}

TEST(DecoderCuts, byte_at_a_time_tells_the_same) {
  for (const std::string& bytes : conversations())
    EXPECT_EQ(decode_bytewise(bytes, kOptions), decode(bytes, kOptions));
}

TEST(DecoderCuts, any_single_cut_tells_the_same) {
  for (const std::string& bytes : conversations()) {
    const Events expected = decode(bytes, kOptions);
    const std::string_view view = bytes;
    for (size_t cut = 0; cut <= bytes.size(); ++cut)
      EXPECT_EQ(decode_pieces({view.substr(0, cut), view.substr(cut)}, kOptions), expected) << cut;
  }
}

TEST(DecoderCuts, any_two_cuts_tell_the_same) {
  for (const std::string& bytes : conversations()) {
    const Events expected = decode(bytes, kOptions);
    const std::string_view view = bytes;
    for (size_t first = 0; first <= bytes.size(); ++first) {
      for (size_t second = first; second <= bytes.size(); ++second)
        ASSERT_EQ(decode_pieces({view.substr(0, first), view.substr(first, second - first),
                                 view.substr(second)},
                                kOptions),
                  expected)
            << first << " " << second;
    }
  }
}

TEST(DecoderCuts, what_was_told_of_a_beginning_is_the_beginning_of_what_is_told_of_all) {
  for (const std::string& bytes : conversations()) {
    const Events expected = decode(bytes, kOptions);
    for (size_t size = 0; size <= bytes.size(); ++size) {
      const Events whole = decode(std::string_view(bytes).substr(0, size), kOptions);
      ASSERT_LE(whole.size(), expected.size());
      EXPECT_TRUE(std::equal(whole.begin(), whole.end(), expected.begin()));
      EXPECT_EQ(decode_bytewise(std::string_view(bytes).substr(0, size), kOptions), whole);
    }
  }
}

TEST(DecoderCuts, a_large_message_in_pieces_of_any_size_arrives_as_it_was_sent) {
  std::string payload;
  for (size_t i = 0; payload.size() < 100'000; ++i) payload += i % 50 == 0 ? "\xE2\x82\xAC" : "abc";
  const Options options{.message_bytes_max = 200'000};
  const std::string bytes =
      text(payload.substr(0, 40'001), false) + more(payload.substr(40'001), true);
  for (size_t step : {7, 64, 1000, 1448, 65'536}) {
    std::vector<std::string_view> pieces;
    for (size_t at = 0; at < bytes.size(); at += step)
      pieces.push_back(std::string_view(bytes).substr(at, step));
    const Events events = decode_pieces(pieces, options);
    ASSERT_EQ(events.size(), 1U) << step;
    EXPECT_TRUE(events[0] == "text:" + payload) << step;
  }
}

}  // namespace
}  // namespace millrace::websocket
