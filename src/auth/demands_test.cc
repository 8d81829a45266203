#include "auth/demands.h"

#include <gtest/gtest.h>

namespace millrace::auth {
namespace {

Claims from(std::string issuer, std::vector<std::string> audiences = {}) {
  Claims claims;
  claims.issuer = std::move(issuer);
  claims.audiences = std::move(audiences);
  return claims;
}

Demands demands(const Options& options) {
  return std::move(*Demands::of(options));
}

TEST(Demands, nothing_is_demanded_by_default) {
  EXPECT_TRUE(demands({}).judge(from("anybody", {"x"})));
  EXPECT_TRUE(demands({}).judge(from("")));
}

TEST(Demands, issuer_is_the_one) {
  const Demands one = demands({.issuer = "https://a.example"});
  EXPECT_TRUE(one.judge(from("https://a.example")));
  EXPECT_FALSE(one.judge(from("https://a.example/")));
  EXPECT_FALSE(one.judge(from("")));
}

TEST(Demands, audience_is_among_those_of_the_token) {
  const Demands one = demands({.audience = "us"});
  EXPECT_TRUE(one.judge(from("", {"us"})));
  EXPECT_TRUE(one.judge(from("", {"them", "us"})));
  EXPECT_FALSE(one.judge(from("", {"them"})));
  EXPECT_FALSE(one.judge(from("")));
}

TEST(Demands, patterns_match_a_part_unless_they_are_anchored) {
  EXPECT_TRUE(demands({.issuer_regex = "a\\.example"}).judge(from("https://a.example/x")));
  const Demands anchored = demands({.issuer_regex = "^https://a\\.example$"});
  EXPECT_TRUE(anchored.judge(from("https://a.example")));
  EXPECT_FALSE(anchored.judge(from("https://a.example/x")));
  const Demands audience = demands({.audience_regex = "^us-[0-9]+$"});
  EXPECT_TRUE(audience.judge(from("", {"them", "us-1"})));
  EXPECT_FALSE(audience.judge(from("", {"us-x"})));
  EXPECT_FALSE(audience.judge(from("")));
}

TEST(Demands, all_of_them_hold) {
  const Demands both = demands({.audience = "us", .issuer = "i"});
  EXPECT_TRUE(both.judge(from("i", {"us"})));
  EXPECT_FALSE(both.judge(from("i", {"them"})));
  EXPECT_FALSE(both.judge(from("x", {"us"})));
}

TEST(Demands, named_groups_are_found) {
  const Demands two = demands(
      {.audience_regex = "^(?P<tenant>[a-z]+)-app$", .issuer_regex = "/realms/(?P<realm>.+)$"});
  const auto variables = two.judge(from("https://a/realms/x", {"no", "acme-app", "other-app"}));
  ASSERT_TRUE(variables);
  EXPECT_EQ(*variables, (Variables{{"realm", "x"}, {"tenant", "acme"}}));
  EXPECT_TRUE(two.has_group("realm"));
  EXPECT_FALSE(two.has_group("audience"));
}

TEST(Demands, patterns_compile) {
  const auto wrong = Demands::of({.issuer_regex = "("});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().message.starts_with("issuer_regex: is not a regular expression: "));
  EXPECT_FALSE(Demands::of({.audience_regex = "(?P<>x)"}));
}

std::string filled(const std::string& text, const Variables& variables) {
  const Demands two =
      demands({.audience_regex = "(?P<tenant>.*)", .issuer_regex = "(?P<realm>.*)"});
  const auto url = UrlTemplate::parse(text, two);
  return url ? url->fill(variables).value_or("nothing") : url.error().message;
}

TEST(UrlTemplate, names_are_filled_in) {
  EXPECT_EQ(filled("https://a/keys", {}), "https://a/keys");
  EXPECT_EQ(filled("https://a/{{realm}}/keys", {{"realm", "x-1_~."}}), "https://a/x-1_~./keys");
  EXPECT_EQ(filled("https://{{tenant}}.a/{{realm}}", {{"realm", "r"}, {"tenant", "t"}}),
            "https://t.a/r");
  EXPECT_EQ(filled("https://a/{{realm}}{{realm}}", {{"realm", "r"}}), "https://a/rr");
}

TEST(UrlTemplate, values_stay_in_their_place) {
  for (const char* value : {"", ".", "..", "a/b", "a?b", "a#b", "a%2Fb", "a b", "evil.example/",
                            "a@b", "a:1", "a\nb", "\xC3\xA9"}) {
    EXPECT_EQ(filled("https://a/{{realm}}/keys", {{"realm", value}}), "nothing") << value;
  }
  EXPECT_EQ(filled("https://a/{{realm}}", {}), "nothing");
}

TEST(UrlTemplate, mistakes_are_told) {
  EXPECT_EQ(filled("a/keys", {}), "is not an http:// or https:// URL");
  EXPECT_EQ(filled("file:///etc/keys", {}), "is not an http:// or https:// URL");
  EXPECT_EQ(filled("https://a/ b", {}), "holds characters that a URL has not");
  EXPECT_EQ(filled("https://a/{{realm", {}), "has {{ without }}");
  EXPECT_EQ(filled("https://a/{{other}}", {}),
            "has {{other}}, which is no group of issuer_regex or audience_regex");
}

}  // namespace
}  // namespace millrace::auth
