#include "config/document.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "config/test_support.h"

namespace millrace::config {
namespace {

const Value* find(const Value& root, std::string_view name) {
  for (const Member& member : *root.table()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

std::string json_error(std::string_view text) {
  const auto value = parse_json(text, "f.json");
  return value ? "accepted" : to_string(value.error(), "error");
}

std::string toml_error(std::string_view text) {
  const auto value = parse_toml(text, "f.toml");
  return value ? "accepted" : to_string(value.error(), "error");
}

TEST(Toml, values_know_their_kind_and_place) {
  const auto root = parse_toml("a = 1\n[t]\n  b = \"x\"\nc = [true, 1.5, 2020-01-01]\n", "f.toml");
  ASSERT_TRUE(root);
  EXPECT_EQ(std::get<int64_t>(find(*root, "a")->data), 1);
  const Value* table = find(*root, "t");
  ASSERT_NE(table, nullptr);
  const Value* b = find(*table, "b");
  EXPECT_EQ(*b->string(), "x");
  EXPECT_EQ(b->place.line, 3U);
  EXPECT_EQ(b->place.column, 7U);
  EXPECT_EQ(table->table()->front().place.column, 3U);
  const Array& list = *find(*table, "c")->array();
  EXPECT_EQ(kind_name(list[0]), "a boolean");
  EXPECT_EQ(kind_name(list[1]), "a number");
  EXPECT_EQ(kind_name(list[2]), "a date or time");
}

TEST(Toml, syntax_error_has_line_and_column) {
  EXPECT_TRUE(toml_error("a = 1\nb = = 2\n").starts_with("f.toml:2:5: error: "));
  EXPECT_TRUE(toml_error("[open\n").starts_with("f.toml:1:"));
}

TEST(Toml, key_that_is_written_twice_is_an_error) {
  EXPECT_TRUE(toml_error("a = 1\na = 2\n").starts_with("f.toml:2:"));
  EXPECT_TRUE(toml_error("[t]\n[t]\n").starts_with("f.toml:2:"));
}

TEST(Toml, deep_nesting_is_an_error) {
  EXPECT_NE(toml_error("a = " + std::string(10'000, '[')), "accepted");
}

TEST(Json, values_know_their_kind_and_place) {
  const auto root = parse_json(
      "{\"a\": 1,\n  \"t\": {\"b\": \"x\\u0041\"},\n \"c\": [true, 1.5, null, -7]}", "f.json");
  ASSERT_TRUE(root) << json_error("{}");
  EXPECT_EQ(std::get<int64_t>(find(*root, "a")->data), 1);
  const Value* b = find(*find(*root, "t"), "b");
  EXPECT_EQ(*b->string(), "xA");
  EXPECT_EQ(b->place.line, 2U);
  EXPECT_EQ(b->place.column, 14U);
  EXPECT_EQ(find(*root, "t")->table()->front().place.column, 9U);
  const Array& list = *find(*root, "c")->array();
  EXPECT_EQ(list[0].place.line, 3U);
  EXPECT_EQ(kind_name(list[0]), "a boolean");
  EXPECT_EQ(kind_name(list[1]), "a number");
  EXPECT_EQ(kind_name(list[2]), "null");
  EXPECT_EQ(std::get<int64_t>(list[3].data), -7);
}

TEST(Json, syntax_error_has_its_line) {
  EXPECT_TRUE(json_error("{\n \"a\": 1\n \"b\": 2}").starts_with("f.json:3:"))
      << json_error("{\n \"a\": 1\n \"b\": 2}");
  EXPECT_TRUE(json_error("{\n \"a\": nul\n}").starts_with("f.json:2:7"))
      << json_error("{\n \"a\": nul\n}");
  EXPECT_TRUE(json_error("{\n \"a\": 01\n}").starts_with("f.json:2:7"));
}

TEST(Json, what_is_not_json_is_refused) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":}",
                                      "{\"a\":1",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1",
                                      "{\"a\":[1}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\":tru}",
                                      "{\"a\":truee}",
                                      "{\"a\":nulll}",
                                      "{\"a\":+1}",
                                      "{\"a\":.5}",
                                      "{\"a\":1.}",
                                      "{\"a\":1e}",
                                      "{\"a\":0x10}",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":1}{}",
                                      "{\"a\":1} x",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1}]",
                                      "1",
                                      "\"a\"",
                                      "[]",
                                      "null",
                                      "{\"a\":{\"b\":1}",
                                      "{\"a\":1,,\"b\":2}",
                                      "{,}",
                                      "{\"a\":[,]}",
                                      "{\"a\":1e999}"}) {
    EXPECT_NE(json_error(text), "accepted") << text;
  }
}

TEST(Json, text_behind_the_end_and_a_missing_end_have_their_place) {
  constexpr std::string_view kEnd =
      "the text does not end with the bracket that closes it: it is cut off, or there is more "
      "behind it";
  EXPECT_EQ(json_error("{\"a\": 1}\n x"), "f.json:2:2: error: " + std::string(kEnd));
  EXPECT_EQ(json_error("{\"a\": {}\n,\n"), "f.json:2:1: error: " + std::string(kEnd));
  EXPECT_EQ(json_error("{\"a\": 1}\n{}"),
            "f.json:2:1: error: there is text after the end of the document");
}

TEST(Json, key_that_is_written_twice_is_an_error) {
  EXPECT_EQ(json_error("{\"a\": 1,\n \"b\": 2,\n \"\\u0061\": 3}"),
            "f.json:3:2: error: \"a\" is there twice; first on line 1");
  EXPECT_EQ(json_error("{\"a\": {\"b\": 1}, \"b\": 2}"), "accepted");
}

TEST(Json, comment_is_named_as_such) {
  EXPECT_EQ(json_error("{\n  // no\n  \"a\": 1\n}"),
            "f.json:2:3: error: JSON has no comments; a TOML file may hold some");
  EXPECT_EQ(json_error("{\"a\": 1,\n# no\n\"b\": 2}"),
            "f.json:2:1: error: JSON has no comments; a TOML file may hold some");
  EXPECT_EQ(json_error("{\"a\": /* no */ 1}"),
            "f.json:1:7: error: JSON has no comments; a TOML file may hold some");
}

TEST(Json, depth_is_bounded) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(json_error(nested(kDepthMax)), "accepted");
  EXPECT_NE(json_error(nested(kDepthMax + 1)), "accepted");
  EXPECT_NE(json_error(nested(100'000)), "accepted");
}

TEST(Json, byte_order_mark_is_skipped) {
  EXPECT_EQ(json_error("\xEF\xBB\xBF{}"), "accepted");
}

TEST(Json, many_lines_are_counted_once) {
  std::string text = "{\n";
  for (int i = 0; i < 100'000; ++i) text += "\"k" + std::to_string(i) + "\": 1,\n";
  text += "\"k0\": 2}";
  EXPECT_EQ(json_error(text), "f.json:100002:1: error: \"k0\" is there twice; first on line 2");
}

TEST(ReadDocument, says_why_a_file_cannot_be_read) {
  const TemporaryDirectory directory;
  const auto error = [](const std::string& path) {
    const auto value = read_document(path);
    return value ? "accepted" : value.error().message;
  };
  EXPECT_EQ(error(directory.path() + "/none.toml"), "cannot be opened: No such file or directory");
  EXPECT_EQ(error(directory.write("a.yaml", "a: 1")),
            "YAML is not read here; write it as TOML (.toml) or JSON (.json)");
  EXPECT_EQ(error(directory.write("a.conf", "a = 1")),
            "the name of a configuration file ends in .toml or .json");
  ASSERT_EQ(::mkdir((directory.path() + "/d.toml").c_str(), 0700), 0);
  EXPECT_EQ(error(directory.path() + "/d.toml"), "is a directory");
  EXPECT_EQ(error(directory.write("big.toml", std::string(kFileBytesMax + 1, '\n'))),
            "is larger than 4194304 bytes");
  EXPECT_EQ(error(directory.write("a.toml", "a = 1")), "accepted");
  EXPECT_EQ(error(directory.write("a.json", "{\"a\": 1}")), "accepted");
}

}  // namespace
}  // namespace millrace::config
