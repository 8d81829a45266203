#include <gtest/gtest.h>

#include <string>

#include "config/keys.h"
#include "config/test_support.h"

namespace millrace::config {
namespace {

// Somebody may come in: no warning but those that a test is about.
constexpr std::string_view kOpen = "[client]\nallow_anonymous_connect_without_token = true\n";

std::string text_with(std::string_view transforms) {
  return "[uni_sse.connect_code_to_http_response]\nenabled = true\ntransforms = [" +
         std::string(transforms) + "]\n";
}
std::string errors_of(std::string_view transforms) {
  return load_text(text_with(transforms)).all_errors();
}

constexpr std::string_view kLead =
    "m.toml:3:15: error: uni_sse.connect_code_to_http_response.transforms[0]";

TEST(Tables, are_read_from_toml_in_every_way_of_writing_them) {
  const std::string dotted =
      "{code = 109, to.status_code = 401, to.body = \"log in\"}, "
      "{code = 3500, to.status_code = 403}";
  const std::string nested =
      "{code = 109, to = {status_code = 401, body = \"log in\"}}, "
      "{code = 3500, to = {status_code = 403}}";
  const std::string lead = "[[uni_sse.connect_code_to_http_response.transforms]]\n";
  const std::string own = "[uni_sse.connect_code_to_http_response]\nenabled = true\n" + lead +
                          "code = 109\n[uni_sse.connect_code_to_http_response.transforms.to]\n"
                          "status_code = 401\nbody = \"log in\"\n" +
                          lead + "code = 3500\nto = {status_code = 403}\n";
  for (const std::string& text : {text_with(dotted), text_with(nested), own}) {
    const Outcome outcome = load_text(text);
    ASSERT_TRUE(outcome.ok) << outcome.all_errors();
    const auto& read = outcome.config.uni_sse.connect_code_to_http_response;
    EXPECT_TRUE(read.enabled);
    ASSERT_EQ(read.transforms.size(), 2U);
    EXPECT_EQ(read.transforms[0].code, 109U);
    EXPECT_EQ(read.transforms[0].to_status_code, 401);
    EXPECT_EQ(read.transforms[0].to_body, "log in");
    EXPECT_EQ(read.transforms[1].code, 3500U);
    EXPECT_EQ(read.transforms[1].to_body, "");
  }
}

TEST(Tables, are_read_from_the_json_that_centrifugo_documents) {
  const Outcome outcome = load_text(
      R"({"client": {"connect_code_to_unidirectional_disconnect": {"enabled": true, "transforms": [
           {"code": 404, "to": {"code": 4904, "reason": "not found"}},
           {"code": 429, "to": {"code": 4429}}]}}})",
      {}, "m.json");
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const auto& read = outcome.config.client.connect_code_to_unidirectional_disconnect.transforms;
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].code, 404U);
  EXPECT_EQ(read[0].to_code, 4904);
  EXPECT_EQ(read[0].to_reason, "not found");
  EXPECT_EQ(read[1].to_reason, "");
}

TEST(Tables, of_the_environment_are_json_and_go_over_the_file) {
  const std::string variable = "MILLRACE_UNI_SSE_CONNECT_CODE_TO_HTTP_RESPONSE_TRANSFORMS";
  const std::string file = text_with("{code = 109, to.status_code = 401}");
  const Outcome outcome =
      load_text(file, {{variable, R"([{"code": 103, "to": {"status_code": 403}}])"}});
  ASSERT_TRUE(outcome.ok) << outcome.all_errors();
  const auto& read = outcome.config.uni_sse.connect_code_to_http_response.transforms;
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].code, 103U);
  EXPECT_TRUE(load_text(file, {{variable, ""}}).ok);
  EXPECT_EQ(load_text(file, {{variable, "{}"}}).all_errors(),
            "environment variable " + variable +
                ": error: uni_sse.connect_code_to_http_response.transforms: expects a list of "
                "tables, got a table\n");
  EXPECT_NE(load_text(file, {{variable, "["}}).all_errors().find("is not valid JSON"),
            std::string::npos);
}

TEST(Tables, mistakes_are_told_where_they_were_made) {
  const std::string lead(kLead);
  EXPECT_EQ(errors_of("{to.status_code = 401}"), lead + ": needs code\n");
  EXPECT_EQ(errors_of("{code = 109}"), lead + ": needs to.status_code\n");
  EXPECT_EQ(errors_of("7"), lead + ": expects a table, got an integer\n");
  EXPECT_EQ(errors_of("{code = 109, to = 401}"),
            lead + ": needs to.status_code\n" +
                "m.toml:3:33: error: uni_sse.connect_code_to_http_response.transforms[0].to: "
                "expects a table, got an integer\n");
  EXPECT_EQ(
      errors_of("{code = 109, to.status_cod = 401, to.status_code = 401}"),
      "m.toml:3:31: error: uni_sse.connect_code_to_http_response.transforms[0].to.status_cod: "
      "unknown key, did you mean to.status_code?\n");
  EXPECT_EQ(errors_of("{code = \"109\", to.status_code = 401}"),
            "m.toml:3:23: error: uni_sse.connect_code_to_http_response.transforms[0].code: expects "
            "an integer, got \"109\"\n");
}

