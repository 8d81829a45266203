#include "protocol/json_cursor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/json_scan.h"

namespace millrace::protocol {
namespace {

std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string string_of(std::string_view json) {
  JsonCursor in(json);
  std::string_view text;
  EXPECT_TRUE(in.read_string(text)) << json;
  return std::string(text);
}

template <class T>
bool reads_as(std::string_view json, T expected) {
  JsonCursor in(json);
  T number{};
  return in.read_integer(number) && in.at_end() && number == expected;
}

template <class T>
bool refuses(std::string_view json) {
  JsonCursor in(json);
  T number{};
  return !in.read_integer(number) && in.failed();
}

TEST(ValidJson, every_kind_of_value_is_valid) {
  for (const std::string_view json : {"null",
                                      "true",
                                      "false",
                                      "0",
                                      "-0",
                                      "10",
                                      "-1.5",
                                      "1e5",
                                      "1E+5",
                                      "1.25e-3",
                                      "\"\"",
                                      "\"a\"",
                                      "[]",
                                      "{}",
                                      "[1]",
                                      "[1,2]",
                                      "{\"a\":1}",
                                      "{\"a\":1,\"b\":[{},[]]}",
                                      " [ 1 , 2 ] ",
                                      "\t{\r\n\"a\" : {} }\n",
                                      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                                      "\"\xC3\xA9\"",
                                      "\"\x7F\""}) {
    EXPECT_TRUE(valid_json(json)) << json;
  }
}

TEST(ValidJson, what_the_grammar_does_not_have_is_invalid) {
  for (const std::string_view json : {"",
                                      " ",
                                      "nul",
                                      "nulls",
                                      "True",
                                      "tru",
                                      "+1",
                                      "01",
                                      "-",
                                      "-a",
                                      ".5",
                                      "1.",
                                      "1.e5",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "NaN",
                                      "Infinity",
                                      "'a'",
                                      "\"",
                                      "\"a",
                                      "\"\\\"",
                                      "\"\\x41\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1}",
                                      "{",
                                      "}",
                                      "{1:2}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\" 1}",
                                      "{,}",
                                      "{\"a\":1]",
                                      "1 2",
                                      "{}{}",
                                      "{} x",
                                      "// a\n1",
                                      "[1] ,",
                                      "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(valid_json(json)) << json;
  }
}

TEST(ValidJson, control_characters_are_refused_in_strings_only_when_raw) {
  for (int c = 0; c < 0x20; ++c) {
    EXPECT_FALSE(valid_json(std::string("\"a") + static_cast<char>(c) + "\"")) << c;
  }
  EXPECT_TRUE(valid_json(R"("\u0000\u001f")"));
}

TEST(ValidJson, bytes_that_are_not_utf8_are_refused) {
  EXPECT_FALSE(valid_json("\"\xFF\""));
  EXPECT_FALSE(valid_json("\"\xC3\""));
  EXPECT_FALSE(valid_json("\"\xED\xA0\x80\""));  // half a surrogate pair
  EXPECT_FALSE(valid_json("\xFF"));
}

TEST(ValidJson, half_a_surrogate_pair_is_fine_as_an_escape) {
  EXPECT_TRUE(valid_json(R"("\ud800")"));
  EXPECT_TRUE(valid_json(R"("\udc00\ud800")"));
}

TEST(ValidJson, depth_is_bounded) {
  EXPECT_TRUE(valid_json(nested(kJsonDepthMax)));
  EXPECT_FALSE(valid_json(nested(kJsonDepthMax + 1)));
  EXPECT_FALSE(valid_json(std::string(10'000'000, '[')));
}

TEST(ValidJson, depth_counts_objects_and_arrays_together) {
  std::string json;
  for (size_t i = 0; i < kJsonDepthMax / 2; ++i) json += "{\"a\":[";
  std::string end;
  for (size_t i = 0; i < kJsonDepthMax / 2; ++i) end += "]}";
  EXPECT_TRUE(valid_json(json + end));
  EXPECT_FALSE(valid_json(json + "{}" + end));
}

TEST(ValidJson, depth_is_that_of_one_branch) {
  std::string json = "[";
  for (size_t i = 0; i < 1000; ++i) json += nested(kJsonDepthMax - 1) + ",";
  EXPECT_TRUE(valid_json(json + "1]"));
}

TEST(ValidJson, ten_megabytes_of_string_are_one_value) {
  EXPECT_TRUE(valid_json('"' + std::string(10'000'000, 'a') + '"'));
  EXPECT_FALSE(valid_json('"' + std::string(10'000'000, 'a')));
}

TEST(ValidJson, a_number_may_have_a_million_digits) {
  EXPECT_TRUE(valid_json(std::string(1'000'000, '9')));
  EXPECT_TRUE(valid_json("1e" + std::string(1'000'000, '9')));
}

TEST(JsonCursor, strings_without_escapes_are_views_of_the_text) {
  const std::string json = R"("news:today")";
  JsonCursor in(json);
  std::string_view text;
  ASSERT_TRUE(in.read_string(text));
  EXPECT_EQ(text, "news:today");
  EXPECT_EQ(text.data(), json.data() + 1);
}

TEST(JsonCursor, escapes_are_resolved) {
  EXPECT_EQ(string_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(string_of(R"("a\u0041b\u00e9c\u20acd")"),
            "aAb\xC3\xA9"
            "c\xE2\x82\xAC"
            "d");
  EXPECT_EQ(string_of(R"("\uD83D\uDE00")"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(string_of(R"("\u0000")"), std::string(1, '\0'));
}

TEST(JsonCursor, half_a_surrogate_pair_reads_as_the_replacement_character) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(string_of(R"("\ud800")"), replacement);
  EXPECT_EQ(string_of(R"("\udc00")"), replacement);
  EXPECT_EQ(string_of(R"("\ud800x")"), replacement + "x");
  EXPECT_EQ(string_of(R"("\ud800\n")"), replacement + "\n");
  EXPECT_EQ(string_of(R"("\ud800\u0041")"), replacement + "A");
  EXPECT_EQ(string_of(R"("\ud800\ud83d\ude00")"), replacement + "\xF0\x9F\x98\x80");
}

TEST(JsonCursor, escaped_strings_stay_while_more_are_read) {
  JsonCursor in(R"({"\u0061":"\n1","\u0062":"\n2","c":"\u20ac\u20ac\u20ac"})");
  std::vector<std::string_view> views;
  ASSERT_TRUE(in.begin_object());
  std::string_view key;
  while (in.next_key(key)) {
    views.push_back(key);
    ASSERT_TRUE(in.read_string(views.emplace_back()));
  }
  EXPECT_FALSE(in.failed());
  EXPECT_EQ(views, (std::vector<std::string_view>{"a", "\n1", "b", "\n2", "c", "€€€"}));
}

TEST(JsonCursor, arrays_are_read_element_by_element) {
  JsonCursor in(R"([ "a" , [], [ [ "b" ] ,{"k":[]}] ])");
  std::string_view text;
  ASSERT_TRUE(in.begin_array());
  ASSERT_TRUE(in.next_element());
  ASSERT_TRUE(in.read_string(text));
  EXPECT_EQ(text, "a");
  ASSERT_TRUE(in.next_element());
  ASSERT_TRUE(in.begin_array());
  EXPECT_FALSE(in.next_element());
  ASSERT_TRUE(in.next_element());
  ASSERT_TRUE(in.begin_array());
  ASSERT_TRUE(in.next_element());
  ASSERT_TRUE(in.read_raw(text));
  EXPECT_EQ(text, R"([ "b" ])");
  ASSERT_TRUE(in.next_element());
  ASSERT_TRUE(in.skip_value());
  EXPECT_FALSE(in.next_element());
  EXPECT_FALSE(in.next_element());
  EXPECT_FALSE(in.failed());
  EXPECT_TRUE(in.at_end());
}

TEST(JsonCursor, what_is_no_array_is_refused) {
  for (const std::string_view json : {"{}", "1", "", "[\"a\" 1]", "[\"a\"}", "[\"a\""}) {
    JsonCursor in(json);
    std::string_view text;
    if (in.begin_array() && in.next_element() && in.read_string(text)) in.next_element();
    EXPECT_TRUE(in.failed()) << json;
  }
}

TEST(JsonCursor, whole_numbers_are_read_within_their_range) {
  EXPECT_TRUE(reads_as<uint32_t>("0", 0));
  EXPECT_TRUE(reads_as<uint32_t>("4294967295", UINT32_MAX));
  EXPECT_TRUE(reads_as<uint64_t>(" 18446744073709551615 ", UINT64_MAX));
  EXPECT_TRUE(reads_as<int64_t>("-9223372036854775808", INT64_MIN));
  EXPECT_TRUE(reads_as<int32_t>("-1", -1));
  EXPECT_TRUE(reads_as<int32_t>("-0", 0));
}

TEST(JsonCursor, other_numbers_are_refused) {
  EXPECT_TRUE(refuses<uint32_t>("4294967296"));
  EXPECT_TRUE(refuses<uint32_t>("-1"));
  EXPECT_TRUE(refuses<uint32_t>("-0"));
  EXPECT_TRUE(refuses<uint32_t>("1.0"));
  EXPECT_TRUE(refuses<uint32_t>("1e2"));
  EXPECT_FALSE(reads_as<uint32_t>("01", 1));
  EXPECT_TRUE(refuses<uint32_t>("\"1\""));
  EXPECT_TRUE(refuses<uint32_t>("true"));
  EXPECT_TRUE(refuses<uint32_t>(""));
  EXPECT_TRUE(refuses<uint64_t>("18446744073709551616"));
  EXPECT_TRUE(refuses<int64_t>("9223372036854775808"));
  EXPECT_TRUE(refuses<int32_t>(std::string(1'000'000, '9')));
}

TEST(JsonCursor, a_raw_value_is_its_exact_text) {
  const std::string json = "  { \"a\" : [1,\n 2.50e+1, \"\\u0041\"] }\t";
  JsonCursor in(json);
  std::string_view raw;
  ASSERT_TRUE(in.read_raw(raw));
  EXPECT_EQ(raw, "{ \"a\" : [1,\n 2.50e+1, \"\\u0041\"] }");
  EXPECT_EQ(raw.data(), json.data() + 2);
  EXPECT_TRUE(in.at_end());
}

TEST(JsonCursor, an_error_names_its_place_and_stays) {
  JsonCursor in(R"({"a": x, "b": 1})");
  ASSERT_TRUE(in.begin_object());
  std::string_view key;
  ASSERT_TRUE(in.next_key(key));
  EXPECT_FALSE(in.skip_value());
  EXPECT_FALSE(in.next_key(key));
  EXPECT_FALSE(in.skip_value());
  EXPECT_EQ(in.error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(in.error().message, "JSON, byte 6: expected a value");
}

TEST(JsonScan, stops_are_found_at_every_place_in_every_length) {
  for (size_t size = 0; size < 70; ++size) {
    for (size_t place = 0; place <= size; ++place) {
      for (const char stop : {'"', '\\', '\0', '\n', '\x1F'}) {
        std::string text(size, '\xC3');
        if (place < size) text[place] = stop;
        const char* const end = text.data() + size;
        ASSERT_EQ(find_string_stop(text.data(), end), text.data() + place);
        ASSERT_EQ(find_string_stop_portable(text.data(), end), text.data() + place);
      }
    }
  }
}

TEST(JsonScan, only_quote_backslash_and_control_characters_stop) {
  for (int c = 0; c < 256; ++c) {
    const std::string text(32, static_cast<char>(c));
    const bool stops = c == '"' || c == '\\' || c < 0x20;
    const char* const expected = text.data() + (stops ? 0 : text.size());
    EXPECT_EQ(find_string_stop(text.data(), text.data() + text.size()), expected) << c;
    EXPECT_EQ(find_string_stop_portable(text.data(), text.data() + text.size()), expected) << c;
  }
}

TEST(AppendJsonLine, raw_line_breaks_go_and_nothing_else_does) {
  std::string out = "x";
  append_json_line(out, "{\r\n  \"a\": \"\\n\",\n\n  \"b\": [1,\r2]\n}\n");
  EXPECT_EQ(out, "x{  \"a\": \"\\n\",  \"b\": [1,2]}");
}

TEST(AppendJsonLine, text_without_line_breaks_is_appended_as_it_is) {
  std::string out;
  append_json_line(out, "");
  append_json_line(out, "{ \"a\":\t1 }");
  EXPECT_EQ(out, "{ \"a\":\t1 }");
}

}  // namespace
}  // namespace millrace::protocol
