#include "bench/board.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace millrace::bench {

static_assert(std::atomic<int64_t>::is_always_lock_free);

void Figures::tell_problem(std::string_view text) {
  if (has_problem.load(std::memory_order_relaxed)) return;
  const size_t count = std::min(text.size(), problem.size() - 1);
  std::copy_n(text.begin(), count, problem.begin());
  has_problem.store(true, std::memory_order_release);
}

base::Result<std::unique_ptr<Board>> Board::create(size_t processes, size_t streams) {
  const size_t bytes = sizeof(Shared) + processes * sizeof(Figures) + streams * sizeof(Counter);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return base::fail(base::ErrorCode::kIo, std::string("mmap: ") + std::strerror(errno));
  const int bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (bell < 0) {
    const std::string why = std::strerror(errno);
    ::munmap(memory, bytes);
    return base::fail(base::ErrorCode::kIo, "eventfd: " + why);
  }
  return std::unique_ptr<Board>(new Board(memory, bytes, processes, streams, bell));
}

Board::Board(void* memory, size_t bytes, size_t processes, size_t streams, int bell)
    : memory_(memory), bytes_(bytes), processes_(processes), streams_(streams), bell_(bell) {
  static_assert(sizeof(Shared) % alignof(Figures) == 0);
  static_assert(sizeof(Figures) % alignof(Counter) == 0);
  shared_ = new (memory) Shared();
  figures_ = reinterpret_cast<Figures*>(static_cast<char*>(memory) + sizeof(Shared));
  for (size_t i = 0; i < processes; ++i) new (figures_ + i) Figures();
  published_ = reinterpret_cast<Counter*>(figures_ + processes);
  for (size_t i = 0; i < streams; ++i) new (published_ + i) Counter();
}

Board::~Board() {
  ::munmap(memory_, bytes_);
  ::close(bell_);
}

void Board::ring() const {
  const uint64_t one = 1;
  // Full means that it rings already.
  [[maybe_unused]] const ssize_t written = ::write(bell_, &one, sizeof one);
}

Counts<int64_t> Board::sum() const {
  Counts<int64_t> sum;
  for (size_t i = 0; i < processes_; ++i) {
    const Counts<Counter>& counts = figures_[i].counts;
    sum.joined += counts.joined.get();
    sum.failed += counts.failed.get();
    sum.disconnects += counts.disconnects.get();
    sum.live += counts.live.get();
    sum.published += counts.published.get();
    sum.deliveries += counts.deliveries.get();
    sum.lost += counts.lost.get();
    sum.duplicated += counts.duplicated.get();
    sum.out_of_order += counts.out_of_order.get();
    sum.refused += counts.refused.get();
    sum.received_bytes += counts.received_bytes.get();
  }
  return sum;
}

std::string Board::first_problem() const {
  for (size_t i = 0; i < processes_; ++i) {
    if (figures_[i].has_problem.load(std::memory_order_acquire)) return figures_[i].problem.data();
  }
  return "";
}

}  // namespace millrace::bench
