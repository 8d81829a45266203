#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

HandshakeRequest sample() {
  return {.method = "GET",
          .http_1_1 = true,
          .upgrade = "websocket",
          .connection = "Upgrade",
          .key = "dGhlIHNhbXBsZSBub25jZQ==",
          .version = "13",
          .protocols = "",
          .extensions = ""};
}

int status_of(const HandshakeRequest& request) {
  const auto handshake = accept_handshake(request, {});
  if (handshake) return 101;
  EXPECT_FALSE(handshake.error().reason.empty());
  return handshake.error().status;
}

TEST(Handshake, keys_are_answered_the_same_after_others_and_on_another_thread) {
  const std::string first = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
  const std::string second = accept_key("x3JJHMbDL1EzLkh9GBhXDw==");
  EXPECT_EQ(first, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(second, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
  std::thread([&] { EXPECT_EQ(accept_key("x3JJHMbDL1EzLkh9GBhXDw=="), second); }).join();
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), first);
}

TEST(Handshake, the_key_of_the_rfc_is_accepted_with_its_answer) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const auto handshake = accept_handshake(sample(), {});
  ASSERT_TRUE(handshake.has_value());
  EXPECT_EQ(handshake->response,
            "HTTP/1.1 101 Switching Protocols\r\n"
            "Upgrade: websocket\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  EXPECT_EQ(handshake->protocol, "");
  EXPECT_FALSE(handshake->deflate);
}

TEST(Handshake, only_get_over_http_1_1) {
  for (std::string_view method : {"POST", "HEAD", "get", ""}) {
    HandshakeRequest request = sample();
    request.method = method;
    EXPECT_EQ(status_of(request), 405) << method;
  }
  HandshakeRequest request = sample();
  request.http_1_1 = false;
  EXPECT_EQ(status_of(request), 400);
}

TEST(Handshake, upgrade_and_connection_are_lists_without_case) {
  for (std::string_view upgrade :
       {"websocket", "WebSocket", "h2c, websocket", "h2c ,\tWEBSOCKET"}) {
    HandshakeRequest request = sample();
    request.upgrade = upgrade;
    EXPECT_EQ(status_of(request), 101) << upgrade;
  }
  for (std::string_view connection : {"upgrade", "keep-alive, Upgrade", ", UPGRADE,"}) {
    HandshakeRequest request = sample();
    request.connection = connection;
    EXPECT_EQ(status_of(request), 101) << connection;
  }
}

TEST(Handshake, without_upgrade_or_connection_it_is_a_bad_request) {
  for (std::string_view value : {"", "close", "websocketx", "web socket", "upgradeable"}) {
    HandshakeRequest request = sample();
    request.upgrade = value;
    EXPECT_EQ(status_of(request), 400) << value;
    request = sample();
    request.connection = value;
    EXPECT_EQ(status_of(request), 400) << value;
  }
}

TEST(Handshake, another_version_needs_an_upgrade) {
  for (std::string_view version : {"", "8", "12", "14", "013", "13, 8"}) {
    HandshakeRequest request = sample();
    request.version = version;
    EXPECT_EQ(status_of(request), 426) << version;
  }
}

TEST(Handshake, the_key_must_be_16_bytes_in_base64) {
  for (std::string_view key :
       {"", "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25jZTEy",
        "dGhlIHNhbXBs!SBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZTEyMzQ=", "=GhlIHNhbXBsZSBub25jZQ=="}) {
    HandshakeRequest request = sample();
    request.key = key;
    EXPECT_EQ(status_of(request), 400) << key;
  }
}

TEST(Handshake, the_servers_first_choice_among_the_offered_protocols_wins) {
  static constexpr std::array<std::string_view, 2> kProtocols = {"centrifuge-protobuf",
                                                                 "centrifuge-json"};
  const auto chosen = [](std::string_view offered) {
    HandshakeRequest request = sample();
    request.protocols = offered;
    const auto handshake = accept_handshake(request, {.protocols = kProtocols});
    EXPECT_TRUE(handshake.has_value());
    EXPECT_EQ(handshake->response.contains(
                  "Sec-WebSocket-Protocol: " + std::string(handshake->protocol) + "\r\n"),
              !handshake->protocol.empty());
    return handshake->protocol;
  };
  EXPECT_EQ(chosen("centrifuge-json, centrifuge-protobuf"), "centrifuge-protobuf");
  EXPECT_EQ(chosen("x,centrifuge-json"), "centrifuge-json");
  EXPECT_EQ(chosen("Centrifuge-JSON, centrifuge"), "");
  EXPECT_EQ(chosen(""), "");
}

TEST(Handshake, deflate_is_answered_only_when_it_is_on) {
  HandshakeRequest request = sample();
  request.extensions = "permessage-deflate; client_max_window_bits";
  EXPECT_FALSE(accept_handshake(request, {})->deflate);
  EXPECT_FALSE(accept_handshake(request, {})->response.contains("Extensions"));
  const auto handshake = accept_handshake(request, {.protocols = {}, .deflate = true});
  EXPECT_TRUE(handshake->deflate);
  EXPECT_TRUE(handshake->response.ends_with(
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover\r\n\r\n"));
}

TEST(Handshake, small_windows_are_declined_unless_the_caller_can_make_them) {
  HandshakeRequest request = sample();
  request.extensions = "permessage-deflate; server_max_window_bits=10";
  EXPECT_FALSE(accept_handshake(request, {.protocols = {}, .deflate = true})->deflate);
  const auto handshake =
      accept_handshake(request, {.protocols = {}, .deflate = true, .deflate_window_bits_min = 9});
  EXPECT_TRUE(handshake->deflate);
  EXPECT_EQ(handshake->deflate_window_bits, 10);
}

TEST(Handshake, malformed_extensions_are_a_bad_request) {
  HandshakeRequest request = sample();
  request.extensions = "permessage-deflate; =";
  EXPECT_EQ(status_of(request), 400);
}

}  // namespace
}  // namespace millrace::websocket
