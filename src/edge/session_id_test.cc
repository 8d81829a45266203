#include "edge/session_id.h"

#include <gtest/gtest.h>

namespace millrace::edge {
namespace {

SessionId some_id() {
  SessionId id{.connection = {base::CoreId{3}, 0xBEEF, 7}};
  for (size_t i = 0; i < id.secret.size(); ++i) id.secret[i] = static_cast<uint8_t>(i * 17);
  return id;
}

TEST(SessionId, is_what_was_written) {
  EXPECT_EQ(to_string(some_id()), "beef-7-3-00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(parse_session_id(to_string(some_id())), some_id());
}

TEST(SessionId, has_room_for_every_place) {
  SessionId id = some_id();
  id.connection = {base::CoreId{UINT16_MAX}, UINT32_MAX, UINT32_MAX};
  EXPECT_EQ(parse_session_id(to_string(id)), id);
}

TEST(SessionId, anything_else_is_none) {
  const std::string good = to_string(some_id());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(parse_session_id(good.substr(0, i))) << i;
    // Less off the front leaves another slot.
    EXPECT_TRUE(i < 4 || !parse_session_id(good.substr(i))) << i;
    std::string changed = good;
    changed[i] = changed[i] == '-' ? '0' : 'g';
    EXPECT_FALSE(parse_session_id(changed)) << changed;
  }
  EXPECT_FALSE(parse_session_id(good + "0"));
  EXPECT_FALSE(parse_session_id("0" + good));
  EXPECT_FALSE(parse_session_id("BEEF" + good.substr(4)));
  EXPECT_FALSE(parse_session_id("100000000-7-3-00112233-4455-6677-8899-aabbccddeeff"));
  EXPECT_FALSE(parse_session_id("-1-7-3-00112233-4455-6677-8899-aabbccddeeff"));
}

}  // namespace
}  // namespace millrace::edge
