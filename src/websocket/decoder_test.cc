// Each rule of RFC 6455 that a Decoder keeps. decoder_cuts_test.cc repeats them with the bytes cut
// everywhere.
#include <gtest/gtest.h>

#include "websocket/testing.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

const Events kBroken = {"error:1002"};
const Events kNotUtf8 = {"error:1007"};
const Events kTooBig = {"error:1009"};

// ---- Messages ----

TEST(Decoder, reads_the_masked_frame_of_the_rfc) {
  EXPECT_EQ(decode("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Events{"text:Hello"});
}

TEST(Decoder, reads_every_form_of_length) {
  Options options{.message_bytes_max = 70'000};
  for (size_t size : {0,  1,   2,   3,   4,   7,   8,   15,     16,     17,    31,
                      64, 125, 126, 127, 255, 256, 257, 65'535, 65'536, 70'000}) {
    std::string payload;
    for (size_t i = 0; i < size; ++i) payload += static_cast<char>(i * 7 + 1);
    EXPECT_EQ(decode(binary(payload), options), Events{"binary:" + payload}) << size;
  }
}

TEST(Decoder, passes_on_several_frames_of_one_call) {
  EXPECT_EQ(decode(text("a") + binary("b") + ping("c") + pong("d") + text("") + close("")),
            (Events{"text:a", "binary:b", "ping:c", "pong:d", "text:", "close:1005:"}));
}

TEST(Decoder, passes_on_a_whole_message_from_the_callers_bytes) {
  struct Where final : Receiver {
    bool on_message(Opcode, std::string_view payload) override {
      seen = payload.data();
      return true;
    }
    bool on_ping(std::string_view) override { return true; }
    bool on_pong(std::string_view) override { return true; }
    void on_close(uint16_t, std::string_view) override {}
    void on_error(CloseCode, std::string_view) override {}
    const char* seen = nullptr;
  } where;
  std::string bytes = text("no copy");
  CoreScratch scratch;
  Decoder decoder;
  decoder.feed(bytes, {}, scratch, where);
  EXPECT_EQ(where.seen, bytes.data() + 6);
  EXPECT_EQ(decoder.buffered_bytes(), 0U);
}

TEST(Decoder, joins_fragments) {
  EXPECT_EQ(
      decode(text("a", false) + more("", false) + more("b", false) + more("c", true) + text("d")),
      (Events{"text:abc", "text:d"}));
  EXPECT_EQ(decode(binary("", false) + more("", false) + more("", true)), Events{"binary:"});
}

TEST(Decoder, control_frames_may_stand_between_fragments) {
  EXPECT_EQ(decode(text("a", false) + ping("1") + more("b", false) + pong("2") + more("c", true)),
            (Events{"ping:1", "pong:2", "text:abc"}));
  EXPECT_EQ(decode(text("a", false) + close("\x03\xE8") + more("b", true)), Events{"close:1000:"});
}

TEST(Decoder, a_continuation_needs_a_message) {
  EXPECT_EQ(decode(more("a", true)), kBroken);
  EXPECT_EQ(decode(more("a", false)), kBroken);
  EXPECT_EQ(decode(text("a") + more("b", true)), (Events{"text:a", "error:1002"}));
  EXPECT_EQ(decode(text("a", false) + more("b", true) + more("c", true)),
            (Events{"text:ab", "error:1002"}));
}

TEST(Decoder, a_message_may_not_begin_inside_another) {
  EXPECT_EQ(decode(text("a", false) + text("b")), kBroken);
  EXPECT_EQ(decode(text("a", false) + binary("b", false)), kBroken);
  EXPECT_EQ(decode(binary("", false) + binary("")), kBroken);
}

// ---- Headers ----

TEST(Decoder, unmasked_frame_is_a_protocol_error) {
  EXPECT_EQ(decode("\x81\x05Hello"), kBroken);
  EXPECT_EQ(decode(std::string_view("\x89\x00", 2)), kBroken);
}

TEST(Decoder, reserved_bits_are_protocol_errors) {
  for (int bits : {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70}) {
    for (Opcode opcode :
         {Opcode::kText, Opcode::kBinary, Opcode::kPing, Opcode::kPong, Opcode::kClose}) {
      std::string bytes = frame({.opcode = opcode}, "");
      bytes[0] = static_cast<char>(bytes[0] | bits);
      EXPECT_EQ(decode(bytes), kBroken) << bits;
      // With permessage-deflate, RSV1 alone is allowed on data, and on nothing else.
      if (bits != 0x40 || opcode >= Opcode::kClose) {
        EXPECT_EQ(decode(bytes, {.deflate = true}), kBroken) << bits;
      }
    }
  }
}

TEST(Decoder, reserved_opcodes_are_protocol_errors) {
  for (int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    EXPECT_EQ(decode(frame({.opcode = static_cast<Opcode>(opcode)}, "")), kBroken) << opcode;
}

TEST(Decoder, a_bad_first_byte_is_told_before_the_second_arrives) {
  EXPECT_EQ(decode("\x83"), kBroken);
  EXPECT_EQ(decode("\xF1"), kBroken);
  EXPECT_EQ(decode("\x80"), kBroken);
}

TEST(Decoder, lengths_must_be_in_their_shortest_form) {
  const std::string key(kKey);
  EXPECT_EQ(decode("\x82\xFE" + big_endian(125, 2) + key), kBroken);
  EXPECT_EQ(decode("\x82\xFE" + big_endian(0, 2) + key), kBroken);
  EXPECT_EQ(decode("\x82\xFF" + big_endian(0xFFFF, 8) + key), kBroken);
  EXPECT_EQ(decode("\x82\xFF" + big_endian(5, 8) + key), kBroken);
}

TEST(Decoder, a_length_with_its_top_bit_set_is_a_protocol_error) {
  EXPECT_EQ(decode("\x82\xFF" + big_endian(uint64_t{1} << 63, 8)), kBroken);
  EXPECT_EQ(decode("\x82\xFF" + big_endian(UINT64_MAX, 8)), kBroken);
}

// ---- Control frames ----

TEST(Decoder, control_frames_carry_up_to_125_bytes) {
  const std::string most(125, 'p');
  EXPECT_EQ(decode(ping(most) + pong(most)), (Events{"ping:" + most, "pong:" + most}));
  for (Opcode opcode : {Opcode::kPing, Opcode::kPong, Opcode::kClose}) {
    EXPECT_EQ(decode(frame({.opcode = opcode}, most + "p")), kBroken);
    EXPECT_EQ(decode(std::string{First{.opcode = opcode}.byte(), '\xFE'}), kBroken);
    EXPECT_EQ(decode(std::string{First{.opcode = opcode}.byte(), '\xFF'}), kBroken);
  }
}

TEST(Decoder, control_frames_may_not_be_fragmented) {
  for (Opcode opcode : {Opcode::kPing, Opcode::kPong, Opcode::kClose})
    EXPECT_EQ(decode(frame({.opcode = opcode, .fin = false}, "")), kBroken);
}

TEST(Decoder, a_close_frame_ends_everything) {
  EXPECT_EQ(decode(close("") + text("late")), Events{"close:1005:"});
  EXPECT_EQ(decode(close("\x0F\xA0"
                         "bye") +
                   ping("late")),
            Events{"close:4000:bye"});
}

TEST(Decoder, a_close_frame_of_one_byte_is_a_protocol_error) {
  EXPECT_EQ(decode(close("\x03")), kBroken);
}

TEST(Decoder, a_close_frames_code_must_be_valid) {
  for (int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65'535})
    EXPECT_EQ(decode(close(big_endian(static_cast<uint64_t>(code), 2))), kBroken) << code;
  for (int code : {1000, 1003, 1007, 1011, 1014, 3000, 4999})
    EXPECT_EQ(decode(close(big_endian(static_cast<uint64_t>(code), 2))),
              Events{"close:" + std::to_string(code) + ":"});
}

TEST(Decoder, a_close_frames_reason_must_be_utf8) {
  EXPECT_EQ(decode(close("\x03\xE8\xCE\xBA")), Events{"close:1000:\xCE\xBA"});
  EXPECT_EQ(decode(close("\x03\xE8\xCE")), kNotUtf8);
  EXPECT_EQ(decode(close("\x03\xE8\xED\xA0\x80")), kNotUtf8);
}

// ---- Limits ----

TEST(Decoder, a_message_of_just_the_limit_passes) {
  const Options options{.message_bytes_max = 200};
  EXPECT_EQ(decode(binary(std::string(200, 'x')), options),
            Events{"binary:" + std::string(200, 'x')});
  EXPECT_EQ(
      decode(binary(std::string(150, 'x'), false) + more(std::string(50, 'x'), true), options),
      Events{"binary:" + std::string(200, 'x')});
}

TEST(Decoder, too_big_a_message_is_told_from_its_header) {
  const Options options{.message_bytes_max = 200};
  EXPECT_EQ(decode(header({}, 201).substr(0, 4), options), kTooBig);
  EXPECT_EQ(decode(header({}, INT64_MAX).substr(0, 10), options), kTooBig);
  EXPECT_EQ(decode(binary(std::string(150, 'x'), false) +
                       header({.opcode = Opcode::kContinuation}, 51).substr(0, 2),
                   options),
            kTooBig);
}

TEST(Decoder, a_length_near_the_end_of_64_bits_does_not_wrap) {
  const Options options{.message_bytes_max = 200};
  EXPECT_EQ(
      decode(binary("x", false) + header({.opcode = Opcode::kContinuation}, INT64_MAX), options),
      kTooBig);
  EXPECT_EQ(decode(header({}, INT64_MAX), {.message_bytes_max = 1 << 30}), kTooBig);
}

TEST(Decoder, too_many_fragments_are_told_from_the_header) {
  const Options options{.message_fragments_max = 3};
  const std::string two = binary("", false) + more("", false);
  EXPECT_EQ(decode(two + ping("") + more("", true), options), (Events{"ping:", "binary:"}));
  EXPECT_EQ(decode(two + more("", false) + more("", true).substr(0, 1), options), kTooBig);
  EXPECT_EQ(decode(text("whole") + two + more("", true), {.message_fragments_max = 3}),
            (Events{"text:whole", "binary:"}));
}

TEST(Decoder, memory_grows_with_what_arrived_and_not_with_what_was_claimed) {
  const Options options{.message_bytes_max = 16 << 20};
  CoreScratch scratch;
  Decoder decoder;
  Recorder recorder;
  std::string begin = header({.opcode = Opcode::kBinary}, 16 << 20);
  decoder.feed(begin, options, scratch, recorder);
  EXPECT_TRUE(decoder.in_message());
  EXPECT_LT(decoder.buffered_bytes(), 400U);
  size_t arrived = 0;
  for (int i = 0; i < 100; ++i) {
    std::string piece(1000, 'x');
    arrived += piece.size();
    decoder.feed(piece, options, scratch, recorder);
    ASSERT_GE(decoder.buffered_bytes(), arrived);
    ASSERT_LE(decoder.buffered_bytes(), 2 * arrived + 400);
  }
  EXPECT_TRUE(recorder.events.empty());
}

TEST(Decoder, holds_nothing_once_a_message_has_ended) {
  for (const std::string& bytes :
       {binary(std::string(5000, 'x')), text("a", false) + more("b", true), ping("p"),
        text("a", false) + ping("p") + more("b", true)}) {
    CoreScratch scratch;
    Decoder decoder;
    Recorder recorder;
    for (size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ(decoder.in_message(), i > 0);
      EXPECT_EQ(decoder.buffered_bytes() > 0, i > 0);
      char byte = bytes[i];
      decoder.feed({&byte, 1}, {}, scratch, recorder);
    }
    EXPECT_FALSE(decoder.in_message());
    EXPECT_EQ(decoder.buffered_bytes(), 0U);
    EXPECT_FALSE(recorder.events.empty());
  }
}

TEST(Decoder, holds_nothing_once_a_frame_that_was_cut_in_its_header_has_ended) {
  for (const std::string& bytes : {binary("b"), ping("p"), pong("")}) {
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      CoreScratch scratch;
      Decoder decoder;
      Recorder recorder;
      std::string begin = bytes.substr(0, cut);
      std::string end = bytes.substr(cut);
      decoder.feed(begin, {}, scratch, recorder);
      EXPECT_TRUE(decoder.in_message());
      decoder.feed(end, {}, scratch, recorder);
      EXPECT_FALSE(decoder.in_message()) << cut;
      EXPECT_EQ(decoder.buffered_bytes(), 0U);
    }
  }
}

// ---- Text ----

TEST(Decoder, text_must_be_utf8) {
  EXPECT_EQ(decode(text("\xCE\xBA\xE1\xBD\xB9\xF0\x90\x80\x80")),
            Events{"text:\xCE\xBA\xE1\xBD\xB9\xF0\x90\x80\x80"});
  for (std::string_view bad :
       {"\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "ok\xCE"})
    EXPECT_EQ(decode(text(bad)), kNotUtf8) << bad;
}

TEST(Decoder, binary_may_be_anything) {
  EXPECT_EQ(decode(binary("\xFF\xFE")), Events{"binary:\xFF\xFE"});
}

TEST(Decoder, a_character_may_be_cut_by_fragments) {
  EXPECT_EQ(decode(text("\xF0", false) + more("\x90\x80", false) + ping("") + more("\x80", true)),
            (Events{"ping:", "text:\xF0\x90\x80\x80"}));
  EXPECT_EQ(decode(text("\xCE", false) + more("", true)), kNotUtf8);
  EXPECT_EQ(decode(text("\xCE", false) + more("a", false)), kNotUtf8);
}

TEST(Decoder, bad_text_is_told_before_its_frame_ends) {
  // Autobahn 6.4.3: the frame goes on behind the bad byte, and has not arrived.
  const std::string whole = text("\xCE\xBA\xF4\x90\x80\x80 and more");
  EXPECT_EQ(decode(whole.substr(0, 6 + 3)), Events{});
  EXPECT_EQ(decode(whole.substr(0, 6 + 4)), kNotUtf8);
  EXPECT_EQ(decode_bytewise(whole.substr(0, 6 + 3)), Events{});
  EXPECT_EQ(decode_bytewise(whole.substr(0, 6 + 4)), kNotUtf8);
}

TEST(Decoder, bad_text_is_told_before_its_message_ends) {
  // Autobahn 6.4.1 and 6.4.2.
  EXPECT_EQ(decode(text("\xCE\xBA", false) + more("\xF4\x90\x80\x80", false)), kNotUtf8);
  EXPECT_EQ(decode(text("\xCE\xBA\xF4", false) + more("\x90", false)), kNotUtf8);
}

TEST(Decoder, text_state_does_not_leak_into_the_next_message) {
  EXPECT_EQ(decode(binary("\xCE", false) + more("", true) + text("a", false) + more("b", true)),
            (Events{"binary:\xCE", "text:ab"}));
}

// ---- Stopping ----

TEST(Decoder, stops_when_the_receiver_says_so) {
  std::string bytes = text("1") + ping("2") + text("3");
  for (size_t events_max : {1, 2}) {
    CoreScratch scratch;
    Decoder decoder;
    Recorder recorder(events_max);
    std::string copy = bytes;
    decoder.feed(copy, {}, scratch, recorder);
    EXPECT_TRUE(decoder.stopped());
    std::string more_bytes = text("4");
    decoder.feed(more_bytes, {}, scratch, recorder);
    EXPECT_EQ(recorder.events.size(), events_max);
  }
}

TEST(Decoder, tells_one_error_and_then_takes_nothing) {
  CoreScratch scratch;
  Decoder decoder;
  Recorder recorder;
  for (const std::string& piece :
       {text("a", false), text("b"), text("c"), std::string("\xFF\xFF")}) {
    std::string bytes = piece;
    decoder.feed(bytes, {}, scratch, recorder);
  }
  EXPECT_EQ(recorder.events, kBroken);
  EXPECT_FALSE(recorder.error_reason.empty());
  EXPECT_TRUE(decoder.stopped());
  EXPECT_EQ(decoder.buffered_bytes(), 0U);
}

TEST(Decoder, can_be_moved_in_the_middle_of_a_message) {
  CoreScratch scratch;
  Recorder recorder;
  Decoder first;
  std::string begin = text("a", false);
  first.feed(begin, {}, scratch, recorder);
  Decoder second = std::move(first);
  std::string end = more("b", true);
  second.feed(end, {}, scratch, recorder);
  EXPECT_EQ(recorder.events, Events{"text:ab"});
}

}  // namespace
}  // namespace millrace::websocket
