#include <gtest/gtest.h>

#include "net/net.h"

namespace millrace::net {
namespace {

TEST(Address, every_form_is_read_and_written_back) {
  for (const char* text :
       {"127.0.0.1:8000", "[::1]:8000", ":8000", "localhost:0", "unix:/run/millrace.sock"}) {
    const base::Result<Address> address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(Address, what_is_not_an_address_is_refused_with_words) {
  for (const char* text :
       {"", "8000", "host", "host:", "host:70000", "host:12x", "::1:8000", "unix:"}) {
    const base::Result<Address> address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_FALSE(address.error().message.empty());
  }
}

}  // namespace
}  // namespace millrace::net
