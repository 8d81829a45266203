// The event loop, and the byte streams that live on it.
//
// A Loop is one core: one thread, one epoll set, its own listeners (SO_REUSEPORT), its own timer
// wheel, and the mailbox through which other cores reach it. Everything it owns is touched on its
// thread only.
//
// Turns      wait for events; read, accept (a bounded number) and write; posted tasks; timers; turn
//            hooks. Other cores that were posted to are woken once, at the end of the turn.
// Lifetime   A Stream or timer may be destroyed inside any callback, its own included.
// Failure    What the kernel refuses comes as a Result or an IoResult, with errno's words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "base/result.h"
#include "metrics/metrics.h"
#include "net/ip_address.h"      // IWYU pragma: export
#include "net/proxy_entrance.h"  // IWYU pragma: export
#include "net/tls.h"             // IWYU pragma: export

namespace millrace::net {

// ---- Addresses ----

// "127.0.0.1:8000", "[::1]:8000", ":8000" (every interface, IPv6 and IPv4), or
// "unix:/run/millrace.sock".
struct Address {
  std::string host;  // empty: every interface
  uint16_t port = 0;
  std::string unix_path;  // not empty: a unix socket, and the others are unused

  static base::Result<Address> parse(std::string_view text);
  std::string to_string() const;
};

// ---- Streams ----

struct IoResult {
  enum class Status : uint8_t {
    kDone,        // `bytes` were read or written (for a write: maybe fewer than asked)
    kWouldBlock,  // nothing now; the handler is called when it is worth trying again
    kEnd,         // read only: the peer has shut down its side
    kError,       // the stream is dead; destroy it
  };
  Status status = Status::kDone;
  size_t bytes = 0;
};

class StreamHandler {
 public:
  // Bytes, the end or an error wait to be read. Called again in later turns until read() says
  // kWouldBlock or reading is paused.
  virtual void on_readable() = 0;
  // There is room again after a write that took less than it was given.
  virtual void on_writable() = 0;

 protected:
  ~StreamHandler() = default;
};

// One byte stream: a TCP or unix socket here, TLS on another stream (tls.h), a simulated pipe in
// the simulator. Destroying it closes it: gracefully (FIN) unless reset() was called or there were
// unread bytes, as the kernel does.
class Stream {
 public:
  virtual ~Stream() = default;

  // Before the first event; may be changed at any time. The handler must outlive the stream or be
  // replaced.
  virtual void set_handler(StreamHandler* handler) = 0;

  virtual IoResult read(std::span<char> into) = 0;

  // Writes the parts as one. Takes at most kPartsMax of them; what is not taken has to be offered
  // again after on_writable().
  static constexpr size_t kPartsMax = 64;
  virtual IoResult write(std::span<const std::string_view> parts) = 0;

  // While paused, on_readable() is not called: how a connection pushes back on a peer that outruns
  // it.
  virtual void pause_reading(bool paused) = 0;

  // Sends FIN after what was written. Reading goes on.
  virtual void shutdown_write() = 0;

  // Destruction will send RST: for peers that must not keep us in TIME_WAIT.
  virtual void reset() = 0;

  // "192.0.2.1:4711"; "unix" for a unix socket.
  virtual std::string peer() const = 0;
};

// ---- Timers ----

class TimerWheel;

// A deadline that lives inside its owner: no allocation, O(1) to set, move and cancel. Destroying
// it cancels it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual void on_timer() = 0;
  bool armed() const { return next_ != nullptr; }

 protected:
  ~Timer() { unlink(); }

 private:
  friend class TimerWheel;
  void unlink();
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  int64_t due_tick_ = 0;
};

// A hashed wheel. Fires no earlier than asked, and at most one tick (50 ms) later than the loop
// gets round to it.
class TimerWheel {
 public:
  static constexpr base::Duration kTick = std::chrono::milliseconds(50);
  static constexpr size_t kSlots = 1024;

  explicit TimerWheel(base::MonotonicTime now);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Tells the time from which set() counts. A loop calls it when a turn begins; advance() does it
  // too.
  void begin_turn(base::MonotonicTime now) { now_tick_ = tick_of(now); }

  // Arms, or moves, `timer`.
  void set(Timer& timer, base::Duration delay);
  void cancel(Timer& timer) { timer.unlink(); }

  // Fires what is due. A timer that is set inside on_timer() fires in a later call.
  void advance(base::MonotonicTime now);
  bool empty() const;
  // When the next tick is due; the loop sleeps until then while any timer is armed.
  base::MonotonicTime next_tick() const;

