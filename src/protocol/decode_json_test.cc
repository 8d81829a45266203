// What is particular to JSON: lines, payloads byte for byte, types, escapes, and text that means
// harm.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "protocol/protocol.h"

namespace millrace::protocol {
namespace {

base::Result<> decode(std::string_view frame) {
  return decode_commands(Format::kJson, frame, [](const Command&) { return true; });
}

std::vector<uint32_t> ids_of(std::string_view frame) {
  std::vector<uint32_t> ids;
  const auto decoded = decode_commands(Format::kJson, frame, [&](const Command& command) {
    ids.push_back(command.id);
    return true;
  });
  EXPECT_TRUE(decoded) << frame << ": " << decoded.error().message;
  return ids;
}

// The payload of a frame's last publish command.
std::string payload_of(std::string_view frame) {
  std::string payload;
  const auto decoded = decode_commands(Format::kJson, frame, [&](const Command& command) {
    const auto* publish = std::get_if<PublishRequest>(&command.body);
    EXPECT_NE(publish, nullptr);
    if (publish == nullptr) return false;
    payload = publish->data;
    EXPECT_TRUE(payload.empty() ||
                (publish->data.data() >= frame.data() &&
                 publish->data.data() + payload.size() <= frame.data() + frame.size()));
    return true;
  });
  EXPECT_TRUE(decoded) << frame << ": " << decoded.error().message;
  return payload;
}

std::string channel_of(std::string_view frame) {
  std::string channel;
  const auto decoded = decode_commands(Format::kJson, frame, [&](const Command& command) {
    channel = std::get<SubscribeRequest>(command.body).channel;
    return true;
  });
  EXPECT_TRUE(decoded) << frame << ": " << decoded.error().message;
  return channel;
}

void expect_invalid(std::string_view frame) {
  const auto decoded = decode(frame);
  ASSERT_FALSE(decoded) << frame.substr(0, 100);
  EXPECT_EQ(decoded.error().code, base::ErrorCode::kInvalid);
  EXPECT_FALSE(decoded.error().message.empty());
}

TEST(DecodeJson, commands_are_separated_by_line_breaks) {
  EXPECT_EQ(ids_of("{\"id\":1}\n{\"id\":2}"), (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(ids_of("{\"id\":1}\n"), (std::vector<uint32_t>{1}));
  EXPECT_EQ(ids_of(" \n\n{\"id\":1} \r\n\t\n {\"id\":2}\n\n"), (std::vector<uint32_t>{1, 2}));
}

TEST(DecodeJson, two_commands_on_one_line_are_an_error) {
  expect_invalid("{}{}");
  expect_invalid("{} {}");
  expect_invalid("{},{}");
  expect_invalid("{}\r{}");
}

TEST(DecodeJson, a_command_may_take_several_lines) {
  EXPECT_EQ(ids_of("{\n\"id\"\n:\n1\n}\n{\"id\":2}"), (std::vector<uint32_t>{1, 2}));
}

TEST(DecodeJson, payloads_are_passed_on_byte_for_byte) {
  for (const std::string_view payload :
       {"{ \"b\" : 1 , \"a\" : [ 1.0, 2e5 ] }", "\"\\u0041\\/\"", "12345678901234567890.10", "true",
        "null", "[]", "\"\"", "{\"a\":1,\"a\":2}", "[\n1,\n2\n]", "\"\xE2\x82\xAC\""}) {
    const std::string frame =
        "{\"id\":1,\"publish\":{\"channel\":\"c\",\"data\": " + std::string(payload) + " }}";
    EXPECT_EQ(payload_of(frame), payload);
  }
}

TEST(DecodeJson, a_payload_is_as_valid_as_all_the_rest) {
  expect_invalid(R"({"publish":{"data":{"a":01}}})");
  expect_invalid(R"({"publish":{"data":[1,]}})");
  expect_invalid(R"({"publish":{"data":nul}})");
  expect_invalid(R"({"publish":{"data":"\x"}})");
  expect_invalid(R"({"publish":{"data":}})");
  expect_invalid("{\"publish\":{\"data\":\"a\nb\"}}");
}

TEST(DecodeJson, null_is_as_if_the_field_was_not_there) {
  EXPECT_EQ(ids_of(R"({"id":null,"connect":null})"), (std::vector<uint32_t>{0}));
  EXPECT_EQ(channel_of(R"({"subscribe":{"channel":null,"recover":null,"offset":null,"tf":null}})"),
            "");
  EXPECT_EQ(channel_of(R"({"connect":null,"subscribe":{"channel":"a"},"subscribe":null})"), "a");
  const auto decoded = decode_commands(
      Format::kJson, R"({"connect":{"subs":{"a":null},"headers":{"b":null},"token":null}})",
      [](const Command& command) {
        const auto& connect = std::get<ConnectRequest>(command.body);
        EXPECT_TRUE(connect.subs.empty());
        EXPECT_TRUE(connect.headers.empty());
        return true;
      });
  EXPECT_TRUE(decoded);
}

TEST(DecodeJson, unknown_keys_are_skipped_whatever_their_value) {
  EXPECT_EQ(ids_of(R"({"x":{"y":[1,{"z":null}]},"":"","id":7,"Id":"8","w":1e999})"),
            (std::vector<uint32_t>{7}));
}

TEST(DecodeJson, what_is_skipped_is_checked) {
  expect_invalid(R"({"x":{"y":[1,{"z":nul}]},"id":7})");
  expect_invalid(R"({"x":"\q"})");
  expect_invalid(R"({"x":1.})");
}

TEST(DecodeJson, of_duplicate_keys_the_last_counts) {
  EXPECT_EQ(ids_of(R"({"id":1,"id":2})"), (std::vector<uint32_t>{2}));
  EXPECT_EQ(channel_of(R"({"subscribe":{"channel":"a","token":"t"},"subscribe":{"channel":"b"}})"),
            "b");
  EXPECT_EQ(payload_of(R"({"publish":{"data":1,"data":[2]}})"), "[2]");
  EXPECT_EQ(payload_of(R"({"publish":{"data":1},"publish":{}})"), "");
}

TEST(DecodeJson, many_duplicate_keys_are_just_read) {
  std::string frame = "{\"id\":0";
  for (int i = 0; i < 100'000; ++i) frame += ",\"id\":1,\"connect\":{\"token\":\"t\"}";
  EXPECT_EQ(ids_of(frame + "}"), (std::vector<uint32_t>{1}));
}

TEST(DecodeJson, keys_with_escapes_match_their_names) {
  EXPECT_EQ(ids_of(R"({"\u0069\u0064":5})"), (std::vector<uint32_t>{5}));
  EXPECT_EQ(channel_of(R"({"sub\u0073cribe":{"\u0063hannel":"a"}})"), "a");
}

TEST(DecodeJson, strings_with_escapes_are_unescaped) {
  EXPECT_EQ(channel_of(R"({"subscribe":{"channel":"a\"\\\u00e9\ud83d\ude00\u0000b"}})"),
            std::string("a\"\\\xC3\xA9\xF0\x9F\x98\x80\0b", 11));
  EXPECT_EQ(channel_of(R"({"subscribe":{"channel":"\ud800"}})"), "\xEF\xBF\xBD");
}

TEST(DecodeJson, a_value_of_the_wrong_type_is_an_error) {
  for (const std::string_view frame : {R"({"id":"1"})",
                                       R"({"id":-1})",
                                       R"({"id":1.0})",
                                       R"({"id":1e0})",
                                       R"({"id":4294967296})",
                                       R"({"id":true})",
                                       R"({"id":{}})",
                                       R"({"id":99999999999999999999999999})",
                                       R"({"connect":1})",
                                       R"({"connect":[]})",
                                       R"({"connect":"{}"})",
                                       R"({"ping":false})",
                                       R"({"subscribe":{"channel":1}})",
                                       R"({"subscribe":{"channel":["a"]}})",
                                       R"({"subscribe":{"recover":1}})",
                                       R"({"subscribe":{"recover":"true"}})",
                                       R"({"subscribe":{"offset":-1}})",
                                       R"({"subscribe":{"offset":18446744073709551616}})",
                                       R"({"subscribe":{"flag":9223372036854775808}})",
                                       R"({"subscribe":{"type":2147483648}})",
                                       R"({"subscribe":{"tf":true}})",
                                       R"({"subscribe":{"tf":[]}})",
                                       R"({"subscribe":{"tf":{"op":1}}})",
                                       R"({"subscribe":{"tf":{"vals":"a"}}})",
                                       R"({"subscribe":{"tf":{"vals":{}}}})",
                                       R"({"subscribe":{"tf":{"vals":[1]}}})",
                                       R"({"subscribe":{"tf":{"vals":[null]}}})",
                                       R"({"subscribe":{"tf":{"nodes":{}}}})",
                                       R"({"subscribe":{"tf":{"nodes":["a"]}}})",
                                       R"({"subscribe":{"tf":{"nodes":[null]}}})",
                                       R"({"connect":{"subs":[]}})",
                                       R"({"connect":{"subs":{"a":1}}})",
                                       R"({"connect":{"headers":{"a":1}}})",
                                       R"({"history":{"since":5}})"}) {
    expect_invalid(frame);
  }
}

TEST(DecodeJson, a_body_that_is_outranked_is_checked_too) {
  expect_invalid(R"({"connect":{},"subscribe":{"channel":1}})");
}

TEST(DecodeJson, a_frame_holds_objects_only) {
  for (const std::string_view frame :
       {"1", "\"{}\"", "[]", "[{}]", "null", "true", "x", ",", "{}\n1", "\xEF\xBB\xBF{}"}) {
    expect_invalid(frame);
  }
}

TEST(DecodeJson, arrays_of_a_filter_are_as_the_grammar_has_them) {
  const auto frame = [](std::string_view vals) {
    return "{\"subscribe\":{\"tf\":{\"vals\":" + std::string(vals) + "}}}";
  };
  EXPECT_TRUE(decode(frame("[]")));
  EXPECT_TRUE(decode(frame("[ ]")));
  EXPECT_TRUE(decode(frame("[ \"a\" , \"b\" ]")));
  for (const std::string_view vals :
       {"[", "[,]", "[\"a\",]", "[,\"a\"]", "[\"a\" \"b\"]", "[\"a\"", "[\"a\"}", "]"}) {
    expect_invalid(frame(vals));
  }
}

TEST(DecodeJson, the_depth_of_a_filter_is_bounded) {
  const auto frame = [](size_t depth) {
    std::string json = "{}";
    for (size_t i = 1; i < depth; ++i) json = "{\"nodes\":[" + json + "]}";
    return "{\"subscribe\":{\"tf\":" + json + "}}";
  };
  EXPECT_TRUE(decode(frame(kFilterDepthMax)));
  EXPECT_NE(decode(frame(kFilterDepthMax + 1)).error().message.find("filter"), std::string::npos);
  expect_invalid(frame(100));
}

TEST(DecodeJson, nodes_and_values_of_a_commands_filters_are_bounded_together) {
  const auto frame = [](size_t nodes, size_t values) {
    std::string json = "{\"subscribe\":{\"tf\":{\"nodes\":[{}";
    for (size_t i = 1; i < nodes; ++i) json += ",{}";
    json += "],\"vals\":[\"\"";
    for (size_t i = 1; i < values; ++i) json += ",\"\"";
    return json + "]}}}";
  };
  // The root is a node, too.
  EXPECT_TRUE(decode(frame(5, kFilterItemsMax - 6)));
  EXPECT_TRUE(decode(frame(kFilterItemsMax - 2, 1)));
  expect_invalid(frame(5, kFilterItemsMax - 5));
  expect_invalid(frame(kFilterItemsMax - 1, 1));
  // Two commands in a frame may have so many each.
  EXPECT_TRUE(decode(frame(5, kFilterItemsMax - 6) + "\n" + frame(5, kFilterItemsMax - 6)));
}

TEST(DecodeJson, of_a_filter_that_comes_twice_the_last_counts) {
  const auto decoded = decode_commands(
      Format::kJson,
      R"({"subscribe":{"tf":{"key":"a","val":"x"},"tf":{"vals":["x"],"vals":["y"],"key":"b"}}})",
      [](const Command& command) {
        EXPECT_EQ(std::get<SubscribeRequest>(command.body).tags_filter,
                  (model::FilterNode{.key = "b", .vals = {"y"}}));
        return true;
      });
  EXPECT_TRUE(decoded);
}

TEST(DecodeJson, an_error_says_what_and_where) {
  EXPECT_EQ(decode(R"({"id":1,"subscribe":{"channel":7}})").error().message,
            "JSON, byte 31: expected a string");
}

TEST(DecodeJson, bytes_that_are_not_utf8_are_refused_wherever_they_are) {
  for (const std::string_view bytes :
       {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    expect_invalid("{\"publish\":{\"data\":\"" + std::string(bytes) + "\"}}");
    expect_invalid("{\"subscribe\":{\"channel\":\"" + std::string(bytes) + "\"}}");
    expect_invalid("{\"" + std::string(bytes) + "\":1}");
  }
}

TEST(DecodeJson, a_command_cut_anywhere_is_an_error) {
  const std::string frame = R"({"id":1,"connect":{"token":"\u00e9","data":{"a":[1,-2.5e3,true]},)"
                            R"("subs":{"c":{"offset":1}}}})";
  ASSERT_TRUE(decode(frame));
  for (size_t size = 0; size < frame.size(); ++size) {
    expect_invalid(frame.substr(0, size));
    // Copied, so that a sanitizer sees a read beyond the end.
    const std::vector<char> exact(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    expect_invalid(std::string_view(exact.data(), exact.size()));
  }
}

TEST(DecodeJson, nesting_is_bounded_and_counted_from_the_command) {
  const auto frame = [](size_t depth) {
    return "{\"publish\":{\"data\":" + std::string(depth, '[') + std::string(depth, ']') + "}}";
  };
  EXPECT_TRUE(decode(frame(kJsonDepthMax - 2)));
  expect_invalid(frame(kJsonDepthMax - 1));
  expect_invalid("{\"publish\":{\"data\":" + std::string(10'000'000, '['));
  std::string keys;
  for (int i = 0; i < 1'000'000; ++i) keys += "{\"a\":";
  expect_invalid(keys);
}

TEST(DecodeJson, long_strings_are_read) {
  const std::string text(10'000'000, 'x');
  EXPECT_EQ(channel_of("{\"subscribe\":{\"channel\":\"" + text + "\"}}"), text);
  EXPECT_EQ(payload_of("{\"publish\":{\"data\":\"" + text + "\"}}").size(), text.size() + 2);
  EXPECT_EQ(channel_of("{\"subscribe\":{\"channel\":\"\\n" + text + "\"}}").size(),
            text.size() + 1);
}

TEST(DecodeJson, a_string_of_escapes_is_read) {
  std::string escapes;
  for (int i = 0; i < 1'000'000; ++i) escapes += "\\u20ac";
  EXPECT_EQ(channel_of("{\"subscribe\":{\"channel\":\"" + escapes + "\"}}").size(), 3'000'000U);
}

TEST(DecodeJson, entries_of_a_map_are_bounded) {
  const auto frame = [](size_t entries) {
    std::string json = "{\"connect\":{\"subs\":{\"0\":{}";
    for (size_t i = 1; i < entries; ++i) json += ",\"" + std::to_string(i) + "\":{}";
    return json + "}}}";
  };
  EXPECT_TRUE(decode(frame(kConnectEntriesMax)));
  expect_invalid(frame(kConnectEntriesMax + 1));
}

}  // namespace
}  // namespace millrace::protocol
