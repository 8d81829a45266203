// What is particular to Protobuf: lengths, wire types, merging, and bytes that mean harm.
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "protocol/protocol.h"
#include "protocol/test_bytes.h"

namespace millrace::protocol {
namespace {

base::Result<> decode_bytes(std::string_view frame) {
  return decode_commands(Format::kProtobuf, frame, [](const Command&) { return true; });
}

template <class Request, class Check>
void expect_request(std::string_view frame, Check check) {
  int commands = 0;
  const auto decoded = decode_commands(Format::kProtobuf, frame, [&](const Command& command) {
    ++commands;
    const auto* request = std::get_if<Request>(&command.body);
    EXPECT_NE(request, nullptr);
    if (request != nullptr) check(*request);
    return true;
  });
  EXPECT_TRUE(decoded) << to_hex(frame.substr(0, 100)) << ": " << decoded.error().message;
  EXPECT_EQ(commands, 1);
}

void expect_invalid_bytes(std::string_view frame) {
  const auto decoded = decode_bytes(frame);
  ASSERT_FALSE(decoded) << to_hex(frame.substr(0, 100));
  EXPECT_EQ(decoded.error().code, base::ErrorCode::kInvalid);
  EXPECT_FALSE(decoded.error().message.empty());
}

// A message behind its length.
std::string framed(const std::string& message) {
  std::string frame;
  protozero::add_varint_to_buffer(&frame, message.size());
  return frame + message;
}

// A frame of one command with one sub-message.
std::string command(uint32_t number, const std::string& body) {
  std::string message;
  protozero::pbf_writer(message).add_message(number, body);
  return framed(message);
}

// One unknown field of each wire type there is in proto3, with the field number given.
std::string unknown_fields(uint32_t number) {
  std::string fields;
  protozero::pbf_writer writer(fields);
  writer.add_uint64(number, UINT64_MAX);
  writer.add_fixed64(number, UINT64_MAX);
  writer.add_bytes(number, "\xFF\x00\x08");
  writer.add_fixed32(number, UINT32_MAX);
  return fields;
}

TEST(DecodeProtobuf, payloads_are_passed_on_byte_for_byte) {
  std::string payload;
  for (int c = 0; c < 256; ++c) payload.push_back(static_cast<char>(c));
  std::string body;
  protozero::pbf_writer(body).add_bytes(2, payload);
  const std::string frame = command(7, body);
  expect_request<PublishRequest>(frame, [&](const PublishRequest& publish) {
    EXPECT_EQ(publish.data, payload);
    EXPECT_GE(publish.data.data(), frame.data());
    EXPECT_LE(publish.data.data() + publish.data.size(), frame.data() + frame.size());
  });
}

TEST(DecodeProtobuf, unknown_fields_of_every_wire_type_are_skipped) {
  std::string body = unknown_fields(100);
  protozero::pbf_writer(body).add_string(1, "news");
  body += unknown_fields(536'870'911);
  std::string message = unknown_fields(2);
  protozero::pbf_writer(message).add_message(5, body);
  message += unknown_fields(16);
  expect_request<SubscribeRequest>(framed(message), [](const SubscribeRequest& subscribe) {
    EXPECT_EQ(subscribe.channel, "news");
  });
}

TEST(DecodeProtobuf, a_known_number_of_another_wire_type_is_an_unknown_field) {
  std::string body;
  protozero::pbf_writer writer(body);
  writer.add_uint64(1, 7);      // channel: a string
  writer.add_bytes(3, "\x01");  // recover: a bool
  writer.add_fixed64(7, 7);     // offset: a varint
  writer.add_fixed32(8, 7);     // data: bytes
  expect_request<SubscribeRequest>(command(5, body), [](const SubscribeRequest& subscribe) {
    EXPECT_EQ(subscribe.channel, "");
    EXPECT_FALSE(subscribe.recover);
    EXPECT_EQ(subscribe.offset, 0U);
    EXPECT_EQ(subscribe.data, "");
  });
}

TEST(DecodeProtobuf, groups_are_an_error) {
  expect_invalid_bytes(from_hex("020b0c"));  // start and end of group 1
  expect_invalid_bytes(from_hex("020c00"));  // an end without a start
  expect_invalid_bytes(from_hex("0483018401"));
}

TEST(DecodeProtobuf, wire_types_that_do_not_exist_are_an_error) {
  expect_invalid_bytes(from_hex("020e00"));
  expect_invalid_bytes(from_hex("020f00"));
}

TEST(DecodeProtobuf, field_number_zero_is_an_error) {
  expect_invalid_bytes(from_hex("020001"));
}

TEST(DecodeProtobuf, strings_must_be_utf8) {
  std::string body;
  protozero::pbf_writer(body).add_string(1, "\xC3\xA9");
  EXPECT_TRUE(decode_bytes(command(5, body)));
  for (const std::string bytes : {"\xFF", "a\x80", "\xED\xA0\x80", "\xC3"}) {
    body.clear();
    protozero::pbf_writer(body).add_string(1, bytes);
    expect_invalid_bytes(command(5, body));
    std::string entry;
    protozero::pbf_writer(entry).add_string(2, bytes);
    body.clear();
    protozero::pbf_writer(body).add_message(6, entry);
    expect_invalid_bytes(command(4, body));
  }
}

TEST(DecodeProtobuf, numbers_lose_the_bits_that_do_not_fit) {
  std::string message;
  protozero::pbf_writer(message).add_uint64(1, 0x1'0000'0007);
  EXPECT_TRUE(decode_commands(Format::kProtobuf, framed(message), [](const Command& command) {
    EXPECT_EQ(command.id, 7U);
    return true;
  }));
}

TEST(DecodeProtobuf, any_number_but_zero_is_true) {
  for (const auto& [value, expected] :
       {std::pair{"00", false}, std::pair{"01", true}, std::pair{"8001", true},
        std::pair{"8000", false}, std::pair{"80808080808080808001", true}}) {
    expect_request<SubscribeRequest>(command(5, from_hex(std::string("18") + value)),
                                     [expected = expected](const SubscribeRequest& subscribe) {
                                       EXPECT_EQ(subscribe.recover, expected);
                                     });
  }
}

TEST(DecodeProtobuf, a_varint_of_eleven_bytes_is_an_error) {
  expect_invalid_bytes(from_hex("ffffffffffffffffffffff01"));
  expect_invalid_bytes(command(5, from_hex("38ffffffffffffffffffff01")));
}

TEST(DecodeProtobuf, a_sub_message_that_comes_twice_is_merged) {
  std::string message;
  protozero::pbf_writer writer(message);
  std::string body;
  protozero::pbf_writer(body).add_string(1, "a");
  writer.add_message(5, body);
  body.clear();
  protozero::pbf_writer(body).add_string(2, "t");
  writer.add_message(5, body);
  expect_request<SubscribeRequest>(framed(message), [](const SubscribeRequest& subscribe) {
    EXPECT_EQ(subscribe.channel, "a");
    EXPECT_EQ(subscribe.token, "t");
  });
}

TEST(DecodeProtobuf, a_map_entry_may_lack_its_key_or_value) {
  expect_request<ConnectRequest>(
      command(4, from_hex("1a0032030a0161")), [](const ConnectRequest& connect) {
        ASSERT_EQ(connect.subs.size(), 1U);
        EXPECT_EQ(connect.subs[0].first, "");
        EXPECT_EQ(connect.headers, (std::vector<std::pair<Text, Text>>{{"a", ""}}));
      });
}

TEST(DecodeProtobuf, a_length_beyond_the_frame_is_an_error) {
  expect_invalid_bytes(from_hex("01"));
  expect_invalid_bytes(from_hex("030801"));
  expect_invalid_bytes(from_hex("ff"));
  expect_invalid_bytes(from_hex("ffffffffffffffffff01"));        // 2^64 - 1
  expect_invalid_bytes(from_hex("80808080808080808001"));        // 2^63
  expect_invalid_bytes(from_hex("042a7f0a00"));                  // a sub-message beyond its message
  expect_invalid_bytes(from_hex("0a2affffffff0f0a0161000000"));  // 4 GiB
}

TEST(DecodeProtobuf, a_frame_cut_anywhere_is_an_error) {
  const std::string frame = from_hex(
      "420801223e0a036a777412077b2261223a317d1a120a046e657773120a1801320461426364381122026a732a0335"
      "2e3832"
      "090a04582d496412013738014201644a0170");
  ASSERT_TRUE(decode_bytes(frame));
  for (size_t size = 0; size < frame.size(); ++size) {
    const std::vector<char> exact(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    expect_invalid_bytes(std::string_view(exact.data(), exact.size()));
  }
}

TEST(DecodeProtobuf, long_strings_are_read) {
  const std::string text(10'000'000, 'x');
  std::string body;
  protozero::pbf_writer(body).add_string(1, text);
  expect_request<SubscribeRequest>(command(5, body), [&](const SubscribeRequest& subscribe) {
    EXPECT_EQ(subscribe.channel, text);
  });
}

// A subscribe whose filter is the message `filter`.
std::string with_filter(std::string_view filter) {
  std::string body;
  protozero::pbf_writer(body).add_message(13, std::string(filter));
  return command(5, body);
}

// A filter of so many nodes, each within the last.
std::string chain(size_t depth) {
  std::string filter;
  for (size_t i = 1; i < depth; ++i) {
    std::string outer;
    protozero::pbf_writer(outer).add_message(6, filter);
    filter = outer;
  }
  return filter;
}

TEST(DecodeProtobuf, the_depth_of_a_filter_is_bounded) {
  expect_request<SubscribeRequest>(with_filter(chain(kFilterDepthMax)),
                                   [](const SubscribeRequest& subscribe) {
                                     size_t depth = 1;
                                     for (const auto* node = &subscribe.tags_filter.value();
                                          !node->nodes.empty(); node = &node->nodes[0]) {
                                       ++depth;
                                     }
                                     EXPECT_EQ(depth, kFilterDepthMax);
                                   });
  expect_invalid_bytes(with_filter(chain(kFilterDepthMax + 1)));
  expect_invalid_bytes(with_filter(chain(2000)));
}

TEST(DecodeProtobuf, nodes_and_values_of_a_commands_filters_are_bounded_together) {
  const auto filter = [](size_t nodes, size_t values) {
    std::string bytes;
    for (size_t i = 0; i < nodes; ++i) bytes += from_hex("3200");
    for (size_t i = 0; i < values; ++i) bytes += from_hex("2a00");
    return bytes;
  };
  // The root is a node, too.
  EXPECT_TRUE(decode_bytes(with_filter(filter(kFilterItemsMax - 1, 0))));
  EXPECT_TRUE(decode_bytes(with_filter(filter(5, kFilterItemsMax - 6))));
  expect_invalid_bytes(with_filter(filter(kFilterItemsMax, 0)));
  expect_invalid_bytes(with_filter(filter(5, kFilterItemsMax - 5)));
  expect_invalid_bytes(with_filter(filter(0, kFilterItemsMax)));
  // Two commands in a frame may have so many each.
  const std::string full = with_filter(filter(kFilterItemsMax - 1, 0));
  EXPECT_TRUE(decode_bytes(full + full));
}

TEST(DecodeProtobuf, a_filter_that_comes_twice_is_merged) {
  // key "a" and value "x", then key "b", value "y" and a node.
  expect_request<SubscribeRequest>(
      from_hex("142a126a061201612a01786a0812016232002a0179"),
      [](const SubscribeRequest& subscribe) {
        EXPECT_EQ(subscribe.tags_filter,
                  (model::FilterNode{.key = "b", .vals = {"x", "y"}, .nodes = {{}}}));
      });
}

TEST(DecodeProtobuf, strings_of_a_filter_are_utf8) {
  EXPECT_TRUE(decode_bytes(with_filter(from_hex("1202c3a9"))));
  expect_invalid_bytes(with_filter(from_hex("1201c3")));
  expect_invalid_bytes(with_filter(from_hex("2a01c3")));
  expect_invalid_bytes(with_filter(from_hex("32032201ff")));
}

TEST(DecodeProtobuf, entries_of_a_map_are_bounded) {
  const auto body = [](size_t entries) {
    std::string bytes;
    for (size_t i = 0; i < entries; ++i) bytes += from_hex("1a00");
    return bytes;
  };
  EXPECT_TRUE(decode_bytes(command(4, body(kConnectEntriesMax))));
  expect_invalid_bytes(command(4, body(kConnectEntriesMax + 1)));
}

TEST(DecodeProtobuf, an_error_says_what_and_where) {
  EXPECT_EQ(decode_bytes(from_hex("0208017f")).error().message,
            "Protobuf, message at byte 3: the frame ends within a message");
}

}  // namespace
}  // namespace millrace::protocol