 private:
  struct Slot;
  int64_t tick_of(base::MonotonicTime time) const { return time.microseconds / kTick.count(); }
  std::unique_ptr<Slot[]> slots_;
  int64_t current_tick_ = 0;  // the last tick that was fired
  // the tick in which this turn began: later than that while a turn's timers have not run
  int64_t now_tick_ = 0;
  mutable size_t used_slot_ = 0;  // where empty() looks first
};

// ---- The loop ----

// Accepted streams of one listener.
class Acceptor {
 public:
  virtual void on_accept(std::unique_ptr<Stream> stream) = 0;

 protected:
  ~Acceptor() = default;
};

// A file descriptor of somebody else, a library's socket, watched on a loop.
class WatchHandler {
 public:
  // What was wanted can be done now, or fails at once: an error and the other side's end count as
  // both. Called again in later turns until it has been done or is not wanted any more.
  virtual void on_ready(bool readable, bool writable) = 0;

 protected:
  ~WatchHandler() = default;
};

// Destroying it ends the watching; it comes before the descriptor is closed, at the latest. Both
// may happen inside any callback, its own included.
class Watch {
 public:
  virtual ~Watch() = default;
  // What is waited for; nothing at first. False: the kernel refuses, and nothing will be told.
  virtual bool want(bool readable, bool writable) = 0;
};

// Open files of the whole process, shared by its loops: the reserve that is kept for health checks
// and the API, and how to refuse when the rest is used up. Made once, before the first loop.
class FileBudget {
 public:
  // Raises the soft limit on open files to the hard one. `reserve` of them are not given to client
  // connections.
  static FileBudget raise_to_hard_limit(size_t reserve);
  // How many of `limit` open files are for client connections.
  static size_t connections_of(size_t limit, size_t reserve);

  size_t limit() const { return limit_; }                      // open files this process may have
  size_t connections_max() const { return connections_max_; }  // of those, for client connections

 private:
  size_t limit_ = 0;
  size_t connections_max_ = 0;
};

struct ListenOptions {
  int backlog = 4096;
};

// A bound, listening socket. TCP ones are made once per loop and share their connections
// (SO_REUSEPORT); a unix socket is made once and duplicated for the others. Accepted streams have
// TCP_NODELAY.
class ListenSocket {
 public:
  // Fails with words that name the address, also when another process listens there. Port 0 takes a
  // free port; `address` is updated, so that binding it again joins. A unix socket's file that
  // nobody listens on any more is replaced.
  static base::Result<ListenSocket> bind(Address& address, const ListenOptions& options);
  // Joins an address that this process has bound already: another SO_REUSEPORT socket, or a
  // duplicate.
  base::Result<ListenSocket> another() const;

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();
  int fd() const { return fd_; }

 private:
  ListenSocket(int fd, Address address, const ListenOptions& options);
  int fd_ = -1;
  Address address_;
  ListenOptions options_;
};

class Loop final : public base::Executor {
 public:
  struct Options {
    base::CoreId core;
    size_t accepts_per_turn = 64;  // accepting never starves delivering
  };

  static base::Result<std::unique_ptr<Loop>> create(const Options& options, metrics::Core& metrics);
  ~Loop() override;

  // Runs turns on the calling thread until stop() is called, from any thread; stop() is sticky.
  void run();
  void stop();
  // Instead of run(), for tests and the simulator: one turn that waits for nothing, as if it were
  // `now`, which does not go back.
  void turn(base::MonotonicTime now);

  // Accepts on this loop until it is destroyed or stop_listening() is called. From the loop's
  // thread, or before run().
  base::Result<> listen(ListenSocket socket, Acceptor& acceptor);
  void stop_listening();

  // Watches `fd`, which stays the caller's. The handler must outlive the watch.
  std::unique_ptr<Watch> watch(int fd, WatchHandler& handler);

  TimerWheel& wheel();

  // Whether it has had something to do in every turn for a while: more comes in than goes out.
  bool behind() const;
  // Whether this turn began with events: there may be more.
  bool heard() const;

  // A buffer for one read at a time; its content is anyone's between calls.
  static constexpr size_t kScratchBytes = 512UL * 1024;
  std::span<char> scratch();

  // base::Executor
  base::CoreId core() const override;
  base::MonotonicTime now() const override;
  void post(base::Task task) override;
  size_t mailbox_depth() const override;
  base::TimerId after(base::Duration delay, base::Task task) override;
  void cancel(base::TimerId timer) override;
  void add_turn_hook(base::TurnHook& hook) override;
  void remove_turn_hook(base::TurnHook& hook) override;

 private:
  class Impl;
  explicit Loop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::net
