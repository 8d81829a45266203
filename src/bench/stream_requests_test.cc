#include "bench/stream_requests.h"

#include <gtest/gtest.h>

#include <string>

#include "bench/http_answer.h"

namespace millrace::bench {
namespace {

const Url kUrl = *Url::parse("ws://h:1/connection/websocket?a=b");
const SessionName kSession{.session = "s", .node = "n"};

TEST(StreamRequests, a_stream_is_opened_beside_the_websocket) {
  Options options;
  options.transport = TransportKind::kHttpStream;
  EXPECT_EQ(opening_request(kUrl, options, "{}"),
            "POST /connection/http_stream?a=b HTTP/1.1\r\nHost: h:1\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  options.protobuf = true;
  EXPECT_NE(opening_request(kUrl, options, "").find("application/octet-stream"), std::string::npos);
}

TEST(StreamRequests, pongs_and_polls_name_their_session) {
  EXPECT_TRUE(pong_request(kUrl, {}, kSession)
                  .ends_with("\r\n\r\n{\"session\":\"s\",\"node\":\"n\",\"data\":\"{}\"}"));
  Options protobuf;
  protobuf.protobuf = true;
  EXPECT_TRUE(pong_request(kUrl, protobuf, kSession)
                  .ends_with(std::string("\r\n\r\n\x0A\x01n\x12\x01s\x1A\x01\x00", 13)));
  const std::string poll = poll_request(kUrl, kSession, 7);
  EXPECT_TRUE(poll.starts_with("POST /connection/long_poll/poll?a=b HTTP/1.1\r\n"));
  EXPECT_TRUE(poll.ends_with("{\"session\":\"s\",\"node\":\"n\",\"ack\":7}"));
}

}  // namespace
}  // namespace millrace::bench
