#include "edge/refusal.h"

#include <gtest/gtest.h>

namespace millrace::edge {
namespace {

namespace disconnects = model::disconnects;
namespace errors = model::errors;

uint16_t code_for(const model::ReplyError& error, std::span<const ErrorToDisconnect> own = {}) {
  return disconnect_for(error, own).code;
}

TEST(Refusal, errors_have_the_disconnects_of_the_protocol) {
  EXPECT_EQ(code_for(errors::kTokenExpired), disconnects::kExpired.code);
  EXPECT_EQ(code_for(errors::kExpired), disconnects::kExpired.code);
  EXPECT_EQ(code_for(errors::kTooManyRequests), disconnects::kTooManyRequests.code);
  EXPECT_EQ(code_for(errors::kPermissionDenied), disconnects::kPermissionDenied.code);
  EXPECT_EQ(code_for(errors::kInternal), disconnects::kInternal.code);
  EXPECT_EQ(code_for({.code = 404, .message = "of a backend"}), disconnects::kInternal.code);
}

TEST(Refusal, own_disconnects_come_first_and_the_others_stay) {
  const std::vector<ErrorToDisconnect> own{{109, 4109, "log in"}, {404, 4904, ""}};
  const model::Disconnect expired = disconnect_for(errors::kTokenExpired, own);
  EXPECT_EQ(expired.code, 4109);
  EXPECT_EQ(expired.reason, "log in");
  EXPECT_EQ(code_for({.code = 404, .message = {}}, own), 4904);
  EXPECT_EQ(code_for(errors::kExpired, own), disconnects::kExpired.code);
}

// Head and body, without the line that says when.
std::pair<std::string, std::string> parts_of(const std::string& response) {
  const size_t end = response.find("\r\n\r\n");
  EXPECT_NE(end, std::string::npos);
  std::string head = response.substr(0, end + 2);
  const size_t date = head.find("Date: ");
  EXPECT_NE(date, std::string::npos);
  head.erase(date, head.find("\r\n", date) + 2 - date);
  return {head, response.substr(end + 4)};
}

const std::vector<CodeToResponse> kRefusals{
    {109, 401, R"({"why": "expired"})"}, {103, 403, ""}, {111, 204, ""}, {102, 404, "{no"}};

Opening opening() {
  return {
      .head = "HTTP/1.1 200 OK\r\n\r\n", .headers = {{"Vary", "Origin"}}, .refusals = kRefusals};
}

TEST(Refusal, is_a_whole_response_that_ends_the_connection) {
  const auto [head, body] = parts_of(opening().refusal(109, "token expired"));
  EXPECT_EQ(head,
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 18\r\n"
            "Connection: close\r\nVary: Origin\r\nCache-Control: no-store\r\n");
  EXPECT_EQ(body, R"({"why": "expired"})");
}

TEST(Refusal, without_a_body_of_its_own_says_what_the_code_means) {
  const auto [head, body] = parts_of(opening().refusal(103, "permission denied"));
  EXPECT_NE(head.find("403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_EQ(body, "permission denied");
}

TEST(Refusal, of_a_status_that_has_no_body_has_none) {
  const auto [head, body] = parts_of(opening().refusal(111, "too many requests"));
  EXPECT_EQ(head,
            "HTTP/1.1 204 No Content\r\nConnection: close\r\nVary: Origin\r\n"
            "Cache-Control: no-store\r\n");
  EXPECT_EQ(body, "");
}

TEST(Refusal, is_text_unless_its_body_is_json) {
  EXPECT_NE(opening().refusal(102, "").find("Content-Type: text/plain; charset=utf-8\r\n"),
            std::string::npos);
}

TEST(Refusal, is_none_for_other_codes) {
  EXPECT_EQ(opening().refusal(110, "expired"), "");
  EXPECT_EQ(opening().refusal(0, ""), "");
}

}  // namespace
}  // namespace millrace::edge
