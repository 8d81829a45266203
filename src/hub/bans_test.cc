#include "hub/bans.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace millrace::hub {
namespace {

int64_t in(int64_t seconds) {
  return base::wall_clock_ms() / 1000 + seconds;
}

TEST(Bans, users_tokens_and_old_tokens_are_shut_out_apart) {
  Bans bans(10);
  bans.add({.kind = Ban::Kind::kUser, .subject = "42"});
  bans.add({.kind = Ban::Kind::kToken, .subject = "t"});
  bans.add({.kind = Ban::Kind::kUserTokens, .subject = "43", .issued_before = 100});
  EXPECT_TRUE(bans.user_banned("42"));
  EXPECT_FALSE(bans.user_banned("43"));
  EXPECT_FALSE(bans.user_banned("t"));
  EXPECT_TRUE(bans.token_banned("t", "1", 1'000));
  EXPECT_FALSE(bans.token_banned("", "1", 1'000)) << "a token without an id";
  EXPECT_TRUE(bans.token_banned("", "43", 99));
  EXPECT_TRUE(bans.token_banned("", "43", 0)) << "it does not say when it was issued";
  EXPECT_FALSE(bans.token_banned("", "43", 100));
  bans.remove(Ban::Kind::kToken, "t");
  bans.remove(Ban::Kind::kToken, "unknown");
  EXPECT_FALSE(bans.token_banned("t", "1", 1'000));
}

TEST(Bans, end_when_they_expire) {
  Bans bans(10);
  bans.add({.subject = "past", .expire_at = in(-1)});
  bans.add({.subject = "future", .expire_at = in(100)});
  EXPECT_FALSE(bans.user_banned("past"));
  EXPECT_TRUE(bans.user_banned("future"));
}

TEST(Bans, are_full_at_the_limit_but_for_those_there_and_those_expired) {
  Bans bans(2);
  bans.add({.subject = "a", .expire_at = in(100)});
  EXPECT_FALSE(bans.full({.subject = "b"}));
  bans.add({.kind = Ban::Kind::kToken, .subject = "b"});
  EXPECT_TRUE(bans.full({.subject = "c"}));
  EXPECT_FALSE(bans.full({.subject = "a"})) << "that one is made anew";
  bans.add({.subject = "a", .expire_at = in(-1)});
  EXPECT_FALSE(bans.full({.subject = "c"}));
}

}  // namespace
}  // namespace millrace::hub
