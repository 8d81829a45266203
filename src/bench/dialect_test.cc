// What the dialects say, and what they make of what servers say.
#include "bench/dialect.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/frames.h"

namespace millrace::bench {
namespace {

class Heard final : public DialectHearer {
 public:
  void on_joined(Client&) override { text += "joined "; }
  void on_delivery(Client&, const Stamp& stamp) override {
    text += "got " + std::to_string(stamp.sequence) + " ";
  }
  void on_answer(Client&, uint32_t id) override { text += "answer " + std::to_string(id) + " "; }
  void on_refused(Client&, std::string_view reason) override { (text += "refused ") += reason; }
  void on_broken(Client& client, std::string_view) override {
    client.fd = -1;
    text += "broken";
  }
  void on_position(Client&, std::string_view epoch, uint64_t offset) override {
    text += "at " + std::string(epoch) + "/" + std::to_string(offset) + " ";
  }
  void on_session(Client&, const SessionName& session) override {
    text += "session " + session.session + " of " + session.node + " ";
  }
  void on_ping(Client&) override { text += "ping "; }
  std::string text;
};

class DialectTest : public testing::Test {
 protected:
  DialectTest() { client_.fd = 0; }

  // What was understood of a message.
  std::string read(Dialect& dialect, std::string_view message) {
    heard_.text.clear();
    dialect.read(client_, message, out_);
    return heard_.text;
  }
  std::string payload(uint32_t sequence) {
    return std::string(maker_.make({.sequence = sequence}));
  }
  // The payloads of the frames that were written, unmasked because the key is 0.
  std::string written() {
    std::string text;
    for (size_t at = 0; at < out_.size();) {
      const auto length = static_cast<uint8_t>(out_[at + 1]) & 0x7FU;
      const size_t header = length == 126 ? 8 : 6;
      const size_t bytes = length == 126 ? static_cast<uint8_t>(out_[at + 2]) * 256U +
                                               static_cast<uint8_t>(out_[at + 3])
                                         : length;
      text += out_.substr(at + header, bytes) + "|";
      at += header + bytes;
    }
    out_.clear();
    return text;
  }
  std::string join(Dialect& dialect, const Joining& joining) {
    dialect.join(client_, joining, out_);
    return written();
  }

