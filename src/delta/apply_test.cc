// Patches written by hand. That the encoder's own are applied is in encoder_test.cc.
#include <gtest/gtest.h>

#include <string>

#include "delta/delta.h"

namespace millrace::delta {
namespace {

constexpr std::string_view kSource = "the quick brown fox";

std::string wrong_with(std::string_view patch) {
  const auto target = delta::apply(kSource, patch);
  if (target) return "nothing: " + *target;
  EXPECT_EQ(target.error().code, base::ErrorCode::kInvalid);
  return target.error().message;
}

TEST(Apply, takes_copies_and_inserts_in_order) {
  EXPECT_EQ(delta::apply(kSource, "B\n3@G,5: and 3@0,xH_50;"), "fox and the");
}

TEST(Apply, an_empty_target_needs_no_command) {
  EXPECT_EQ(delta::apply(kSource, "0\n0;"), "");
}

TEST(Apply, what_is_not_a_patch_is_refused) {
  EXPECT_EQ(wrong_with(""), "delta: no size");
  EXPECT_EQ(wrong_with("3"), "delta: no size");
  EXPECT_EQ(wrong_with("\n0;"), "delta: no size");
  EXPECT_EQ(wrong_with("0\n"), "delta: expected a number");
  EXPECT_EQ(wrong_with("0\n;"), "delta: expected a number");
  EXPECT_EQ(wrong_with("0\n0"), "delta: unknown command");
  EXPECT_EQ(wrong_with("3\n3!abc"), "delta: unknown command");
  EXPECT_EQ(wrong_with("0\n0;0;"), "delta: there is more behind its end");
  EXPECT_EQ(wrong_with("400000\n"), "delta: no size");
}

TEST(Apply, a_copy_lies_within_the_source) {
  EXPECT_EQ(wrong_with("3\n3@H,0;"), "delta: a copy reaches outside of the source");
  EXPECT_EQ(wrong_with("3\n3@3~~~~~,0;"), "delta: a copy reaches outside of the source");
  EXPECT_EQ(wrong_with("3\n3@,0;"), "delta: expected an offset");
  EXPECT_EQ(wrong_with("3\n3@0;0;"), "delta: expected an offset");
}

TEST(Apply, an_insert_lies_within_the_patch) {
  EXPECT_EQ(wrong_with("5\n5:abc"), "delta: it ends within an insert");
}

TEST(Apply, size_and_checksum_must_be_right) {
  EXPECT_EQ(wrong_with("3\n3@0,1;"), "delta: the checksum does not match");
  EXPECT_EQ(wrong_with("4\n3@0,0;"), "delta: the target is shorter than it says");
  EXPECT_EQ(wrong_with("2\n3@0,0;"), "delta: the target is longer than it says");
  EXPECT_EQ(wrong_with("2\n1@0,3~~~~~:"), "delta: the target is longer than it says");
}

TEST(Apply, a_target_over_the_callers_limit_is_refused_before_it_is_made) {
  const auto target = delta::apply(kSource, "G0\n", 1023);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, base::ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace millrace::delta
