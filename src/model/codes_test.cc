#include "model/codes.h"

#include <gtest/gtest.h>

#include <iterator>
#include <set>

namespace millrace::model {
namespace {

TEST(Codes, have_the_values_that_clients_know) {
  EXPECT_EQ(errors::kPermissionDenied.code, 103U);
  EXPECT_TRUE(errors::kTooManyRequests.temporary);
  EXPECT_EQ(disconnects::kShutdown.code, 3001);
  EXPECT_TRUE(disconnects::kShutdown.reconnects());
  EXPECT_FALSE(disconnects::kBadRequest.reconnects());
  EXPECT_EQ(unsubscribes::kInsufficientState.code, 2500U);
}

TEST(Codes, are_unique_and_their_reasons_fit_a_close_frame) {
  std::set<uint32_t> seen;
  for (const Disconnect& row : disconnects::kAll) {
    EXPECT_TRUE(seen.insert(row.code).second) << row.code;
    EXPECT_LE(row.reason.size(), 123U)
        << "RFC 6455, section 5.5: a control frame holds 125 bytes, 2 are the code";
  }
  EXPECT_EQ(seen.size(), std::size(disconnects::kAll));
}

}  // namespace
}  // namespace millrace::model
