#include "edge/visitor_rules.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace::edge {
namespace {

using Headers = std::vector<http::Header>;
using Lines = std::vector<std::string>;

constexpr std::string_view kStranger = "203.0.113.9:5000";
constexpr std::string_view kProxy = "10.0.0.1:5000";

class VisitorRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    options.asks_backend = true;
    options.forwarded_headers = {"cookie", "X-Real-IP", "X-Forwarded-For", "x-forwarded-proto",
                                 "Host"};
    options.forwarded_emulated_headers = {"Authorization", "cookie", "X-User", "x-forwarded-proto"};
    options.user_id_http_header = "x-user";
  }

  base::Result<std::unique_ptr<hub::Visitor>> visit(const Headers& headers,
                                                    std::string_view peer = kStranger) {
    http::Request request;
    request.headers = headers;
    request.peer = peer;
    request.trusted_proxies = &trusted;
    return VisitorRules(options).of_request(request);
  }
  static Lines lines(const hub::Visitor& visitor) {
    Lines result;
    for (const auto& [name, value] : visitor.headers) result.push_back(name + ": " + value);
    return result;
  }
  Lines kept(const Headers& headers, std::string_view peer = kStranger) {
    const auto visitor = visit(headers, peer);
    return visitor && *visitor != nullptr ? lines(**visitor) : Lines{"nothing"};
  }
  // What is told after a connect with these emulated headers.
  Lines told(const Headers& headers,
             std::vector<std::pair<std::string_view, std::string_view>> said) {
    protocol::ConnectRequest connect;
    connect.headers = std::move(said);
    auto visitor = VisitorRules(options).complete(std::move(*visit(headers)), connect);
    return visitor ? lines(**visitor) : Lines{visitor.error().message};
  }

  Options options;
  net::TrustedPeers trusted = *net::TrustedPeers::parse(std::array<std::string, 1>{"10.0.0.0/8"});
};

TEST_F(VisitorRulesTest, only_listed_headers_are_kept_in_whatever_case_they_come) {
  options.forwarded_headers = {"cookie", "X-Two"};
  EXPECT_EQ(kept({{"COOKIE", "a=1"}, {"Authorization", "secret"}, {"x-two", "1"}, {"X-Two", "2"}}),
            (Lines{"Cookie: a=1", "X-Two: 1", "X-Two: 2"}));
}

TEST_F(VisitorRulesTest, the_clients_address_is_what_trusted_proxies_have_told) {
  const Headers spoofed{{"X-Forwarded-For", "1.1.1.1"}, {"X-Real-Ip", "2.2.2.2"}};
  EXPECT_EQ(kept(spoofed), (Lines{"X-Forwarded-For: 203.0.113.9", "X-Real-Ip: 203.0.113.9"}));
  const Headers passed{{"X-Forwarded-For", "1.1.1.1, 198.51.100.7"}, {"X-Real-Ip", "2.2.2.2"}};
  EXPECT_EQ(kept(passed, kProxy),
            (Lines{"X-Forwarded-For: 198.51.100.7", "X-Real-Ip: 198.51.100.7"}));
  EXPECT_EQ(kept({}, "unix"), Lines{}) << "that is no address";
}

TEST_F(VisitorRulesTest, what_proxies_say_is_not_taken_from_clients) {
  options.forwarded_headers = {"X-Forwarded-Proto", "Forwarded", "CF-Connecting-IP", "X-User"};
  const Headers headers{{"X-Forwarded-Proto", "https"},
                        {"Forwarded", "for=1.1.1.1"},
                        {"CF-Connecting-IP", "1.1.1.1"},
                        {"X-User", "42"}};
  EXPECT_EQ(kept(headers), Lines{});
  EXPECT_EQ(kept(headers, kProxy).size(), 4U);
}

