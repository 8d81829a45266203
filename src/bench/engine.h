// The sockets of one generator process: one epoll set, one buffer that all of them are read into.
//
// An idle client costs its Client only; what is incomplete, or could not be sent at once, is kept
// beside it while there is something. Everything runs on the calling thread, inside turn(). Sockets
// are closed with RST, because a load generator that leaves sockets in TIME_WAIT runs out of ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/frames.h"
#include "bench/target.h"

namespace millrace::bench {

// Monotonic; what stamps count in.
int64_t now_ns();
inline constexpr int64_t kNsPerSecond = 1'000'000'000;

enum class ClientState : uint8_t {
  kNew,
  kConnecting,  // no byte was sent yet
  kUpgrading,   // the answer to the upgrade, or the head of a stream, is waited for
  kJoining,     // the dialect's greeting and subscribing
  kReady,
  kClosed
};

// How messages come to a client.
enum class Carriage : uint8_t {
  kFrames,     // of a WebSocket
  kLines,      // of an HTTP response that does not end: each message ends with a line end
  kDelimited,  // the same, each message behind its length as a varint
  kEvents,     // server-sent events with one line of data each
  kAnswers,    // the bodies of answers to requests, on a connection that is kept
};

struct Client {
  // What is not always there: input that is incomplete, output that waits.
  struct Held {
    std::string input{};
    std::string fragments{};  // of a message in several frames
    Opcode fragments_opcode = Opcode::kText;
    bool fragments_compressed = false;
    std::string output{};
    size_t output_sent = 0;  // of it
  };

  int fd = -1;
  ClientState state = ClientState::kNew;
  Carriage carriage = Carriage::kFrames;
  bool publishes_only = false;
  uint32_t index = 0;  // in its scenario
  uint32_t mask_key = 0;
  uint32_t awaited = 0;  // answers until it is ready; the dialect's
  int64_t begun_ns = 0;  // when connecting began or was due
  std::unique_ptr<Held> held{};

  bool open() const { return state != ClientState::kNew && state != ClientState::kClosed; }
};

// Who hears what happens to clients. A client may be closed in any of these.
class ClientHandler {
 public:
  // The server has switched protocols, or its stream has begun; what is appended to `out` is sent.
  virtual void on_upgraded(Client& client, std::string& out) = 0;
  // One whole message; of a stream, several may come as one, and of kAnswers each body does, also
  // an empty one. What is appended to `out` is sent when all that has arrived was read.
  virtual void on_message(Client& client, Opcode opcode, std::string_view message,
                          std::string& out) = 0;
  // It ended, and not by close().
  virtual void on_closed(Client& client, std::string_view reason) = 0;

 protected:
  ~ClientHandler() = default;
};

class Engine {
 public:
  struct Options {
    // Over WebSocket, permessage-deflate without context is asked for; a server that declines it is
    // one that fails.
    bool deflate = false;
  };
  static base::Result<std::unique_ptr<Engine>> create(ClientHandler& handler,
                                                      const Options& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Clients must stay where they are while they are open. `request` is whole, or of kFrames the
  // upgrade request up to its Sec-WebSocket-Key, which the engine adds. False: the system refused,
  // and on_closed() was called.
  bool connect(Client& client, const SocketAddress& to, const SocketAddress* from,
               std::string_view request);
  // Sends now, or as soon as the kernel takes it.
  void send(Client& client, std::string_view bytes);
  // Within on_message(): what is sent to this client when all that has arrived was read.
  std::string& reply() { return out_; }
  // What waits for the kernel.
  static size_t pending_bytes(const Client& client) {
    return client.held ? client.held->output.size() - client.held->output_sent : 0;
  }
  // Ends it without a word to the server; on_closed() is not called.
  void close(Client& client);

  // Waits for events for at most `timeout_ns`, and handles those that came.
  void turn(int64_t timeout_ns);
  // Also ends a turn's waiting when `fd` becomes readable; nobody is told.
  base::Result<> wake_on(int fd);
  // The time of the bytes that are being handled.
  int64_t now() const { return now_; }
  // By all clients so far, as it came: compressed, with all heads and frames.
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  Engine(ClientHandler& handler, const Options& options, int epoll_fd);

  void fail(Client& client, std::string_view reason);
  void on_event(Client& client, uint32_t events);
  void on_writable(Client& client);
  void on_readable(Client& client, bool until_end);
  bool read_once(Client& client, bool& more);
  void take(Client& client, std::string_view bytes);
  size_t take_head(Client& client, std::string_view bytes);
  // Why the answer to an upgrade is not what was asked for; "" if it is.
  std::string_view mistake_in_upgrade(std::string_view head) const;

  // What carries messages: how many of the bytes were used (engine_frames.cc, engine_streams.cc).
  size_t take_messages(Client& client, std::string_view bytes);
  size_t take_frames(Client& client, std::string_view bytes);
  void take_frame(Client& client, const Frame& frame);
  void take_part(Client& client, const Frame& frame);
  void take_message(Client& client, Opcode opcode, bool compressed, std::string_view payload);
  size_t take_lines(Client& client, std::string_view bytes);
  size_t take_delimited(Client& client, std::string_view bytes);
  size_t take_events(Client& client, std::string_view bytes);
  size_t take_answers(Client& client, std::string_view bytes);

  ClientHandler& handler_;
  const Options options_;
  const int epoll_fd_;
  std::string key_;     // Sec-WebSocket-Key; one for all, which servers cannot tell
  std::string accept_;  // what answers it
  std::vector<char> scratch_;
  std::string out_;  // of the client that is being read
  websocket::CoreScratch inflater_;
  std::string compressed_;     // the message that was inflated last,
  std::string_view inflated_;  // and what it is
  uint32_t next_mask_ = 0;
  uint64_t received_bytes_ = 0;
  int64_t now_ = 0;
};

}  // namespace millrace::bench