  Heard heard_;
  Client client_;
  std::string out_;
  PayloadMaker maker_{80};
  const std::vector<std::string> channels_ = {"a", "b"};
  Options options_;
};

TEST_F(DialectTest, json_connects_and_subscribes_in_one_frame) {
  const auto dialect = make_centrifuge_json(options_, heard_);
  EXPECT_EQ(join(*dialect, {.channels = channels_, .recoverable = true}),
            "{\"id\":1,\"connect\":{\"name\":\"bench\"}}\n"
            "{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recoverable\":true}}\n"
            "{\"id\":3,\"subscribe\":{\"channel\":\"b\",\"recoverable\":true}}|");
  EXPECT_EQ(read(*dialect, R"({"id":1,"connect":{"client":"x","ping":25,"pong":true}})"), "");
  EXPECT_EQ(read(*dialect, "{\"id\":2,\"subscribe\":{}}\n{\"id\":3,\"subscribe\":{}}"), "joined ");
}

TEST_F(DialectTest, json_takes_a_batch_apart_and_answers_pings) {
  const auto dialect = make_centrifuge_json(options_, heard_);
  const auto push = [&](uint32_t sequence) {
    return R"({"push":{"channel":"a","pub":{"data":)" + payload(sequence) + "}}}";
  };
  EXPECT_EQ(read(*dialect, push(4) + "\n{}\n" + push(5) + "\n{\"id\":1000007,\"publish\":{}}\n"),
            "got 4 got 5 answer 7 ");
  EXPECT_EQ(written(), "{}|");
  EXPECT_EQ(read(*dialect, R"({"id":2,"error":{"code":103,"message":"permission denied"}})"),
            R"(refused {"code":103,"message":"permission denied"})");
}

TEST_F(DialectTest, json_follows_positions_and_takes_what_was_recovered) {
  options_.scenario = ScenarioKind::kReconnect;
  const auto dialect = make_centrifuge_json(options_, heard_);
  const Position since{.epoch = "e", .offset = 7};
  EXPECT_NE(join(*dialect, {.channels = channels_, .recoverable = true, .since = &since})
                .find(R"("recover":true,"epoch":"e","offset":7}})"),
            std::string::npos);
  const std::string reply =
      R"({"id":2,"subscribe":{"recoverable":true,"epoch":"e","publications":[)"
      R"({"data":)" +
      payload(8) + R"(,"offset":8},{"data":)" + payload(9) +
      R"(,"offset":9}],"recovered":true,"offset":9,"positioned":true}})";
  EXPECT_EQ(read(*dialect, reply), "at e/9 got 8 got 9 ");
  EXPECT_EQ(read(*dialect,
                 R"({"push":{"channel":"a","pub":{"data":)" + payload(10) + R"(,"offset":10}}})"),
            "at /10 got 10 ");
}

TEST_F(DialectTest, json_that_is_streamed_says_the_same_without_frames) {
  const auto dialect = make_centrifuge_json(options_, heard_);
  client_.carriage = Carriage::kLines;
  dialect->join(client_, {.channels = channels_}, out_);
  EXPECT_EQ(std::exchange(out_, ""),
            "{\"id\":1,\"connect\":{\"name\":\"bench\"}}\n"
            "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n"
            "{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}");
  EXPECT_EQ(read(*dialect, R"({"id":1,"connect":{"client":"x","session":"s","node":"n"}})"),
            "session s of n ");
  EXPECT_EQ(read(*dialect, "{\"id\":2,\"subscribe\":{}}\n{\"id\":3,\"subscribe\":{}}\n{}\n"),
            "joined ping ");
  EXPECT_EQ(out_, "");
  EXPECT_EQ(read(*dialect, R"({"push":{"disconnect":{"code":3001,"reason":"shutdown"}}})"),
            "broken");
}

TEST_F(DialectTest, an_event_source_subscribes_with_its_connect) {
  const auto dialect = make_centrifuge_json(options_, heard_);
  client_.carriage = Carriage::kEvents;
  const Position since{.epoch = "e", .offset = 7};
  dialect->join(client_, {.channels = channels_, .recoverable = true, .since = &since}, out_);
  const std::string members = R"({"recoverable":true,"recover":true,"epoch":"e","offset":7})";
  EXPECT_EQ(out_, R"({"id":1,"connect":{"name":"bench","subs":{"a":)" + members + R"(,"b":)" +
                      members + "}}}");
  EXPECT_EQ(read(*dialect, R"({"id":1,"connect":{"client":"x","session":"s","node":"n"}})"),
            "session s of n refused it may not subscribe");
  client_.awaited = 1;
  EXPECT_EQ(read(*dialect,
                 R"({"id":1,"connect":{"client":"x","subs":{"a":{}},"session":"s","node":"n"}})"),
            "session s of n joined ");
}

TEST_F(DialectTest, who_only_listens_is_ready_once_it_is_subscribed) {
  options_.transport = TransportKind::kUniSse;
  const auto dialect = make_subscribers_dialect(options_, heard_);
  dialect->join(client_, {.channels = channels_}, out_);
  EXPECT_EQ(std::exchange(out_, ""), R"({"name":"bench","subs":{"a":{},"b":{}}})");
  EXPECT_EQ(read(*dialect, R"({"connect":{"client":"x"}})"), "refused it may not subscribe");
  EXPECT_EQ(read(*dialect, R"({"connect":{"client":"x","subs":{"a":{},"b":{}}}})"), "joined ");
  const std::string push = R"({"channel":"a","pub":{"data":)" + payload(4) + "}}";
  EXPECT_EQ(read(*dialect, push + "\n{}\n" + push), "got 4 got 4 ");
  EXPECT_EQ(out_, "");
  EXPECT_EQ(read(*dialect, R"({"disconnect":{"code":3001,"reason":"shutdown"}})"), "broken");
}

// A message, behind its length.
std::string delimited(const std::string& message) {
  return static_cast<char>(message.size()) + message;
}

TEST_F(DialectTest, protobuf_takes_a_batch_apart_and_answers_pings) {
  const auto dialect = make_centrifuge_protobuf(options_, heard_);
  EXPECT_NE(dialect->upgrade_request(*Url::parse("ws://h/p"), client_, "")
                .find("Sec-WebSocket-Protocol: centrifuge-protobuf\r\n"),
            std::string::npos);
  client_.awaited = 1;
  const std::string connected = delimited(std::string("\x08\x01\x2A\x00", 4));
  const std::string push =
      delimited("\x22\x56\x22\x54\x22\x50" + payload(4) + std::string("\x32\x00", 2));
  EXPECT_EQ(read(*dialect, connected + delimited("") + push), "joined got 4 ");
  EXPECT_EQ(written(), std::string("\0|", 2));
  const std::string error =
      "\x08\x02\x12\x07\x08\x67\x12\x03"
      "bad";
  EXPECT_EQ(read(*dialect, delimited(error)), "refused 103 bad");
}

TEST_F(DialectTest, protobuf_that_is_none_is_refused) {
  const auto dialect = make_centrifuge_protobuf(options_, heard_);
  EXPECT_EQ(read(*dialect,
                 "\x05"
                 "abc"),
            "broken");
  client_.fd = 0;
  EXPECT_EQ(read(*dialect, "\x02\x08\xFF"), "broken");
}

TEST_F(DialectTest, plain_says_in_the_path_what_it_wants) {
  options_.scenario = ScenarioKind::kFanout;
  options_.channels = 1;
  const Url url = *Url::parse("ws://h:1/");
  const auto first_line = [&](const Dialect& dialect, const Client& client) {
    const std::string request = dialect.upgrade_request(url, client, "c");
    return request.substr(0, request.find('\r'));
  };
  Client publisher;
  publisher.publishes_only = true;
  const auto one = make_plain(options_, heard_);
  EXPECT_EQ(first_line(*one, client_), "GET /sub HTTP/1.1");
  EXPECT_EQ(first_line(*one, publisher), "GET /pub HTTP/1.1");
  options_.channels = 2;
  const auto many = make_plain(options_, heard_);
  EXPECT_EQ(first_line(*many, client_), "GET /sub/c HTTP/1.1");
  options_.scenario = ScenarioKind::kEcho;
  EXPECT_EQ(first_line(*make_plain(options_, heard_), client_), "GET /echo HTTP/1.1");
}

TEST_F(DialectTest, nats_messages_may_be_cut_anywhere) {
  const auto dialect = make_nats(heard_);
  EXPECT_TRUE(join(*dialect, {.channels = channels_}).ends_with("SUB a 1\r\nSUB b 2\r\nPING\r\n|"));
  const std::string stream = "INFO {}\r\nPONG\r\nPING\r\nMSG a 1 80\r\n" + payload(1) +
                             "\r\nMSG b 2 80\r\n" + payload(2) + "\r\n-ERR 'x'\r\n";
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    client_.awaited = 1;
    heard_.text.clear();
    dialect->read(client_, std::string_view(stream).substr(0, cut), out_);
    dialect->read(client_, std::string_view(stream).substr(cut), out_);
    ASSERT_EQ(heard_.text, "joined got 1 got 2 refused  'x'") << cut;
    ASSERT_EQ(written(), "PONG\r\n|");
  }
}

TEST_F(DialectTest, nats_messages_that_are_too_long_end_the_connection) {
  const auto dialect = make_nats(heard_);
  EXPECT_EQ(read(*dialect, "MSG a 1 99999999999\r\nMSG a 1 80\r\n"), "broken");
}

TEST_F(DialectTest, socketio_answers_the_greeting_and_subscribes) {
  const auto dialect = make_socketio(heard_);
  EXPECT_EQ(join(*dialect, {.channels = channels_}), "");
  EXPECT_EQ(read(*dialect, R"(0{"sid":"x"})"), "");
  EXPECT_EQ(written(), "40|");
  EXPECT_EQ(read(*dialect, R"(40{"sid":"y"})"), "joined ");
  EXPECT_EQ(written(), R"(42["sub","a"]|42["sub","b"]|)");
  EXPECT_EQ(read(*dialect, "42[\"msg\"," + payload(3) + "]"), "got 3 ");
  EXPECT_EQ(read(*dialect, "2"), "");
  EXPECT_EQ(written(), "3|");
}

}  // namespace
}  // namespace millrace::bench