TEST_F(VisitorRulesTest, headers_of_a_connection_are_never_kept) {
  options.forwarded_headers = {"Host", "Content-Length", "Upgrade", "Sec-WebSocket-Key", "Origin"};
  EXPECT_EQ(kept({{"Host", "h"},
                  {"Content-Length", "0"},
                  {"Upgrade", "websocket"},
                  {"Sec-WebSocket-Key", "k"},
                  {"Origin", "o"}}),
            (Lines{"Origin: o"}));
}

TEST_F(VisitorRulesTest, only_a_trusted_proxy_names_the_user) {
  EXPECT_EQ((*visit({{"X-User", "42"}}))->user, "");
  EXPECT_EQ((*visit({{"x-user", "42"}}, kProxy))->user, "42");
  EXPECT_FALSE(visit({{"X-User", "1"}, {"X-User", "42"}}, kProxy)) << "which of them is its own?";
  EXPECT_FALSE(visit({{"X-User", "\xff"}}, kProxy));
}

TEST_F(VisitorRulesTest, nothing_is_kept_where_nobody_asks) {
  options = {};
  EXPECT_EQ(kept({{"Cookie", "a=1"}}), Lines{"nothing"});
  options.forwarded_headers = {"Cookie"};
  EXPECT_EQ(kept({{"Cookie", "a=1"}}), Lines{"nothing"}) << "the backend is not asked";
  protocol::ConnectRequest connect{.data = "{}"};
  EXPECT_EQ(*VisitorRules(options).complete(nullptr, connect), nullptr);
}

TEST_F(VisitorRulesTest, what_is_kept_is_bounded) {
  const std::string most(VisitorRules::kHeaderBytesMax - std::string_view("Cookie").size(), 'a');
  options.forwarded_headers = {"Cookie"};
  EXPECT_TRUE(visit({{"Cookie", most}}));
  const auto over = visit({{"Cookie", most}, {"Cookie", ""}});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(told({}, {{"Authorization", most}, {"Cookie", most}}),
            (Lines{"the headers are too large"}));
}

TEST_F(VisitorRulesTest, emulated_headers_stand_in_for_those_that_are_not_there) {
  options.forwarded_headers = {"Cookie", "Authorization"};
  EXPECT_EQ(told({{"Cookie", "real"}}, {{"cookie", "made up"},
                                        {"authorization", "first"},
                                        {"AUTHORIZATION", "last"},
                                        {"X-Other", "not listed"}}),
            (Lines{"Cookie: real", "Authorization: last"}));
}

TEST_F(VisitorRulesTest, emulated_headers_are_never_a_proxys) {
  options.forwarded_headers = {};
  EXPECT_EQ(told({}, {{"X-User", "42"}, {"X-Forwarded-Proto", "https"}}), Lines{});
}

TEST_F(VisitorRulesTest, an_emulated_header_is_one_line) {
  options.forwarded_headers = {};
  EXPECT_EQ(told({}, {{"Authorization", "a\r\nX-User: 42"}}),
            (Lines{"not a header: Authorization"}));
  EXPECT_EQ(told({}, {{"Authorization\r\nX-User", "42"}}), Lines{});
}

TEST_F(VisitorRulesTest, a_token_speaks_for_itself) {
  protocol::ConnectRequest connect{.token = "t"};
  auto visitor = visit({{"X-User", "42"}}, kProxy);
  EXPECT_EQ(*VisitorRules(options).complete(std::move(*visitor), connect), nullptr);
}

TEST_F(VisitorRulesTest, the_backend_hears_what_the_client_connects_with) {
  protocol::ConnectRequest connect{.data = R"({"a":1})", .name = "js", .version = "1"};
  connect.subs.emplace_back("news", protocol::SubscribeRequest{});
  const auto visitor = VisitorRules(options).complete(nullptr, connect);
  ASSERT_TRUE(visitor);
  EXPECT_EQ((*visitor)->data, R"({"a":1})");
  EXPECT_EQ((*visitor)->name, "js");
  EXPECT_EQ((*visitor)->version, "1");
  EXPECT_EQ((*visitor)->channels, (Lines{"news"}));
}

}  // namespace
}  // namespace millrace::edge
