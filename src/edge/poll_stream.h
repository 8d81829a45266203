// The responses of a client that polls, as a Stream: while a poll is held, one write is taken, and
// is its response. To its connection it looks like a socket that is full most of the time.
//
// A response counts as received when the next poll acknowledges it; until then it is kept, and sent
// again, byte for byte, if the client asks again. So nothing is lost with a response, and nothing
// comes twice.
//
// Limits     A poll is held for `hold`, then answered with 204. Without a poll for `poll_timeout`
//            the client is gone, and the stream has failed.
// Bounds     What is kept is one response: whole messages of the outbox, up to 1 MiB, or one that
//            is larger. It is counted in a gauge.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/session_request.h"
#include "net/net.h"

namespace millrace::edge {

class PollStream final : public net::Stream, private net::Timer {
 public:
  struct Options {
    std::chrono::milliseconds hold{25'000};
    std::chrono::milliseconds poll_timeout{15'000};
    std::string_view content_type{};  // of responses; a constant
  };

  PollStream(net::TimerWheel& wheel, metrics::Core& metrics, const Options& options,
             std::string peer);
  ~PollStream() override;
  PollStream(const PollStream&) = delete;
  PollStream& operator=(const PollStream&) = delete;

  // `ack` responses have been received. Answered with the next one (200), at once if it was sent
  // before; with 204 when it has been held long enough, or another poll takes its place; with 400
  // if there were not so many responses, or one before the last is asked for; with 404 once the
  // connection is gone.
  void poll(uint64_t ack, SessionAnswered answered);
  // Who asked for that has gone: if it is the poll that is held, it is held no more.
  void let_go(uint64_t ack);

  // net::Stream
  void set_handler(net::StreamHandler* handler) override { handler_ = handler; }
  net::IoResult read(std::span<char> into) override;
  net::IoResult write(std::span<const std::string_view> parts) override;
  void pause_reading(bool) override {}
  void shutdown_write() override { ended_ = true; }
  void reset() override {}
  std::string peer() const override { return peer_; }

 private:
  void on_timer() override;
  void answer(SessionAnswer answer);
  void send_again(SessionAnswered answered);
  void end();
  void keep(std::string response);

  net::TimerWheel& wheel_;
  metrics::Core& metrics_;
  const Options options_;
  net::StreamHandler* handler_ = nullptr;
  SessionAnswered held_;       // a poll that waits; null if there is none
  uint64_t sent_ = 0;          // responses
  std::string last_;           // the last of them, until it is acknowledged
  bool ended_ = false;         // nothing more will be written
  bool acknowledged_ = false;  // all that there will be
  bool gone_ = false;          // nobody polls any more
  const std::string peer_;
};

}  // namespace millrace::edge
