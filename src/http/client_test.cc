// Outgoing requests against a server of our own, on real sockets of the same loop.
#include "http/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/http.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::http {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientTest : public testing::Test, protected net::Acceptor {
 protected:
  ClientTest() : loop_(std::move(net::Loop::create({}, metrics_).value())) {
    router_.add("GET", "/hello", [](const Request& request, Responder responder) {
      responder.send(Response::text(200, "hello " + std::string(request.header("x-name"))));
    });
    router_.add("POST", "/echo", [this](const Request& request, Responder responder) {
      expectations_ += request.header("expect");
      responder.send(Response::text(
          201, std::string(request.header("content-type")) + " " + std::string(request.body)));
    });
    router_.add("GET", "/never", [this](const Request&, Responder responder) {
      unanswered_.push_back(std::move(responder));
      if (on_never_) on_never_();
    });
    router_.add("GET", "/large", [](const Request&, Responder responder) {
      responder.send(Response::text(200, std::string(1000, 'x')));
    });
    router_.add("GET", "/redirect", [](const Request& request, Responder responder) {
      Response response = Response::text(302, "elsewhere");
      response.headers.emplace_back("Location", request.parameter("to").value_or(""));
      responder.send(std::move(response));
    });
    router_.add("POST", "/redirect", [](const Request&, Responder responder) {
      Response response = Response::text(302, "elsewhere");
      response.headers.emplace_back("Location", "/hello");
      responder.send(std::move(response));
    });
    server_.emplace(*loop_, metrics_, Options{}, router_);
    address_ = net::Address::parse("127.0.0.1:0").value();
    base::Result<net::ListenSocket> socket = net::ListenSocket::bind(address_, {});
    EXPECT_TRUE(socket && loop_->listen(std::move(*socket), *this));
    client_.emplace(*loop_, ClientOptions{});
  }

  void on_accept(std::unique_ptr<net::Stream> stream) override {
    ++accepted_;
    server_->accept(std::move(stream));
  }

  std::string url(std::string_view path) const {
    return "http://" + address_.to_string() + std::string(path);
  }

  // Adds what became of the request to `results_`, as "200 body" or "unavailable: why".
  void send(ClientRequest request) {
    ++sent_;
    client_->send(std::move(request), [this](base::Result<ClientResponse> result) {
      results_.push_back(shown(result));
      if (results_.size() == sent_) loop_->stop();
    });
  }

  // Runs until everything that was sent has been answered.
  const std::vector<std::string>& run() {
    EXPECT_TRUE(results_.empty()) << "answered inside send()";
    const base::TimerId limit = loop_->after(seconds(20), [this] { loop_->stop(); });
    loop_->run();
    loop_->cancel(limit);
    EXPECT_EQ(results_.size(), sent_);
    return results_;
  }

  std::string result_of(ClientRequest request) {
    send(std::move(request));
    run();
    return results_.empty() ? "nothing" : results_[0];
  }

  static std::string shown(const base::Result<ClientResponse>& result) {
    if (result) return std::to_string(result->status) + " " + result->body;
    switch (result.error().code) {
      case ErrorCode::kInvalid:
        return "invalid: " + result.error().message;
      case ErrorCode::kTooLarge:
        return "too large";
      case ErrorCode::kLimit:
        return "limit";
      case ErrorCode::kUnavailable:
        return "unavailable: " + result.error().message;
      default:
        return "?";
    }
  }

  metrics::Core metrics_;
  std::unique_ptr<net::Loop> loop_;
  Router router_;
  std::vector<Responder> unanswered_;
  std::function<void()> on_never_;
  std::optional<Server> server_;
  net::Address address_;
  size_t accepted_ = 0;
  std::string expectations_;
  std::optional<Client> client_;
  size_t sent_ = 0;
  std::vector<std::string> results_;
};

TEST_F(ClientTest, answer_to_a_get) {
  EXPECT_EQ(result_of({.url = url("/hello"), .headers = {{"X-Name", "you"}}}), "200 hello you");
  EXPECT_EQ(client_->in_flight(), 0U);
}

TEST_F(ClientTest, answer_to_a_post) {
  const std::string body(1'000'000, 'b');
  EXPECT_EQ(result_of({.method = ClientMethod::kPost,
                       .url = url("/echo"),
                       .headers = {{"Content-Type", "text/x"}},
                       .body = body}),
            "201 text/x " + body);
  EXPECT_EQ(expectations_, "");
}

TEST_F(ClientTest, any_status_is_an_answer) {
  EXPECT_EQ(result_of({.url = url("/nowhere")}), "404 not found\n");
}

TEST_F(ClientTest, silence_ends_with_the_timeout) {
  const base::MonotonicTime began = base::monotonic_now();
  EXPECT_TRUE(result_of({.url = url("/never"), .timeout = milliseconds(100)})
                  .starts_with("unavailable: Operation timed out"));
  EXPECT_GE(base::monotonic_now() - began, milliseconds(100));
}

TEST_F(ClientTest, answer_over_the_limit_is_refused) {
  EXPECT_EQ(result_of({.url = url("/large"), .body_bytes_max = 999}), "too large");
}

TEST_F(ClientTest, answer_at_the_limit_is_taken) {
  EXPECT_EQ(result_of({.url = url("/large"), .body_bytes_max = 1000}),
            "200 " + std::string(1000, 'x'));
}

TEST_F(ClientTest, headers_of_an_answer_are_bounded) {
  router_.add("GET", "/heads", [](const Request&, Responder responder) {
    Response response = Response::text(200, "");
    for (int i = 0; i < 100; ++i) response.headers.emplace_back("X-Long", std::string(1000, 'x'));
    responder.send(std::move(response));
  });
  EXPECT_EQ(result_of({.url = url("/heads")}), "too large");
}