TEST(Tables, values_are_within_their_bounds) {
  const std::string lead(kLead);
  for (const std::string code : {"0", "-1", "5000", "4294967297"}) {
    EXPECT_NE(errors_of("{code = " + code + ", to.status_code = 401}")
                  .find("transforms[0].code: must be between 1 and 4999, got " + code),
              std::string::npos);
  }
  for (const std::string status : {"0", "100", "199", "600", "65936"}) {
    EXPECT_NE(errors_of("{code = 109, to.status_code = " + status + "}")
                  .find("transforms[0].to.status_code: must be between 200 and 599, got " + status),
              std::string::npos);
  }
  const auto with_body = [](size_t bytes) {
    return "{code = 109, to.status_code = 401, to.body = \"" + std::string(bytes, 'x') + "\"}";
  };
  EXPECT_EQ(errors_of(with_body(16'384)), "");
  EXPECT_NE(errors_of(with_body(16'385)).find("must not be longer than 16384 bytes"),
            std::string::npos);
}

TEST(Tables, reasons_of_disconnects_fit_into_a_close_frame) {
  const auto error_of = [](const std::string& to) {
    return load_text(
               "[client.connect_code_to_unidirectional_disconnect]\ntransforms = [{code = "
               "404, to = {" +
               to + "}}]\n")
        .all_errors();
  };
  EXPECT_EQ(error_of("code = 4904, reason = \"" + std::string(123, 'x') + "\""), "");
  EXPECT_NE(error_of("code = 4904, reason = \"" + std::string(124, 'x') + "\"")
                .find("transforms[0].to.reason: must not be longer than 123 bytes"),
            std::string::npos);
  EXPECT_NE(error_of("code = 4904, reason = \"caf\u00e9\"").find("must be printable ASCII"),
            std::string::npos);
  EXPECT_NE(error_of("code = 404").find("to.code: must be between 3000 and 4999, got 404"),
            std::string::npos);
}

TEST(Tables, no_code_stands_twice) {
  EXPECT_EQ(
      errors_of("{code = 109, to.status_code = 401}, {code = 109, to.status_code = 403}"),
      "m.toml:3:59: error: uni_sse.connect_code_to_http_response.transforms[1].code: there is "
      "another table with the same\n");
}

TEST(Tables, are_not_endless) {
  std::string many;
  for (int i = 1; i <= 1001; ++i)
    many += "{code = " + std::to_string(i) + ", to.status_code = 401},";
  EXPECT_NE(errors_of(many).find("has more than 1000 tables"), std::string::npos);
}

TEST(Tables, are_written_so_that_they_can_be_read) {
  const Row row{{"code", int64_t{109}}, {"to.status_code", int64_t{401}}, {"to.body", "a \"b\""}};
  const std::string text = toml_text(Setting(std::vector<Row>{row, row}));
  const std::string once = "{code = 109, to.status_code = 401, to.body = \"a \\\"b\\\"\"}";
  EXPECT_EQ(text, "[" + once + ", " + once + "]");
  EXPECT_EQ(errors_of(once), "");
}

TEST(Refusals, of_a_status_without_a_body_have_none) {
  EXPECT_EQ(errors_of("{code = 109, to.status_code = 204}"), "");
  EXPECT_EQ(errors_of("{code = 109, to.status_code = 204, to.body = \"x\"}"),
            "m.toml:3:15: error: uni_sse.connect_code_to_http_response.transforms[0].to.body: a "
            "response with status 204 has no body\n");
}

TEST(Refusals, that_are_none_are_warned_about) {
  const Outcome outcome = load_text(std::string(kOpen) +
                                    "[uni_http_stream.connect_code_to_http_response]\n"
                                    "enabled = true\n"
                                    "[uni_websocket]\ndisable_disconnect_push = true\n"
                                    "disable_closing_handshake = true\n");
  EXPECT_EQ(outcome.all_warnings(),
            "m.toml:4:11: warning: uni_http_stream.connect_code_to_http_response.enabled: is on "
            "without transforms, and does nothing\n"
            "m.toml:7:29: warning: uni_websocket.disable_closing_handshake: and "
            "uni_websocket.disable_disconnect_push are both on: clients are not told why they are "
            "closed\n");
}

TEST(Init, has_a_path_of_its_own) {
  EXPECT_EQ(load_text("[init]\nenabled = true\nhandler_prefix = \"/connection/websocket\"\n")
                .all_errors(),
            "m.toml:3:18: error: init.handler_prefix: is the same path as "
            "websocket.handler_prefix\n");
}

}  // namespace
}  // namespace millrace::config
