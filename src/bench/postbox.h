// Requests that clients send beside their streams: one connection to each server carries those of
// all clients, one behind the other, and nobody looks at the answers.
//
// A post that is lost with its connection is not sent again: the server then misses a pong, and
// says so to the client.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/engine.h"
#include "bench/target.h"

namespace millrace::bench {

class Postbox final : private ClientHandler {
 public:
  static base::Result<std::unique_ptr<Postbox>> create(std::vector<SocketAddress> servers);

  void post(size_t server, std::string_view request);
  // Each turn of the process; does not wait.
  void turn() { engine_->turn(0); }

 private:
  explicit Postbox(std::vector<SocketAddress> servers);
  void on_upgraded(Client&, std::string&) override {}
  void on_message(Client&, Opcode, std::string_view, std::string&) override {}
  void on_closed(Client&, std::string_view) override {}

  const std::vector<SocketAddress> servers_;
  std::vector<Client> clients_;  // of each server
  std::unique_ptr<Engine> engine_;
};

}  // namespace millrace::bench
