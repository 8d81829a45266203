#include "edge/framing.h"

#include <gtest/gtest.h>

namespace millrace::edge {
namespace {

std::string framed_text(Variant variant, std::string_view messages) {
  std::string appended = "before";
  append_framed(appended, variant, messages);
  const std::string alone(framed(variant, messages).view());
  EXPECT_EQ(appended, "before" + alone);
  return alone;
}

TEST(Framing, json_lines_end_in_a_newline) {
  EXPECT_EQ(framed_text({.framing = Framing::kLines}, "{}\n{\"id\":1}"), "{}\n{\"id\":1}\n");
}

TEST(Framing, protobuf_messages_bring_their_length) {
  const std::string_view message("\0", 1);
  EXPECT_EQ(
      framed_text({.format = protocol::Format::kProtobuf, .framing = Framing::kLines}, message),
      message);
}

TEST(Framing, an_event_is_a_message) {
  EXPECT_EQ(framed_text({.framing = Framing::kEvents}, "{}"), "data: {}\n\n");
}

TEST(Framing, websocket_frames_are_text_for_json_and_binary_for_protobuf) {
  EXPECT_EQ(framed_text({}, "{}"), "\x81\x02{}");
  EXPECT_EQ(framed_text({.format = protocol::Format::kProtobuf}, "ab"),
            "\x82\x02"
            "ab");
  EXPECT_EQ(framed_text({.framing = Framing::kFrameEach}, "{}"), "\x81\x02{}");
}

TEST(Filler, says_nothing_in_each_framing) {
  const Variant protobuf{.format = protocol::Format::kProtobuf, .framing = Framing::kLines};
  EXPECT_EQ(filler({.framing = Framing::kLines}).view(), " ");
  EXPECT_EQ(filler({.framing = Framing::kEvents}).view(), ":\n\n");
  EXPECT_EQ(filler(protobuf).view(), std::string_view("\x02\x22\0", 3));
}

TEST(Padding, has_as_many_bytes_as_asked_for) {
  for (const size_t bytes : {4UL, 100UL, 2048UL}) {
    EXPECT_EQ(padding({.framing = Framing::kLines}, bytes), std::string(bytes, ' '));
    EXPECT_EQ(padding({.framing = Framing::kEvents}, bytes),
              ":" + std::string(bytes - 3, ' ') + "\n\n");
    EXPECT_GE(
        padding({.format = protocol::Format::kProtobuf, .framing = Framing::kLines}, bytes).size(),
        bytes);
  }
  EXPECT_EQ(padding({.framing = Framing::kLines}, 0), "");
  EXPECT_EQ(padding({.framing = Framing::kEvents}, 0), "");
}

TEST(EventId, says_where_a_client_goes_on) {
  std::string line;
  append_event_id(line, model::Offset{42}, "xyz", "news:a:b");
  EXPECT_EQ(line, "id: 42:xyz:news:a:b\n");
  const auto id = parse_event_id("42:xyz:news:a:b");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->offset, 42U);
  EXPECT_EQ(id->epoch, "xyz");
  EXPECT_EQ(id->channel, "news:a:b");
}

TEST(EventId, is_left_out_where_it_could_not_be_read) {
  std::string line;
  append_event_id(line, model::Offset{0}, "", "news");
  append_event_id(line, model::Offset{1}, "xyz", "two\nlines");
  append_event_id(line, model::Offset{1}, "xyz", std::string_view("a\0b", 3));
  EXPECT_EQ(line, "");
}

TEST(EventId, that_is_not_ours_is_none) {
  for (const std::string_view text : {"", "42", "42:", "42:xyz", "42::news", ":xyz:news", "x:y:z",
                                      "-1:xyz:news", "99999999999999999999:xyz:news"})
    EXPECT_FALSE(parse_event_id(text)) << text;
}

}  // namespace
}  // namespace millrace::edge
