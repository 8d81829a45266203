// One generator process at its work: opens its share of the run's connections, and does with them
// what its scenario says, as far as the phase on the board has come.
//
// This class is the scenarios connect and idle, which do nothing but hold connections; the others
// derive from it. Subscriber number i of all is with process i % processes; those that only publish
// are with the first one, behind its subscribers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/board.h"
#include "bench/dialect.h"
#include "bench/engine.h"
#include "bench/options.h"
#include "bench/postbox.h"
#include "bench/target.h"

namespace millrace::bench {

// What all processes of a run start from.
struct Setup {
  Options options;
  std::vector<Url> urls;
  std::vector<SocketAddress> addresses;  // of each URL
  size_t source_addresses = 0;           // 0: the system chooses
  size_t processes = 1;
};

class Worker : public ClientHandler, public DialectHearer {
 public:
  Worker(const Setup& setup, Board& board, size_t process);
  virtual ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  base::Result<> start();
  // Waits for what comes, for at most some milliseconds, and handles it.
  void turn();
  // At the end: what has not come is lost.
  virtual void finish() {}

 protected:
  // What this connection subscribes to, and what a publisher publishes to.
  virtual std::vector<std::string> channels_of(const Client& client) const;
  // A connection has become ready, or is not any more.
  virtual void on_ready(Client&) {}
  virtual void on_gone(Client&) {}
  // Each turn, once connections are opened: publish what is due.
  virtual void work(int64_t) {}
  // When work() has something to do next.
  virtual int64_t next_due() const { return INT64_MAX; }
  virtual bool drained() { return true; }
  virtual const Position* since(const Client&) const { return nullptr; }

  // DialectHearer
  void on_delivery(Client&, const Stamp&) override {}
  void on_answer(Client&, uint32_t) override {}
  void on_position(Client&, std::string_view, uint64_t) override {}
  void on_session(Client& client, const SessionName& session) override;
  void on_ping(Client& client) override;

  // Closes it as a network does that breaks: without a word.
  void cut(Client& client);
  // Opens `client`, now or as soon as fewer are in progress; it may be that it was open before.
  // `begun_ns` is what its time is counted from.
  void want(Client& client, int64_t begun_ns);
  size_t index_in_all(const Client& client) const { return client.index * processes_ + process_; }
  std::string channel_name(size_t channel) const;
  Client& publisher(size_t number) { return clients_[subscribers_ + number]; }
  bool publishes() const { return process_ == 0; }
  Counts<Counter>& counts() { return figures_.counts; }

  const Setup& setup_;
  const Options& options_;
  Board& board_;
  Figures& figures_;
  const size_t process_;
  const size_t processes_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Dialect> dialect_;  // of those that publish
  std::vector<Client> clients_;
  size_t subscribers_ = 0;  // of clients_, those that do not only publish
  Phase phase_ = Phase::kOpening;
  bool measuring_ = false;

 private:
  void on_upgraded(Client& client, std::string& out) override;
  void on_message(Client& client, Opcode opcode, std::string_view message,
                  std::string& out) override;
  void on_closed(Client& client, std::string_view reason) override;
  void on_joined(Client& client) override;
  void on_refused(Client& client, std::string_view reason) override;
  void on_broken(Client& client, std::string_view reason) override;

  bool on_websocket(const Client& client) const { return client.carriage == Carriage::kFrames; }
  Dialect& dialect_of(const Client& client) {
    return on_websocket(client) ? *dialect_ : *subscribers_dialect_;
  }
  size_t server_of(const Client& client) const { return index_in_all(client) % setup_.urls.size(); }
  void join(Client& client, std::string& out);
  std::string request_of(Client& client);
  void poll(Client& client, std::string_view received, std::string& out);

  void open_wanted(int64_t now);
  void open(Client& client, int64_t begun_ns);
  void give_up_on_silence(int64_t now);
  int64_t begun_of_next() const;
  void failed(std::string_view reason);

  struct Wanted {
    Client* client;
    int64_t begun_ns;  // 0: when it is opened
  };
  // Of subscribers that are not on a WebSocket.
  struct Stream {
    SessionName name{};
    uint32_t received = 0;  // answers with messages
  };
  std::vector<Stream> streams_;
  std::unique_ptr<Dialect> subscribers_dialect_;
  std::unique_ptr<Postbox> postbox_;
  std::deque<Wanted> wanted_;
  size_t in_progress_ = 0;
  size_t opened_ = 0;
  uint64_t received_bytes_ = 0;  // of them, those that were counted
  int64_t started_ns_ = 0;
  int64_t progress_ns_ = 0;  // when a connection became ready or failed last
};

// The worker of the options' scenario.
std::unique_ptr<Worker> make_worker(const Setup& setup, Board& board, size_t process);
std::unique_ptr<Worker> make_flow(const Setup& setup, Board& board, size_t process);
std::unique_ptr<Worker> make_churn(const Setup& setup, Board& board, size_t process);
std::unique_ptr<Worker> make_reconnect(const Setup& setup, Board& board, size_t process);
std::unique_ptr<Worker> make_round_trips(const Setup& setup, Board& board, size_t process);

// How many streams of numbered messages the scenario has, for the board.
size_t streams_of(const Options& options);

}  // namespace millrace::bench
