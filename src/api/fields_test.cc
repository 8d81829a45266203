#include "api/fields.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

struct Everything {
  std::string text;
  bool flag = false;
  std::optional<bool> maybe;
  int64_t integer = 0;
  uint64_t natural = 0;
  std::optional<std::string> payload;
  std::optional<std::string> bytes;
  std::vector<std::string> texts;
  model::Tags tags;
  std::optional<model::Position> position;
  std::vector<std::string> entries;
  int64_t inner = 0;

  // What was wrong, "" if nothing was.
  std::string read(std::string_view json) {
    const std::optional<Failure> wrong = read_object(json, [this](Field& field) {
      field.text("text", text, 5);
      field.boolean("flag", flag);
      field.boolean("maybe", maybe);
      field.integer("integer", integer);
      field.natural("natural", natural);
      field.payload("payload", payload);
      field.base64("bytes", bytes);
      field.texts("texts", texts, 3);
      field.tags("tags", tags, 2, 10);
      field.position("position", position);
      field.entries("entries", entries, 3);
      field.object("object", [this](Field& member) { member.integer("inner", inner); });
    });
    if (!wrong) return "";
    EXPECT_EQ(wrong->code, 107U);
    return wrong->message;
  }
};

TEST(Fields, each_kind_is_read) {
  Everything it;
  EXPECT_EQ(it.read(R"({"text":"a\u00e9b","flag":true,"maybe":false,"integer":-5,
                       "natural":18446744073709551615,"payload":{"a": [1, 2]},"bytes":"AAH/",
                       "texts":["x","y"],"tags":{"k":"v","l":"w"},
                       "position":{"offset":7,"epoch":"e"},"entries":[{"a":1}, 2],
                       "object":{"inner":3}})"),
            "");
  EXPECT_EQ(it.text, "a\u00e9b");
  EXPECT_TRUE(it.flag);
  EXPECT_EQ(it.maybe, false);
  EXPECT_EQ(it.integer, -5);
  EXPECT_EQ(it.natural, UINT64_MAX);
  EXPECT_EQ(it.payload, R"({"a": [1, 2]})");
  EXPECT_EQ(it.bytes, std::string("\x00\x01\xff", 3));
  EXPECT_EQ(it.texts, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(it.tags, (model::Tags{{"k", "v"}, {"l", "w"}}));
  EXPECT_EQ(it.position, (model::Position{"e", model::Offset{7}}));
  EXPECT_EQ(it.entries, (std::vector<std::string>{R"({"a":1})", "2"}));
  EXPECT_EQ(it.inner, 3);
}

TEST(Fields, null_is_as_if_absent_but_for_payloads) {
  Everything it;
  EXPECT_EQ(it.read(R"({"text":null,"flag":null,"maybe":null,"integer":null,"natural":null,
                       "payload":null,"bytes":null,"texts":null,"tags":null,"position":null,
                       "entries":null,"object":null})"),
            "");
  EXPECT_EQ(it.text, "");
  EXPECT_FALSE(it.maybe.has_value());
  EXPECT_FALSE(it.bytes.has_value());
  EXPECT_FALSE(it.position.has_value());
  EXPECT_EQ(it.payload, "null");
}

TEST(Fields, other_types_are_refused_by_name) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"text":5})", "bad request: text must be a string"},
      {R"({"text":["a"]})", "bad request: text must be a string"},
      {R"({"flag":"true"})", "bad request: flag must be true or false"},
      {R"({"flag":1})", "bad request: flag must be true or false"},
      {R"({"maybe":0})", "bad request: maybe must be true or false"},
      {R"({"integer":"5"})", "bad request: integer must be a whole number"},
      {R"({"integer":5.0})", "bad request: integer must be a whole number"},
      {R"({"integer":1e3})", "bad request: integer must be a whole number"},
      {R"({"integer":9223372036854775808})", "bad request: integer must be a whole number"},
      {R"({"natural":-1})", "bad request: natural must be a whole number, and not negative"},
      {R"({"natural":18446744073709551616})",
       "bad request: natural must be a whole number, and not negative"},
      {R"({"bytes":7})", "bad request: bytes must be a string"},
      {R"({"bytes":"A"})", "bad request: bytes is not base64"},
      {R"({"texts":"x"})", "bad request: texts must be an array of strings"},
      {R"({"texts":["x",1]})", "bad request: texts must be an array of strings"},
      {R"({"texts":["x",null]})", "bad request: texts must be an array of strings"},
      {R"({"tags":["x"]})", "bad request: tags must be an object"},
      {R"({"tags":{"a":1}})", "bad request: tags.a must be a string"},
      {R"({"position":7})", "bad request: position must be an object"},
      {R"({"position":{"offset":"7"}})",
       "bad request: position.offset must be a whole number, and not negative"},
      {R"({"entries":{}})", "bad request: entries must be an array"},
      {R"({"object":[]})", "bad request: object must be an object"},
      {R"({"object":{"inner":true}})", "bad request: object.inner must be a whole number"},
      {"[]", "bad request: what is asked must be an object"},
      {"5", "bad request: what is asked must be an object"},
      {"null", "bad request: what is asked must be an object"},
  };
  for (const auto& [json, message] : cases) EXPECT_EQ(Everything().read(json), message) << json;
}

TEST(Fields, bounds_are_told) {
  EXPECT_EQ(Everything().read(R"({"text":"12345"})"), "");
  EXPECT_EQ(Everything().read(R"({"text":"123456"})"), "bad request: text has more than 5 bytes");
  EXPECT_EQ(Everything().read(R"({"texts":["","",""]})"), "");
  EXPECT_EQ(Everything().read(R"({"texts":["","","",""]})"),
            "bad request: texts has more than 3 entries");
  EXPECT_EQ(Everything().read(R"({"entries":[1,2,3,4]})"),
            "bad request: entries has more than 3 entries");
  EXPECT_EQ(Everything().read(R"({"tags":{"a":"","b":"","c":""}})"),
            "bad request: tags has more than 2 entries");
  EXPECT_EQ(Everything().read(R"({"tags":{"a":"1234","b":"1234"}})"), "");
  EXPECT_EQ(Everything().read(R"({"tags":{"a":"1234","b":"12345"}})"),
            "bad request: tags has more than 10 bytes");
}

TEST(Fields, the_last_of_a_repeated_key_counts) {
  Everything it;
  EXPECT_EQ(it.read(R"({"integer":1,"integer":2,"tags":{"a":"1","a":"2"},"texts":["x"],
                       "texts":["y"]})"),
            "");
  EXPECT_EQ(it.integer, 2);
  EXPECT_EQ(it.tags, (model::Tags{{"a", "2"}}));
  EXPECT_EQ(it.texts, (std::vector<std::string>{"y"}));
}

TEST(Fields, unknown_keys_are_skipped_whatever_they_hold) {
  Everything it;
  EXPECT_EQ(it.read(R"({"x":[{"text":"no"}],"y":{"integer":{"z":[]}},"integer":4,"z":"\ud800"})"),
            "");
  EXPECT_EQ(it.integer, 4);
  EXPECT_EQ(it.text, "");
}

TEST(Fields, long_names_are_shown_in_part) {
  const std::string json = R"({"tags":{")" + std::string(1000, 'k') + R"(":1}})";
  EXPECT_LT(Everything().read(json).size(), 120U);
}

}  // namespace
}  // namespace millrace::api
