#include "http/testing_server.h"

namespace millrace::http {
namespace {

class RouterTest : public ServerTest {
 protected:
  RouterTest() {
    const auto say = [](const char* text) {
      return [text](const Request&, Responder responder) {
        responder.send(Response::text(200, text));
      };
    };
    router_.add("GET", "/files/*", say("files"));
    router_.add("GET", "/files/deep/*", say("deep"));
    router_.add("GET", "/files/deep/exact", say("exact"));
    router_.add("POST", "/files/post", say("post"));
    router_.add("DELETE", "/files/post", say("delete"));
    router_.add("POST", "/only", say("only"));
    router_.add("GET", "/head", say("get"));
    router_.add("HEAD", "/head", say("head"));
  }

  std::string ask(std::string_view method, std::string_view path) {
    TestPeer peer;
    connect(peer);
    peer.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return peer.received();
  }
  std::string answer(std::string_view method, std::string_view path) {
    return summary(ask(method, path));
  }
};

TEST_F(RouterTest, the_closest_path_wins) {
  EXPECT_EQ(answer("GET", "/files/a/b"), "200 files|");
  EXPECT_EQ(answer("GET", "/files/"), "200 files|");
  EXPECT_EQ(answer("GET", "/files/deep/a"), "200 deep|");
  EXPECT_EQ(answer("GET", "/files/deep/exact"), "200 exact|");
  EXPECT_EQ(answer("GET", "/files/deep/exact?query"), "200 exact|");
  EXPECT_EQ(answer("POST", "/files/post"), "200 post|");
  EXPECT_EQ(answer("GET", "/files/post"), "200 files|");
}

TEST_F(RouterTest, an_unknown_path_is_not_found) {
  EXPECT_EQ(answer("GET", "/files"), "404 not found\n|");
  EXPECT_EQ(answer("GET", "/"), "404 not found\n|");
  EXPECT_EQ(answer("POST", "/files%2Fpost"), "404 not found\n|");
}

TEST_F(RouterTest, a_known_path_with_another_method_names_those_that_are_allowed) {
  const std::string response = ask("PUT", "/files/post");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 405 ")) << response;
  EXPECT_NE(response.find("\r\nAllow: DELETE, GET, HEAD, POST\r\n"), std::string::npos) << response;
  EXPECT_NE(ask("GET", "/only").find("\r\nAllow: POST\r\n"), std::string::npos);
}

TEST_F(RouterTest, head_is_answered_by_get_without_the_body) {
  const std::string response = ask("HEAD", "/files/a");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
  EXPECT_NE(response.find("\r\nContent-Length: 5\r\n"), std::string::npos) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\n")) << response;
}

TEST_F(RouterTest, a_route_of_its_own_answers_head_before_get_does) {
  EXPECT_NE(ask("HEAD", "/head").find("\r\nContent-Length: 4\r\n"), std::string::npos);
}

}  // namespace
}  // namespace millrace::http
