// Watching somebody else's descriptors. Nothing sleeps: each test runs turns until what it waits
// for has happened.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/net.h"

namespace millrace::net {
namespace {

using namespace std::chrono_literals;

struct Recorder final : WatchHandler {
  void on_ready(bool readable, bool writable) override {
    seen += std::string(readable ? "r" : "") + (writable ? "w" : "") + " ";
    if (on_event) on_event();
  }
  std::string seen;
  std::function<void()> on_event;
};

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() : loop_(std::move(Loop::create({}, metrics_).value())) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_.data()), 0);
    watch_ = loop_->watch(fds_[0], recorder_);
    recorder_.on_event = [this] { loop_->stop(); };
  }
  ~FileWatchTest() override {
    watch_.reset();
    for (const int fd : fds_) ::close(fd);
  }

  void send() const { EXPECT_EQ(::send(fds_[1], "x", 1, 0), 1); }
  // Runs until the handler is called, or for so long if it is not to be called.
  void run(base::Duration at_most = 20s) {
    loop_->after(at_most, [this] { loop_->stop(); });
    loop_->run();
  }

  metrics::Core metrics_;
  std::unique_ptr<Loop> loop_;
  std::array<int, 2> fds_{};
  Recorder recorder_;
  std::unique_ptr<Watch> watch_;
};

TEST_F(FileWatchTest, bytes_that_wait_are_told) {
  EXPECT_TRUE(watch_->want(true, false));
  send();
  run();
  EXPECT_EQ(recorder_.seen, "r ");
}

TEST_F(FileWatchTest, room_to_write_is_told) {
  EXPECT_TRUE(watch_->want(true, true));
  run();
  EXPECT_EQ(recorder_.seen, "w ");
}

TEST_F(FileWatchTest, nothing_is_told_of_what_is_not_wanted) {
  send();
  run(1ms);
  EXPECT_EQ(recorder_.seen, "");
}

TEST_F(FileWatchTest, even_the_other_sides_end_is_not_told_when_nothing_is_wanted) {
  EXPECT_TRUE(watch_->want(true, true));
  EXPECT_TRUE(watch_->want(false, false));
  ::shutdown(fds_[1], SHUT_RDWR);
  run(1ms);
  EXPECT_EQ(recorder_.seen, "");
}

TEST_F(FileWatchTest, the_other_sides_end_counts_as_all_that_is_wanted) {
  EXPECT_TRUE(watch_->want(true, false));
  EXPECT_TRUE(watch_->want(true, true));
  ::shutdown(fds_[1], SHUT_RDWR);
  run();
  EXPECT_EQ(recorder_.seen, "rw ");
}

TEST_F(FileWatchTest, it_may_end_inside_its_own_callback) {
  recorder_.on_event = [this] {
    watch_.reset();
    loop_->stop();
  };
  EXPECT_TRUE(watch_->want(true, true));
  send();
  run();
  EXPECT_EQ(recorder_.seen, "rw ");
}

TEST_F(FileWatchTest, it_may_end_inside_another_ones_callback) {
  Recorder other;
  std::unique_ptr<Watch> other_watch = loop_->watch(fds_[1], other);
  // Both are ready in the same turn; the first to be told ends the other.
  recorder_.on_event = [&] {
    other_watch.reset();
    loop_->stop();
  };
  other.on_event = [&] {
    watch_.reset();
    loop_->stop();
  };
  EXPECT_TRUE(watch_->want(false, true));
  EXPECT_TRUE(other_watch->want(false, true));
  run();
  EXPECT_EQ(recorder_.seen + other.seen, "w ");
}

TEST_F(FileWatchTest, descriptor_that_cannot_be_watched_is_refused) {
  const std::unique_ptr<Watch> none = loop_->watch(-1, recorder_);
  EXPECT_FALSE(none->want(true, false));
}

}  // namespace
}  // namespace millrace::net
