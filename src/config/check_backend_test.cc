#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/test_support.h"

namespace millrace::config {
namespace {

constexpr std::string_view kConnect =
    "[client.proxy.connect]\nenabled = true\nendpoint = \"https://app.example.com/c\"\n";

Outcome with(std::string_view lines) {
  return load_text(std::string(kConnect) + std::string(lines));
}

TEST(Backend, values_arrive) {
  const Outcome loaded = with(R"(timeout = "2s"
http_headers = ["Cookie", "x-tenant"]
emulated_headers = ["Authorization"]
binary_encoding = true
[[client.proxy.connect.http.static_headers]]
key = "X-Key"
value = "k"
[[client.proxy.connect.http.status_to_code_transforms]]
status_code = 404
to_disconnect = { code = 4504, reason = "not found" }
[[client.proxy.connect.http.status_to_code_transforms]]
status_code = 503
to_error = { code = 1503, message = "later", temporary = true }
)");
  ASSERT_TRUE(loaded.ok) << loaded.all_errors();
  EXPECT_EQ(loaded.all_warnings(), "");
  const ConnectProxy& proxy = loaded.config.client.connect_proxy;
  EXPECT_TRUE(proxy.enabled && proxy.binary_encoding);
  EXPECT_EQ(proxy.timeout, Milliseconds(2000));
  ASSERT_EQ(proxy.static_headers.size(), 1U);
  EXPECT_EQ(proxy.static_headers[0].value, "k");
  ASSERT_EQ(proxy.status_to_code_transforms.size(), 2U);
  EXPECT_EQ(proxy.status_to_code_transforms[0].to_disconnect_code, 4504);
  EXPECT_EQ(proxy.status_to_code_transforms[1].to_error_code, 1503U);
  EXPECT_TRUE(proxy.status_to_code_transforms[1].to_error_temporary);
}

TEST(Backend, static_headers_may_be_a_table_of_names_and_values) {
  const Outcome loaded = with("[client.proxy.connect.http.static_headers]\n\"X-Key\" = \"k\"\n");
  ASSERT_TRUE(loaded.ok) << loaded.all_errors();
  ASSERT_EQ(loaded.config.client.connect_proxy.static_headers.size(), 1U);
  EXPECT_EQ(loaded.config.client.connect_proxy.static_headers[0].key, "X-Key");
  EXPECT_EQ(loaded.config.client.connect_proxy.static_headers[0].value, "k");
}

TEST(Backend, an_endpoint_is_needed_and_is_a_url) {
  EXPECT_EQ(load_text("[client.proxy.connect]\nenabled = true\n").all_errors(),
            "m.toml:1:1: error: client.proxy.connect.endpoint: is needed: where is the backend?\n");
  const auto error_of = [](const std::string& endpoint) {
    return load_text("[client.proxy.connect]\nendpoint = \"" + endpoint + "\"\n").all_errors();
  };
  EXPECT_EQ(error_of("grpc://app:1"),
            "m.toml:2:12: error: client.proxy.connect.endpoint: is one of gRPC, which is not "
            "supported: use http:// or https://\n");
  for (const std::string endpoint : {"app", "http://", "http:///c", "ftp://app", "http://a b"})
    EXPECT_NE(error_of(endpoint), "") << endpoint;
  EXPECT_EQ(error_of("http://app:1/connect?a=b"), "");
}

TEST(Backend, headers_have_names_and_values_of_headers) {
  EXPECT_EQ(with("http_headers = [\"a b\"]\n").all_errors(),
            "m.toml:4:16: error: client.proxy.connect.http_headers: \"a b\" is not a header's "
            "name\n");
  const Outcome host = with("http_headers = [\"Host\"]\n");
  EXPECT_TRUE(host.ok);
  EXPECT_EQ(host.all_warnings(),
            "m.toml:4:16: warning: client.proxy.connect.http_headers: Host is about a connection "
            "or a message, and not passed on\n");
  const auto fixed = [](const std::string& table) {
    return with("http.static_headers = [" + table + "]\n").all_errors();
  };
  EXPECT_NE(fixed(R"({key = "Content-Length", value = "0"})"), "");
  const std::string injected = fixed(R"({key = "X-A", value = "secret\r\nX-B: c"})");
  EXPECT_NE(injected.find("static_headers[0].value: is not a header's value"), std::string::npos)
      << injected;
  EXPECT_EQ(injected.find("secret"), std::string::npos);
}

TEST(Backend, a_status_means_one_thing) {
  const auto error_of = [](const std::string& transform) {
    return with("http.status_to_code_transforms = [" + transform + "]\n").all_errors();
  };
  EXPECT_NE(error_of("{status_code = 404}"), "");
  EXPECT_NE(error_of("{status_code = 404, to_error = {code = 1}, to_disconnect = {code = 4000}}"),
            "");
  EXPECT_NE(error_of("{status_code = 404, to_disconnect = {code = 1000}}"), "");
  EXPECT_EQ(error_of("{status_code = 404, to_disconnect = {code = 4000}}"), "");
}

TEST(Backend, a_user_named_by_a_proxy_needs_one_that_is_trusted) {
  const std::string key = "client.user_id_http_header = \"X-User\"\n";
  EXPECT_EQ(load_text(key).all_warnings(),
            "m.toml:1:30: warning: client.user_id_http_header: is believed of nobody, because "
            "http_server.trusted_proxies is empty\n");
  EXPECT_EQ(load_text(key + "http_server.trusted_proxies = [\"10.0.0.1\"]\n").all_warnings(), "");
  EXPECT_NE(load_text("client.user_id_http_header = \"Host\"\n").all_errors(), "");
}

TEST(Backend, other_proxies_are_named_as_not_supported) {
  const Outcome loaded = load_text(
      "[client]\nallow_anonymous_connect_without_token = true\n"
      "[client.proxy.refresh]\nenabled = true\n");
  EXPECT_TRUE(loaded.ok);
  EXPECT_NE(loaded.all_warnings().find("client.proxy.refresh.enabled"), std::string::npos);
  EXPECT_NE(load_text("[client.proxy.conect]\nenabled = true\n").all_errors(), "");
}

}  // namespace
}  // namespace millrace::config
