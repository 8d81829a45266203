#include "edge/control_codec.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::edge {
namespace {

using Kind = SessionRequest::Kind;

ControlAsk some_ask(Kind kind = Kind::kCommands) {
  ControlAsk ask{.from = {.node = "0b1e5d2c-aaaa-4bbb-8ccc-0123456789ab", .core = base::CoreId{5}},
                 .id = 77,
                 .request = {.session = {.connection = {base::CoreId{3}, 0xBEEF, 7}},
                             .kind = kind,
                             .data = std::string("{\"id\":1}\n\0\xFF", 11),
                             .ack = 1'000'000'000'000}};
  for (size_t i = 0; i < ask.request.session.secret.size(); ++i)
    ask.request.session.secret[i] = static_cast<uint8_t>(255 - i);
  return ask;
}

ControlAnswer some_answer() {
  return {.from = {.node = "b", .core = {}},
          .id = UINT64_MAX,
          .answer = {.status = 200,
                     .body = std::string("a\0b", 3),
                     .content_type = "application/x-ndjson",
                     .transport = metrics::Transport::kLongPoll}};
}

std::string field(uint32_t number, std::string_view bytes) {
  std::string out;
  out.push_back(static_cast<char>((number << 3U) | 2U));
  out.push_back(static_cast<char>(bytes.size()));
  return out.append(bytes);
}
std::string number_field(uint32_t number, char value) {
  return {static_cast<char>(number << 3U), value};
}
ControlFault fault_of(std::string_view bytes) {
  const auto control = decode_control(bytes);
  EXPECT_FALSE(control);
  return control ? ControlFault{99} : control.error();
}

TEST(ControlCodec, an_ask_is_read_as_it_was_written) {
  for (const Kind kind : {Kind::kCommands, Kind::kPoll, Kind::kLetGo, Kind::kGoodbye}) {
    const ControlAsk sent = some_ask(kind);
    const auto control = decode_control(encode(sent));
    ASSERT_TRUE(control);
    const auto& ask = std::get<ControlAsk>(*control);
    EXPECT_EQ(ask.from, sent.from);
    EXPECT_EQ(ask.id, sent.id);
    EXPECT_EQ(ask.request.session, sent.request.session);
    EXPECT_EQ(ask.request.kind, kind);
    EXPECT_EQ(ask.request.data, sent.request.data);
    EXPECT_EQ(ask.request.ack, sent.request.ack);
  }
}

TEST(ControlCodec, an_answer_is_read_as_it_was_written) {
  const ControlAnswer sent = some_answer();
  const auto control = decode_control(encode(sent));
  ASSERT_TRUE(control);
  const auto& answer = std::get<ControlAnswer>(*control);
  EXPECT_EQ(answer.from, sent.from);
  EXPECT_EQ(answer.id, sent.id);
  EXPECT_EQ(answer.answer.status, 200);
  EXPECT_EQ(answer.answer.body, sent.answer.body);
  EXPECT_EQ(answer.answer.content_type, sent.answer.content_type);
  EXPECT_EQ(answer.answer.transport, metrics::Transport::kLongPoll);
}

TEST(ControlCodec, what_is_empty_is_not_written_and_read_as_empty) {
  const ControlAnswer sent{.from = {.node = "b", .core = {}}};
  const std::string bytes = encode(sent);
  EXPECT_EQ(bytes, field(1, "b") + field(5, std::string("\x08\xCC\x01", 3)));
  const auto control = decode_control(bytes);
  ASSERT_TRUE(control);
  EXPECT_EQ(std::get<ControlAnswer>(*control).id, 0U);
  EXPECT_EQ(std::get<ControlAnswer>(*control).answer.status, 204);
}

TEST(ControlCodec, fields_of_a_later_version_are_passed_over) {
  const std::string later = field(15, "later") + number_field(14, 1);
  const auto control = decode_control(later + encode(some_ask()) + later);
  ASSERT_TRUE(control);
  EXPECT_EQ(std::get<ControlAsk>(*control).request.ack, some_ask().request.ack);
  const std::string answer = "\x08\xE4\x03" + later;  // 484
  EXPECT_TRUE(decode_control(field(1, "b") + field(5, answer)));
}

TEST(ControlCodec, kinds_of_a_later_version_are_told_from_garbage) {
  EXPECT_EQ(fault_of(field(1, "b") + field(6, "later")), ControlFault::kUnknown);
  EXPECT_EQ(fault_of(field(1, "b")), ControlFault::kUnknown);
  const std::string secret(16, 's');
  EXPECT_EQ(fault_of(field(1, "b") + field(4, number_field(1, 9) + field(5, secret))),
            ControlFault::kUnknown);
  EXPECT_EQ(fault_of(field(1, "b") + field(4, field(5, secret))), ControlFault::kUnknown);
  EXPECT_TRUE(decode_control(field(1, "b") + field(4, number_field(1, 2) + field(5, secret))));
}

TEST(ControlCodec, bytes_that_end_early_are_malformed) {
  for (const std::string& whole : {encode(some_ask()), encode(some_answer())}) {
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_FALSE(decode_control(whole.substr(0, i))) << i;
  }
}

TEST(ControlCodec, what_could_do_harm_is_malformed) {
  const std::string secret = field(5, std::string(16, 's'));
  const std::string from = field(1, "b");
  const std::string big = {0x7F};
  const auto ask = [&](const std::string& fields) { return from + field(4, fields); };
  const std::string poll = number_field(1, 2);
  EXPECT_TRUE(decode_control(ask(poll + secret)));
  EXPECT_EQ(fault_of(ask(poll)), ControlFault::kMalformed) << "no secret";
  EXPECT_EQ(fault_of(ask(poll + field(5, std::string(15, 's')))), ControlFault::kMalformed);
  EXPECT_EQ(fault_of(ask(poll + secret + field(5, ""))), ControlFault::kMalformed);
  EXPECT_EQ(fault_of(ask(poll + secret + "\x10\x80\x80\x04")), ControlFault::kMalformed)
      << "a core that no node can have";
  for (const std::string_view node : {"", "a.b", "a b", "*", "\xC3\xA9"})
    EXPECT_EQ(fault_of(field(1, node) + field(4, poll + secret)), ControlFault::kMalformed) << node;
  const auto answer = [&](const std::string& fields) { return from + field(5, fields); };
  const std::string ok = "\x08\xC8\x01";
  EXPECT_TRUE(decode_control(answer(ok)));
  EXPECT_EQ(fault_of(answer("")), ControlFault::kMalformed) << "no status";
  for (const std::string_view status : {"\x08\x65", "\x08\xB0\x02", "\x08\xD8\x04", "\x08\xFF\x7F"})
    EXPECT_EQ(fault_of(answer(std::string(status))), ControlFault::kMalformed);
  EXPECT_EQ(fault_of(answer(ok + field(3, "a\r\nSet-Cookie: b"))), ControlFault::kMalformed);
  EXPECT_EQ(fault_of(answer(ok + std::string("\x1A\x81\x01") + std::string(129, 'a'))),
            ControlFault::kMalformed);
}

TEST(ControlCodec, of_several_the_last_counts) {
  const auto control = decode_control(encode(some_ask()) + encode(some_answer()));
  ASSERT_TRUE(control);
  EXPECT_EQ(std::get<ControlAnswer>(*control).from.node, "b");
}

}  // namespace
}  // namespace millrace::edge
