// How a kind of server wants to be spoken to: what is asked for at the upgrade, how a client joins
// channels and publishes, and what the messages mean that come back.
//
// One Dialect per process; what it has to know about a connection is in the Client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/engine.h"
#include "bench/options.h"
#include "bench/stamp.h"
#include "bench/target.h"

namespace millrace::bench {

// Where in a channel's log a subscriber is.
struct Position {
  std::string epoch{};
  uint64_t offset = 0;
};

// A session whose client sends requests of their own, as the reply to connect names it.
struct SessionName {
  std::string session{};
  std::string node{};
};

// What the messages of a server meant.
class DialectHearer {
 public:
  // The client is connected, and subscribed to everything that it wanted.
  virtual void on_joined(Client& client) = 0;
  virtual void on_delivery(Client& client, const Stamp& stamp) = 0;
  // What was published with this id has been accepted.
  virtual void on_answer(Client& client, uint32_t id) = 0;
  // The server will not connect, subscribe or publish.
  virtual void on_refused(Client& client, std::string_view reason) = 0;
  // What came is none of the protocol; the connection is closed.
  virtual void on_broken(Client& client, std::string_view reason) = 0;
  // Where the client is now; `epoch` is "" where it is as before. Told where Joining::recoverable
  // is.
  virtual void on_position(Client& client, std::string_view epoch, uint64_t offset) = 0;
  // Of those that are not on a WebSocket: what their further requests have to name, and that the
  // server has pinged and waits for a pong.
  virtual void on_session(Client& client, const SessionName& session) = 0;
  virtual void on_ping(Client& client) = 0;

 protected:
  ~DialectHearer() = default;
};

struct Joining {
  std::span<const std::string> channels;
  bool recoverable = false;
  const Position* since = nullptr;  // what was missed since then is asked for
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // The upgrade request up to its Sec-WebSocket-Key.
  std::string upgrade_request(const Url& url, const Client& client, std::string_view channel) const;

  // What is sent right behind the upgrade; not on a WebSocket, what the request holds that opens
  // the stream. May call on_joined().
  virtual void join(Client& client, const Joining& joining, std::string& out) = 0;
  // Appends what publishes; where the dialect has answers, one with this id follows.
  virtual void publish(const Client& client, std::string_view channel, std::string_view payload,
                       uint32_t id, std::string& out) = 0;
  virtual void read(Client& client, std::string_view message, std::string& out) = 0;

  // Before a payload's JSON, and part of its size.
  virtual std::string_view payload_prefix() const { return ""; }
  // Whether a connection that publishes does so to the channel only that it was opened for.
  virtual bool publishes_to_one_channel() const { return false; }

 protected:
  explicit Dialect(DialectHearer& hearer) : hearer_(hearer) {}
  virtual std::string request_target(const Url& url, const Client& client,
                                     std::string_view channel) const;
  virtual std::string_view subprotocol() const { return ""; }

  // Appends a message as this client sends it: in a masked frame, or as it is.
  static void say(const Client& client, Opcode opcode, std::string_view message, std::string& out);
  void answer_ping(Client& client, Opcode opcode, std::string_view pong, std::string& out);

  DialectHearer& hearer_;
  StampFinder finder_;
};

// As the options say.
std::unique_ptr<Dialect> make_dialect(const Options& options, DialectHearer& hearer);

// The same for those that only subscribe.
std::unique_ptr<Dialect> make_subscribers_dialect(const Options& options, DialectHearer& hearer);

std::unique_ptr<Dialect> make_centrifuge_json(const Options& options, DialectHearer& hearer);
std::unique_ptr<Dialect> make_centrifuge_protobuf(const Options& options, DialectHearer& hearer);
std::unique_ptr<Dialect> make_unidirectional(const Options& options, DialectHearer& hearer);
std::unique_ptr<Dialect> make_plain(const Options& options, DialectHearer& hearer);
std::unique_ptr<Dialect> make_nats(DialectHearer& hearer);
std::unique_ptr<Dialect> make_socketio(DialectHearer& hearer);

// The token that a client shows: --token, or one made with --hmac-secret; "" without both.
std::string token_of(const Options& options);

}  // namespace millrace::bench
