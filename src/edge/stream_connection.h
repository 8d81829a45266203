// A client behind an HTTP response that does not end. It says nothing there: its commands come in
// requests of their own, to whichever core, and are brought here (core.h). A unidirectional one
// says nothing at all.
//
// The response is a socket's, or for long polling a PollStream, of which each poll takes a part.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "edge/connection.h"
#include "edge/refusal.h"
#include "edge/session_id.h"
#include "edge/session_request.h"

namespace millrace::edge {

class PollStream;

class StreamConnection final : public Connection {
 public:
  StreamConnection(Core& core, std::unique_ptr<net::Stream> stream, Transport transport,
                   Variant variant);
  // `stream` is also where polls come.
  StreamConnection(Core& core, std::unique_ptr<PollStream> stream, Variant variant);
  ~StreamConnection() override;

  // Once, after it was adopted. `head` is the response's. What the request brought is a frame of
  // commands, or what a unidirectional client connects with.
  void start(std::string_view head, std::string_view commands);
  // Where there are refusals, `opening` waits until it is decided whether the client may connect.
  void start(Opening opening, const protocol::ConnectRequest& connect);

  SessionId id() const { return {ref(), secret_}; }
  // Takes as long whatever it is that differs.
  bool is_session(const SessionId& id) const;
  // From a request that named this session.
  void on_request(SessionRequest request, SessionAnswered answered);

  StreamConnection* emulated() override { return this; }
  std::string session_id() const override { return to_string(id()); }
  void on_connected() override;
  // A client that polls shows that it lives.
  bool wants_pongs() const override { return polls() == nullptr && Connection::wants_pongs(); }

 private:
  // A request that waits until there is room for what it asks.
  struct Waiting {
    std::string commands;
    SessionAnswered answered;
  };
  struct Queue {
    std::deque<Waiting> requests;
    size_t bytes = 0;
  };

  void take_input(std::span<char> bytes) override;
  void say_goodbye(const model::Disconnect& why) override;
  bool refuse(uint32_t code, std::string_view meaning) override;
  void update_input() override;
  void open(std::string_view head);
  // Its stream, if polls come there; else null.
  PollStream* polls() const;

  void take_commands(std::string commands, SessionAnswered answered);
  void take_waiting();
  bool must_wait() const;
  SessionAnswer answer(int status = 204) const;
  void note_waiting(int64_t bytes);

  const base::Uuid secret_;
  std::unique_ptr<Queue> waiting_;  // null while there is none
  // Null unless the head waits: then nothing may be pushed before it.
  std::unique_ptr<Opening> opening_;
};
static_assert(sizeof(StreamConnection) <= 296, "one for each client");

}  // namespace millrace::edge
