// Leads a run through its phases, prints progress, and takes the measurements. In the first process
// only.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/board.h"
#include "bench/options.h"
#include "bench/probe.h"

namespace millrace::bench {

// What was measured; report.h makes a table or JSON of it.
struct Measured {
  double seconds = 0;
  Counts<int64_t> before{};  // when the measured part began
  Counts<int64_t> after{};   // when it ended
  Counts<int64_t> whole{};   // when the run had ended
  Usage server_idle{};       // before the first connection
  Usage server_opened{};     // after the last
  Usage server_before{};
  Usage server_after{};
  double generator_cpu_seconds = 0;
  bool interrupted = false;
  bool complete = false;  // the measured part was reached
  std::string problem{};  // the first, "" if there was none
};

class Conductor {
 public:
  // `generators` are the processes of the run. Set `interrupted` to end it early.
  Conductor(const Options& options, Board& board, std::vector<pid_t> generators,
            const std::atomic<bool>& interrupted);

  // Before the first connection. Fails if a server's process is not there.
  base::Result<> begin(int64_t now);
  // Each turn. Ends with Phase::kDone on the board.
  void tick(int64_t now);
  // After it.
  Measured take();

 private:
  void tick_opening(int64_t now, const Counts<int64_t>& counts);
  void tick_draining(int64_t now, const Counts<int64_t>& counts);
  void begin_measuring(int64_t now, const Counts<int64_t>& counts);
  void end_measuring(int64_t now, const Counts<int64_t>& counts);
  void enter(Phase phase, int64_t now);
  bool all(std::atomic<bool> Figures::* flag) const;
  Usage server();
  void show_progress(int64_t now, const Counts<int64_t>& counts);

  const Options& options_;
  Board& board_;
  const std::vector<pid_t> generators_;
  const std::atomic<bool>& interrupted_;
  Measured measured_;
  double generator_cpu_begin_ = 0;
  int64_t phase_ns_ = 0;  // when the phase began
  int64_t settled_ns_ = 0;
  int64_t measuring_ns_ = 0;
  int64_t looked_ns_ = 0;
  int64_t shown_ns_ = 0;
  int64_t quiet_ns_ = 0;  // when something arrived last, while draining
  Counts<int64_t> shown_{};
  int64_t quiet_heard_ = 0;  // what had arrived by then
  int64_t begun_ns_ = 0;
};

}  // namespace millrace::bench
