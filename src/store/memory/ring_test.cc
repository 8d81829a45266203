#include "store/memory/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "base/random.h"

namespace millrace::store::memory {
namespace {

TEST(Ring, agrees_with_a_deque) {
  constexpr size_t kMost = 37;
  base::Prng random(3);
  Ring<int> ring;
  std::deque<int> deque;
  for (int step = 0; step < 20'000; ++step) {
    // The longer phases fill it up and drain it, so that it grows, wraps and shrinks.
    const bool filling = (step / 500) % 2 == 0;
    if (deque.size() < kMost && (deque.empty() || random.below(4) < (filling ? 3U : 1U))) {
      ring.push_back(step, kMost);
      deque.push_back(step);
    } else {
      ring.pop_front();
      deque.pop_front();
    }
    ASSERT_EQ(ring.size(), deque.size());
    ASSERT_LE(ring.capacity(), kMost);
    for (size_t i = 0; i < deque.size(); ++i) ASSERT_EQ(ring[i], deque[i]) << step;
  }
}

TEST(Ring, holds_no_memory_while_it_is_empty) {
  Ring<int> ring;
  EXPECT_EQ(ring.capacity(), 0U);
  for (int i = 0; i < 10; ++i) ring.push_back(i, 10);
  EXPECT_EQ(ring.capacity(), 10U) << "and never more than it was told";
  while (!ring.empty()) ring.pop_front();
  EXPECT_EQ(ring.capacity(), 0U);
  ring.push_back(1, 10);
  ring.clear();
  EXPECT_EQ(ring.capacity(), 0U);
}

TEST(Ring, gives_back_memory_as_it_drains) {
  Ring<int> ring;
  for (int i = 0; i < 1000; ++i) ring.push_back(i, 5000);
  while (ring.size() > 16) {
    ring.pop_front();
    ASSERT_LE(ring.capacity(), std::max<size_t>(16, ring.size() * 4));
  }
}

TEST(Ring, a_popped_value_is_let_go_at_once) {
  Ring<std::shared_ptr<int>> ring;
  const auto value = std::make_shared<int>(1);
  ring.push_back(value, 4);
  ring.push_back(nullptr, 4);
  EXPECT_EQ(value.use_count(), 2);
  ring.pop_front();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace millrace::store::memory
