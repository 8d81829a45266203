#include "websocket/extensions.h"

#include <gtest/gtest.h>

namespace millrace::websocket {
namespace {

constexpr std::string_view kAccepted =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

// The response; "" when every offer was declined, "malformed" for a header that breaks the grammar.
std::string answer(std::string_view header, int window_bits_min = 9) {
  const auto agreement = negotiate_deflate(header, window_bits_min);
  if (!agreement) return "malformed";
  EXPECT_EQ(agreement->accepted, !agreement->response.empty());
  return agreement->response;
}

TEST(Extensions, a_plain_offer_is_answered_with_no_context_takeover_on_both_sides) {
  EXPECT_EQ(answer("permessage-deflate"), kAccepted);
  EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            kAccepted);
  EXPECT_EQ(answer("  permessage-deflate\t;server_no_context_takeover "), kAccepted);
}

TEST(Extensions, what_browsers_offer_is_accepted) {
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), kAccepted);
  EXPECT_EQ(answer("permessage-deflate"), kAccepted);
}

TEST(Extensions, a_demanded_server_window_is_met_and_answered) {
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string text = std::to_string(bits);
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=" + text),
              std::string(kAccepted) + "; server_max_window_bits=" + text);
    EXPECT_EQ(negotiate_deflate("permessage-deflate; server_max_window_bits=" + text, 9)
                  ->server_window_bits,
              bits);
  }
  EXPECT_EQ(negotiate_deflate("permessage-deflate", 9)->server_window_bits, 15);
}

TEST(Extensions, a_window_smaller_than_we_can_make_is_declined) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8"), "");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=14", 15), "");
  EXPECT_NE(answer("permessage-deflate; server_max_window_bits=15", 15), "");
}

TEST(Extensions, any_client_window_is_accepted) {
  for (int bits = 8; bits <= 15; ++bits)
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=" + std::to_string(bits)),
              kAccepted);
}

TEST(Extensions, quoted_values_are_values) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"10\""),
            std::string(kAccepted) + "; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"1\\0\""),
            std::string(kAccepted) + "; server_max_window_bits=10");
}

TEST(Extensions, ill_valued_parameters_decline_the_offer) {
  for (std::string_view parameter :
       {"server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=09", "server_max_window_bits=010", "server_max_window_bits=+9",
        "server_max_window_bits=9x", "server_max_window_bits=100", "client_max_window_bits=7",
        "client_max_window_bits=16", "client_max_window_bits=08", "client_max_window_bits=x",
        "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown", "unknown=1",
        "Server_no_context_takeover"})
    EXPECT_EQ(answer("permessage-deflate; " + std::string(parameter)), "") << parameter;
}

TEST(Extensions, a_parameter_given_twice_declines_the_offer) {
  for (std::string_view parameter :
       {"server_max_window_bits=10", "client_max_window_bits", "client_max_window_bits=10",
        "server_no_context_takeover", "client_no_context_takeover"}) {
    const std::string once(parameter);
    EXPECT_EQ(answer("permessage-deflate; " + once + "; " + once), "") << parameter;
  }
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits; client_max_window_bits=10"), "");
}

TEST(Extensions, the_first_usable_offer_is_taken) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate; "
                   "server_max_window_bits=12, "
                   "permessage-deflate"),
            std::string(kAccepted) + "; server_max_window_bits=12");
  EXPECT_EQ(answer("x-webkit-deflate-frame, permessage-bzip2; level=\"9\", permessage-deflate"),
            kAccepted);
  EXPECT_EQ(answer("permessage-deflate; unknown,permessage-deflate"), kAccepted);
}

TEST(Extensions, other_extensions_are_passed_over) {
  EXPECT_EQ(answer(""), "");
  EXPECT_EQ(answer("permessage-bzip2"), "");
  EXPECT_EQ(answer("permessage-deflate2"), "");
}

TEST(Extensions, empty_list_elements_are_allowed) {
  EXPECT_EQ(answer(", ,permessage-deflate, "), kAccepted);
  EXPECT_EQ(answer(" ,"), "");
}

TEST(Extensions, what_breaks_the_grammar_is_malformed_even_behind_a_good_offer) {
  for (std::string_view bad :
       {";", "=", "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=", "a b",
        "a; b c", "a; b=\"x", "a; b=\"x y\"", "a; b=\"\"", "a; b=\"x\"y", "a; b=\"x\\", "\"a\"",
        "a/b"}) {
    EXPECT_EQ(answer(bad), "malformed") << bad;
    EXPECT_EQ(answer("permessage-deflate, " + std::string(bad)), "malformed") << bad;
  }
}

}  // namespace
}  // namespace millrace::websocket
