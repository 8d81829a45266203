// The engine against a socket that the test writes to as a server does.
#include "bench/engine.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "websocket/websocket.h"

namespace millrace::bench {
namespace {

class EngineTest : public testing::Test, public ClientHandler {
 protected:
  void SetUp() override {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress any = loopback_source(0);
    ASSERT_EQ(::bind(listener_, any.get(), any.bytes), 0);
    ASSERT_EQ(::listen(listener_, 8), 0);
    to_.bytes = sizeof to_.storage;
    ASSERT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&to_.storage), &to_.bytes), 0);
    make_engine({});
  }
  void make_engine(const Engine::Options& options) {
    auto engine = Engine::create(*this, options);
    ASSERT_TRUE(engine);
    engine_ = std::move(*engine);
  }
  void TearDown() override {
    engine_->close(client_);
    if (server_ >= 0) ::close(server_);
    ::close(listener_);
  }

  void on_upgraded(Client&, std::string& out) override {
    events_.emplace_back("upgraded");
    append_masked(out, Opcode::kText, "hello", client_.mask_key);
  }
  void on_message(Client&, Opcode, std::string_view message, std::string& out) override {
    events_.emplace_back(message);
    append_masked(out, Opcode::kText, "answer", client_.mask_key);
  }
  void on_closed(Client&, std::string_view reason) override {
    events_.push_back("closed: " + std::string(reason));
  }

  // A client whose messages come so, its request sent.
  void open_stream(Carriage carriage) {
    client_.carriage = carriage;
    ASSERT_TRUE(engine_->connect(client_, to_, nullptr, "POST / HTTP/1.1\r\n\r\n"));
    server_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_EQ(read_server("\r\n\r\n"), "POST / HTTP/1.1\r\n\r\n");
  }
  // Each byte is a read of its own.
  void write_bytewise(std::string_view text) {
    for (const char byte : text) {
      write_server({&byte, 1});
      engine_->turn(1'000'000);
    }
  }

  void connect(const SocketAddress* from = nullptr) {
    ASSERT_TRUE(engine_->connect(client_, to_, from, "GET / HTTP/1.1\r\nSec-WebSocket-Key: "));
    server_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(server_, 0);
    request_ = read_server("\r\n\r\n");
  }
  std::string accepting(const std::string& extensions = "") const {
    const size_t at = request_.find("Key: ") + 5;
    return "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " +
           websocket::accept_key(request_.substr(at, request_.find("\r\n", at) - at)) + "\r\n" +
           extensions + "\r\n";
  }
  // Until what the server has read ends so.
  std::string read_server(const std::string& end) {
    std::string text;
    std::vector<char> block(1'000'000);
    while (!text.ends_with(end)) {
      const ssize_t count = ::recv(server_, block.data(), block.size(), MSG_DONTWAIT);
      if (count == 0) break;
      if (count < 0)
        engine_->turn(1'000'000);
      else
        text.append(block.data(), static_cast<size_t>(count));
    }
    return text;
  }
  void write_server(std::string_view text) {
    ASSERT_EQ(::send(server_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  // What was heard since then, together: how it was read decides into how many it comes.
  std::string heard_since(size_t first, size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      engine_->turn(1'000'000);
      text.clear();
      for (size_t i = first; i < events_.size(); ++i) text += events_[i];
    }
    return text;
  }
  void turn_until(size_t events) {
    while (events_.size() < events) engine_->turn(1'000'000);
  }

  int listener_ = -1;
  int server_ = -1;
  SocketAddress to_;
  std::unique_ptr<Engine> engine_;
  Client client_;
  std::string request_;
  std::vector<std::string> events_;
};

TEST_F(EngineTest, upgrades_and_reads_frames_however_they_are_cut) {
  connect();
  std::string stream = accepting();
  websocket::append_frame(stream, Opcode::kText, "first");
  stream += std::string("\x01\x02pa\x80\x02rt", 8);  // one message in two frames
  websocket::append_frame(stream, Opcode::kText, std::string(200, 'z'));
  for (const char byte : stream) {
    write_server({&byte, 1});
    engine_->turn(1'000'000);
  }
  turn_until(4);
  EXPECT_EQ(events_,
            (std::vector<std::string>{"upgraded", "first", "part", std::string(200, 'z')}));
  EXPECT_EQ(client_.held, nullptr);  // nothing is incomplete, so nothing is kept
}

TEST_F(EngineTest, many_frames_in_one_read_are_answered_in_one_send) {
  connect();
  std::string stream = accepting();
  for (int i = 0; i < 1'000; ++i) websocket::append_frame(stream, Opcode::kText, "m");
  websocket::append_frame(stream, Opcode::kPing, "");
  write_server(stream);
  turn_until(1'001);
  EXPECT_EQ(events_.size(), 1'001U);
  std::string pong;
  append_masked(pong, Opcode::kPong, "", client_.mask_key);
  EXPECT_TRUE(read_server(pong).ends_with(pong));
}

TEST_F(EngineTest, a_frame_larger_than_the_buffer_is_read) {
  connect();
  std::string stream = accepting();
  const std::string large(3'000'000, 'L');
  websocket::append_frame(stream, Opcode::kText, large);
  for (size_t at = 0; at < stream.size(); at += 60'000) {
    write_server(std::string_view(stream).substr(at, 60'000));
    engine_->turn(1'000'000);
  }
  turn_until(2);
  EXPECT_EQ(events_[1], large);
}

TEST_F(EngineTest, what_the_kernel_does_not_take_waits) {
  connect();
  write_server(accepting());
  turn_until(1);
  const std::string large(20'000'000, 'x');
  engine_->send(client_, large);
  EXPECT_GT(Engine::pending_bytes(client_), 0U);
  engine_->send(client_, "end");
  const std::string text = read_server("end");
  EXPECT_GT(text.size(), large.size());
  EXPECT_EQ(Engine::pending_bytes(client_), 0U);
}

TEST_F(EngineTest, an_answer_that_is_no_upgrade_is_told) {
  connect();
  write_server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  turn_until(1);
  EXPECT_EQ(events_[0], "closed: the server answered HTTP/1.1 503 Service Unavailable");
  EXPECT_FALSE(client_.open());
}

TEST_F(EngineTest, an_upgrade_with_a_wrong_accept_is_told) {
  connect();
  write_server("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: abc\r\n\r\n");
  turn_until(1);
  EXPECT_EQ(events_[0], "closed: the answer to the upgrade has a wrong Sec-WebSocket-Accept");
}

TEST_F(EngineTest, the_servers_reasons_for_closing_are_told) {
  connect();
  std::string stream = accepting();
  websocket::append_close(stream, 3001, "shutdown");
  write_server(stream);
  turn_until(2);
  EXPECT_EQ(events_[1], "closed: the server closed the connection: 3001 shutdown");
}

TEST_F(EngineTest, an_end_behind_the_last_message_is_seen) {
  connect();
  std::string stream = accepting();
  websocket::append_frame(stream, Opcode::kText, "last");
  write_server(stream);
  ::shutdown(server_, SHUT_WR);
  turn_until(3);
  EXPECT_EQ(events_[1], "last");
  EXPECT_EQ(events_[2], "closed: the server ended the connection");
}

TEST_F(EngineTest, connects_from_the_address_that_it_is_told) {
  const SocketAddress from = loopback_source(6);
  connect(&from);
  sockaddr_in peer{};
  socklen_t bytes = sizeof peer;
  ASSERT_EQ(::getpeername(server_, reinterpret_cast<sockaddr*>(&peer), &bytes), 0);
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), 0x7F00'0007U);
}

constexpr const char* kDeflate =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover\r\n";

TEST_F(EngineTest, compressed_messages_are_inflated_whole_or_in_fragments) {
  make_engine({.deflate = true});
  connect();
  EXPECT_NE(request_.find(kDeflate), std::string::npos);
  std::string stream = accepting(kDeflate);
  const std::string text(300, 'a');
  std::string frame;
  ASSERT_TRUE(websocket::append_deflated(frame, Opcode::kText, text, 1));
  stream += frame + frame;  // one message, inflated once
  stream += std::string("\x41\x03", 2) + frame.substr(2, 3);
  stream += std::string("\x80", 1) + static_cast<char>(frame.size() - 5) + frame.substr(5);
  websocket::append_frame(stream, Opcode::kText, "short");
  ASSERT_TRUE(websocket::append_deflated(stream, Opcode::kText, std::string(99, 'b'), 1));
  write_bytewise(stream);
  turn_until(6);
  EXPECT_EQ(events_, (std::vector<std::string>{"upgraded", text, text, text, "short",
                                               std::string(99, 'b')}));
  EXPECT_EQ(engine_->received_bytes(), stream.size());
}

TEST_F(EngineTest, what_is_not_compressed_well_ends_the_connection) {
  make_engine({.deflate = true});
  connect();
  write_server(accepting(kDeflate) + "\xC1\x04" + "oops");
  turn_until(2);
  EXPECT_EQ(events_[1], "closed: corrupt compressed message");
}

TEST_F(EngineTest, a_server_that_does_not_compress_as_asked_is_told) {
  make_engine({.deflate = true});
  connect();
  write_server(accepting());
  turn_until(1);
  EXPECT_EQ(events_[0], "closed: the server does not compress");
  ::close(server_);
  events_.clear();
  connect();
  write_server(accepting("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  turn_until(1);
  EXPECT_EQ(events_[0], "closed: the server compresses with a context for each client");
}

constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

TEST_F(EngineTest, a_stream_of_lines_is_read_however_it_is_cut) {
  open_stream(Carriage::kLines);
  const std::string lines = "one\n\ntwo\n";
  write_bytewise(kStreamHead + lines + "thr");
  turn_until(1);
  EXPECT_EQ(events_[0], "upgraded");
  EXPECT_EQ(heard_since(1, lines.size()), lines);
  EXPECT_TRUE(events_.back().ends_with("two\n"));  // and not the line that is incomplete
  write_server("ee\n");
  EXPECT_EQ(heard_since(1, lines.size() + 6), lines + "three\n");
  EXPECT_EQ(client_.held, nullptr);
}

TEST_F(EngineTest, a_stream_of_messages_with_lengths_is_read_however_it_is_cut) {
  open_stream(Carriage::kDelimited);
  const std::string messages =
      "\x01"
      "a\xC8\x01" +
      std::string(200, 'b') + std::string(1, '\0');
  write_bytewise(kStreamHead + messages);
  EXPECT_EQ(heard_since(1, messages.size()), messages);
  write_server(messages +
               "\x05"
               "c");
  EXPECT_EQ(heard_since(1, 2 * messages.size()), messages + messages);
  const size_t before = events_.size();
  write_server("defg\xFF\xFF\xFF\xFF\xFF\xFF");
  turn_until(before + 1);
  EXPECT_EQ(events_[before], "closed: the server sent a message without a length");
}

TEST_F(EngineTest, events_are_their_data) {
  open_stream(Carriage::kEvents);
  write_bytewise(std::string(kStreamHead) +
                 ": hello\n\nid: 7:e:c\ndata: one\n\ndata:two\r\n\r\nevent: x\n\ndata: \n\n");
  turn_until(4);
  EXPECT_EQ(events_, (std::vector<std::string>{"upgraded", "one", "two", ""}));
  EXPECT_EQ(client_.held, nullptr);
}

TEST_F(EngineTest, a_stream_that_is_refused_is_told) {
  open_stream(Carriage::kEvents);
  write_server("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  turn_until(1);
  EXPECT_EQ(events_[0], "closed: the server answered HTTP/1.1 403 Forbidden");
}

TEST_F(EngineTest, answers_on_one_connection_are_told_apart) {
  open_stream(Carriage::kAnswers);
  write_bytewise(
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\nHTTP/1.1 204 No Content\r\n\r\n");
  turn_until(2);
  EXPECT_EQ(events_, (std::vector<std::string>{"one\n", ""}));
  write_server("HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx");
  turn_until(3);
  EXPECT_EQ(events_[2], "closed: the server answered 404");
}

TEST_F(EngineTest, a_port_that_nobody_listens_on_is_told) {
  ::close(listener_);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (engine_->connect(client_, to_, nullptr, "GET / HTTP/1.1\r\nSec-WebSocket-Key: "))
    turn_until(1);
  EXPECT_EQ(events_, std::vector<std::string>{"closed: connect: Connection refused"});
}

}  // namespace
}  // namespace millrace::bench