TEST_F(ClientTest, nobody_there_is_unavailable) {
  // A port that was free a moment ago, and that nobody listens on.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  socklen_t size = sizeof(to);
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&to), size), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size), 0);
  address_.port = ntohs(to.sin_port);
  EXPECT_TRUE(result_of({.url = url("/hello")}).starts_with("unavailable: Failed to connect"));
  ::close(fd);
}

TEST_F(ClientTest, connection_is_used_again) {
  std::function<void(int)> ask = [&](int left) {
    client_->send({.url = url("/hello")}, [&, left](base::Result<ClientResponse> result) {
      results_.push_back(shown(result));
      left > 1 ? ask(left - 1) : loop_->stop();
    });
  };
  ask(5);
  loop_->after(seconds(20), [this] { loop_->stop(); });
  loop_->run();
  EXPECT_EQ(results_, std::vector<std::string>(5, "200 hello "));
  EXPECT_EQ(accepted_, 1U);
}

TEST_F(ClientTest, redirects_of_a_get_are_followed_a_few_times) {
  const std::string hello = url("/redirect?to=/hello");
  EXPECT_EQ(result_of({.url = hello, .headers = {{"X-Name", "you"}}}), "200 hello you");
}

TEST_F(ClientTest, redirects_in_a_circle_end) {
  router_.add("GET", "/circle", [](const Request&, Responder responder) {
    Response response = Response::text(302, "");
    response.headers.emplace_back("Location", "/circle");
    responder.send(std::move(response));
  });
  EXPECT_TRUE(result_of({.url = url("/circle")}).starts_with("unavailable: Maximum (3) redirects"));
}

TEST_F(ClientTest, redirects_to_other_protocols_are_not_followed) {
  EXPECT_TRUE(result_of({.url = url("/redirect?to=file:///etc/hostname")})
                  .starts_with("invalid: Protocol \"file\""));
}

TEST_F(ClientTest, redirects_of_a_post_are_the_callers_affair) {
  EXPECT_EQ(result_of({.method = ClientMethod::kPost, .url = url("/redirect"), .body = "x"}),
            "302 elsewhere");
}

TEST_F(ClientTest, requests_that_make_no_sense_are_refused) {
  send({.url = "ftp://127.0.0.1/"});
  send({.url = "file:///etc/hostname"});
  send({.url = "127.0.0.1"});
  send({.url = ""});
  send({.url = url("/\n")});
  send({.url = url("/hello"), .headers = {{"X-Name", "a\r\nX-Other: b"}}});
  send({.url = url("/hello"), .headers = {{"X: Name", "a"}}});
  send({.url = url("/hello"), .timeout = milliseconds(0)});
  send({.url = "http://"});
  for (const std::string& result : run()) EXPECT_TRUE(result.starts_with("invalid: ")) << result;
  EXPECT_EQ(accepted_, 0U);
}

TEST_F(ClientTest, requests_in_flight_are_bounded) {
  client_.emplace(*loop_, ClientOptions{.requests_max = 1});
  send({.url = url("/hello")});
  send({.url = url("/hello")});
  EXPECT_EQ(run(), (std::vector<std::string>{"limit", "200 hello "}));
}

TEST_F(ClientTest, requests_beyond_the_connections_wait_for_one) {
  client_.emplace(*loop_, ClientOptions{.connections_max = 2});
  for (int i = 0; i < 20; ++i) send({.url = url("/hello")});
  EXPECT_EQ(run(), std::vector<std::string>(20, "200 hello "));
  EXPECT_EQ(accepted_, 2U);
}

TEST_F(ClientTest, waiting_for_a_connection_counts_as_time) {
  client_.emplace(*loop_, ClientOptions{.connections_max = 1});
  send({.url = url("/never"), .timeout = milliseconds(400)});
  send({.url = url("/never"), .timeout = milliseconds(100)});
  for (const std::string& result : run()) EXPECT_TRUE(result.starts_with("unavailable: "));
  EXPECT_EQ(unanswered_.size(), 1U);
}

TEST_F(ClientTest, destroyed_in_flight_it_drops_its_callbacks) {
  send({.url = url("/never")});
  on_never_ = [this] {
    client_.reset();
    loop_->post([this] { loop_->stop(); });
  };
  loop_->after(seconds(20), [this] { loop_->stop(); });
  loop_->run();
  EXPECT_EQ(unanswered_.size(), 1U);
  EXPECT_TRUE(results_.empty());
}

TEST_F(ClientTest, destroyed_at_once_it_drops_its_callbacks) {
  send({.url = url("/hello")});
  send({.url = "nonsense"});
  client_.reset();
  loop_->after(milliseconds(1), [this] { loop_->stop(); });
  loop_->run();
  EXPECT_TRUE(results_.empty());
}

TEST_F(ClientTest, callback_may_destroy_the_client) {
  size_t calls = 0;
  for (int i = 0; i < 5; ++i) {
    client_->send({.url = url("/hello")}, [&](auto) {
      ++calls;
      client_.reset();
      loop_->post([this] { loop_->stop(); });
    });
  }
  loop_->after(seconds(20), [this] { loop_->stop(); });
  loop_->run();
  EXPECT_EQ(calls, 1U);
}

TEST_F(ClientTest, connection_that_breaks_off_is_unavailable) {
  send({.url = url("/never")});
  on_never_ = [this] { loop_->post([this] { server_.reset(); }); };
  EXPECT_TRUE(run()[0].starts_with("unavailable: "));
}

}  // namespace
}  // namespace millrace::http
