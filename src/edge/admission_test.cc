#include <gtest/gtest.h>

#include <array>
#include <string>

#include "edge/edge.h"

namespace millrace::edge {
namespace {

using namespace std::chrono_literals;
using enum Transport;

TEST(Origin, without_patterns_the_host_must_be_the_same) {
  EXPECT_TRUE(origin_allowed("", "example.com", {})) << "not a browser";
  EXPECT_TRUE(origin_allowed("https://Example.com", "example.com", {}));
  EXPECT_TRUE(origin_allowed("http://localhost:8000", "localhost:8000", {}));
  EXPECT_FALSE(origin_allowed("http://localhost:8001", "localhost:8000", {}));
  EXPECT_FALSE(origin_allowed("https://example.com.evil.test", "example.com", {}));
  EXPECT_FALSE(origin_allowed("null", "example.com", {}));
}

TEST(Origin, patterns_are_globs_over_the_whole_origin) {
  const std::array<std::string, 2> patterns{"https://*.example.com", "http://localhost:*"};
  EXPECT_TRUE(origin_allowed("https://a.example.com", "", patterns));
  EXPECT_TRUE(origin_allowed("https://a.b.EXAMPLE.com", "", patterns));
  EXPECT_TRUE(origin_allowed("http://localhost:3000", "", patterns));
  EXPECT_FALSE(origin_allowed("https://example.com", "", patterns));
  EXPECT_FALSE(origin_allowed("https://a.example.com.evil.test", "", patterns));
  EXPECT_TRUE(origin_allowed("anything", "", std::array<std::string, 1>{"*"}));
  EXPECT_FALSE(origin_allowed("anything", "", std::array<std::string, 1>{""}));
}

TEST(Admission, connections_are_bounded_and_their_places_given_back) {
  Admission admission({.sockets_max = 3, .connections_max = 2});
  const base::MonotonicTime now{1'000'000};
  EXPECT_TRUE(admission.open_connection(now, kWebSocket));
  EXPECT_TRUE(admission.open_connection(now, kWebSocket));
  EXPECT_FALSE(admission.open_connection(now, kWebSocket));
  admission.close_connection(kWebSocket);
  EXPECT_TRUE(admission.open_connection(now, kWebSocket));
  EXPECT_EQ(admission.connections(), 2U);
  admission.close_connection(kWebSocket);
  admission.close();
  EXPECT_FALSE(admission.open_connection(now, kWebSocket));
}

TEST(Admission, transports_have_limits_of_their_own) {
  Admission::Limits limits{.connections_max = 4};
  limits.transport_connections_max[static_cast<size_t>(kSse)] = 2;
  Admission admission(limits);
  const base::MonotonicTime now{1'000'000};
  EXPECT_TRUE(admission.open_connection(now, kSse));
  EXPECT_TRUE(admission.open_connection(now, kSse));
  EXPECT_FALSE(admission.open_connection(now, kSse));
  EXPECT_EQ(admission.connections(), 2U) << "who was refused takes no place";
  EXPECT_TRUE(admission.open_connection(now, kWebSocket));
  EXPECT_TRUE(admission.open_connection(now, kUniSse));
  admission.close_connection(kSse);
  EXPECT_TRUE(admission.open_connection(now, kSse)) << "its place is free again";
  admission.close_connection(kWebSocket);
  EXPECT_FALSE(admission.open_connection(now, kSse)) << "there is room, but not for this one";
  EXPECT_TRUE(admission.open_connection(now, kLongPoll));
  EXPECT_FALSE(admission.open_connection(now, kUniHttpStream)) << "the total counts too";
  EXPECT_EQ(admission.connections(kSse), 2U);
  EXPECT_EQ(admission.connections(kUniHttpStream), 0U);
}

TEST(Admission, a_rate_lets_through_what_a_second_saves_up_and_no_more) {
  Admission admission({.connections_per_second_max = 10});
  base::MonotonicTime now{100'000'000};
  const auto admitted = [&](int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += admission.open_connection(now, kWebSocket) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted(100), 10);
  now = now + 500ms;
  EXPECT_EQ(admitted(100), 5);
  now = now + 10s;
  EXPECT_EQ(admitted(100), 10);
}

}  // namespace
}  // namespace millrace::edge
