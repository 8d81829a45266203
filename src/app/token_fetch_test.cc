#include "app/token_fetch.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::app {
namespace {

class TokenFetch : public testing::Test, protected net::Acceptor {
 protected:
  TokenFetch() : loop_(std::move(net::Loop::create({}, metrics_).value())) {
    router_.add("GET", "/keys", [](const http::Request& request, http::Responder responder) {
      responder.send(http::Response::json(200, std::string(request.header("accept"))));
    });
    router_.add("GET", "/large", [](const http::Request&, http::Responder responder) {
      responder.send(http::Response::json(200, std::string(auth::kJwksBytesMax + 1, ' ')));
    });
    server_.emplace(*loop_, metrics_, http::Options{}, router_);
    address_ = net::Address::parse("127.0.0.1:0").value();
    base::Result<net::ListenSocket> socket = net::ListenSocket::bind(address_, {});
    EXPECT_TRUE(socket && loop_->listen(std::move(*socket), *this));
    client_.emplace(*loop_, http::ClientOptions{});
  }
  void on_accept(std::unique_ptr<net::Stream> stream) override {
    server_->accept(std::move(stream));
  }

  std::string fetched(const std::string& path) {
    std::string result;
    auth::Fetch fetch = fetch_with(*client_);
    fetch("http://" + address_.to_string() + path, [&](base::Result<std::string> body) {
      result = body ? *body : body.error().message;
      loop_->stop();
    });
    loop_->run();
    return result;
  }

  metrics::Core metrics_;
  std::unique_ptr<net::Loop> loop_;
  http::Router router_;
  std::optional<http::Server> server_;
  net::Address address_;
  std::optional<http::Client> client_;
};

TEST_F(TokenFetch, body_of_a_good_answer) {
  EXPECT_EQ(fetched("/keys"), "application/json");
}

TEST_F(TokenFetch, any_other_status_is_a_failure) {
  EXPECT_EQ(fetched("/nowhere"), "answered with status 404");
}

TEST_F(TokenFetch, more_than_a_key_set_may_have_is_a_failure) {
  EXPECT_EQ(fetched("/large"), "the answer is too large");
}

}  // namespace
}  // namespace millrace::app
