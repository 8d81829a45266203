// From words to an exit code: makes the processes, runs them, and prints what came out.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "bench/bench.h"
#include "bench/board.h"
#include "bench/conductor.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/worker.h"

namespace millrace::bench {
namespace {

constexpr int kExitUnclean = 1;
constexpr int kExitMisuse = 2;
constexpr size_t kFilesReserve = 64;               // that are no connections
constexpr size_t kConnectionsPerAddress = 10'000;  // well below the ports that one address has

std::atomic<bool> interrupted{false};

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "millrace bench: %s\n", text.c_str());
  if (exit_code == kExitMisuse) std::fputs("Try: millrace bench --help\n", stderr);
  return exit_code;
}

size_t open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1'024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<size_t>(limit.rlim_cur);
}

base::Result<Setup> prepare(Options options) {
  Setup setup;
  for (const std::string& text : options.urls) {
    auto url = Url::parse(text);
    if (!url) return base::fail(url);
    auto address = resolve(*url);
    if (!address) return base::fail(address);
    setup.urls.push_back(std::move(*url));
    setup.addresses.push_back(*address);
  }
  const size_t connections = options.connections_in_all();
  const size_t limit = open_files_limit();
  const size_t each = limit > 2 * kFilesReserve ? limit - kFilesReserve : kFilesReserve;
  const size_t least = (connections + each - 1) / each;
  setup.processes = options.processes == 0 ? std::max<size_t>(least, 1) : options.processes;
  if (setup.processes < least || setup.processes > kProcessesMax) {
    return base::fail(base::ErrorCode::kLimit,
                      std::to_string(connections) + " connections need " + std::to_string(least) +
                          " processes, because each may have " + std::to_string(limit) +
                          " files open; at most " + std::to_string(kProcessesMax) + " are started");
  }
  const bool loopback = std::ranges::all_of(
      setup.addresses, [](const SocketAddress& address) { return address.is_loopback_v4(); });
  if (loopback) {
    setup.source_addresses =
        options.source_addresses != 0
            ? options.source_addresses
            : (connections + kConnectionsPerAddress - 1) / kConnectionsPerAddress;
  }
  setup.options = std::move(options);
  return setup;
}

base::Result<> work(Worker& worker, Board& board) {
  auto started = worker.start();
  if (!started) return started;
  while (board.phase() != Phase::kDone) worker.turn();
  worker.finish();
  return {};
}

// A process that is not the first. Never returns to what forked it.
[[noreturn]] void be_child(const Setup& setup, Board& board, size_t process) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  const std::unique_ptr<Worker> worker = make_worker(setup, board, process);
  const base::Result<> worked = work(*worker, board);
  if (!worked) board.figures(process).tell_problem(worked.error().message);
  ::_exit(worked ? 0 : 1);
}

class Children {
 public:
  ~Children() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    wait();
  }

  base::Result<> start(const Setup& setup, Board& board) {
    for (size_t i = 1; i < setup.processes; ++i) {
      const pid_t pid = ::fork();
      if (pid < 0)
        return base::fail(base::ErrorCode::kIo, std::string("fork: ") + std::strerror(errno));
      if (pid == 0) be_child(setup, board, i);
      pids_.push_back(pid);
    }
    return {};
  }

  const std::vector<pid_t>& pids() const { return pids_; }

  // Whether one has ended, which none does by itself before the run has.
  bool any_ended() const {
    return std::ranges::any_of(
        pids_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG | __WALL) != 0; });
  }

  void wait() {
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
    pids_.clear();
  }

 private:
  std::vector<pid_t> pids_;
};

base::Result<Measured> lead(const Setup& setup, Board& board, Children& children) {
  std::vector<pid_t> generators = children.pids();
  generators.push_back(::getpid());
  Conductor conductor(setup.options, board, std::move(generators), interrupted);
  const std::unique_ptr<Worker> worker = make_worker(setup, board, 0);
  if (auto begun = conductor.begin(now_ns()); !begun) return base::fail(begun);
  if (auto started = children.start(setup, board); !started) return base::fail(started);
  if (auto started = worker->start(); !started) return base::fail(started);
  int64_t looked_ns = now_ns();
  while (board.phase() != Phase::kDone) {
    worker->turn();
    const int64_t now = now_ns();
    conductor.tick(now);
    if (now - looked_ns < 1'000'000'000) continue;
    looked_ns = now;
    if (children.any_ended())
      return base::fail(base::ErrorCode::kIo, "one of the generator's processes has died");
  }
  worker->finish();
  children.wait();
  return conductor.take();
}

bool write_json(const Options& options, const std::string& text) {
  if (options.json_file.empty()) return true;
  const bool to_stdout = options.json_file == "-";
  std::FILE* file = to_stdout ? stdout : std::fopen(options.json_file.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fprintf(file, "%s\n", text.c_str()) > 0;
  return (to_stdout ? std::fflush(file) : std::fclose(file)) == 0 && written;
}

int report_on(const Setup& setup, const Board& board, const Measured& measured) {
  Histogram latency;
  for (size_t i = 0; i < board.processes(); ++i) latency.merge(board.figures(i).latency);
  const Options& options = setup.options;
  const Report report{options, measured, latency, setup.processes};
  std::fputs(table_of(report).c_str(), options.json_file == "-" ? stderr : stdout);
  if (!measured.problem.empty()) complain("the first problem: " + measured.problem, kExitUnclean);
  if (!write_json(options, json_of(report)))
    return complain("cannot write " + options.json_file + ": " + std::strerror(errno),
                    kExitUnclean);
  return is_clean(report) ? 0 : kExitUnclean;
}

int run(const Options& options) {
  auto setup = prepare(options);
  if (!setup) return complain(setup.error().message, kExitUnclean);
  auto board = Board::create(setup->processes, streams_of(options));
  if (!board) return complain(board.error().message, kExitUnclean);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, [](int) { interrupted.store(true); });
  std::signal(SIGTERM, [](int) { interrupted.store(true); });
  Children children;
  auto measured = lead(*setup, **board, children);
  if (!measured) return complain(measured.error().message, kExitUnclean);
  return report_on(*setup, **board, *measured);
}

}  // namespace

int run_command(std::span<const std::string> words) {
  const auto options = parse_options(words);
  if (!options) return complain(options.error(), kExitMisuse);
  if (options->help) {
    std::fputs(help_text().c_str(), stdout);
    return 0;
  }
  return run(*options);
}

}  // namespace millrace::bench
