#include <gtest/gtest.h>

#include <utility>
#include <variant>

#include "auth/auth.h"
#include "auth/testing.h"
#include "base/manual_executor.h"

namespace millrace::auth {
namespace {

constexpr int64_t kNow = 1'700'000'000;
constexpr std::string_view kSecret = "secret";

class VerifierTest : public testing::Test {
 protected:
  void use(const Options& options) {
    const base::Result<> checked = check(options);
    ASSERT_TRUE(checked) << checked.error().message;
    verifier_.emplace(
        cores_.at(0), options,
        [this](std::string url, auto done) {
          urls_.push_back(std::move(url));
          pending_.push_back(std::move(done));
        },
        [this] { return now_; });
  }

  // "user" if the token is good, else why not; "waiting" if that is not known yet.
  std::string connection(std::string_view token) {
    std::string result = "waiting";
    verifier_->verify_connection(token, [&result](auto claims) { result = shown(claims); });
    return result;
  }
  std::string subscription(std::string_view token) {
    std::string result = "waiting";
    verifier_->verify_subscription(token, [&result](auto claims) {
      result = shown(claims);
      if (claims) result += " " + claims->channel;
    });
    return result;
  }
  // Not inlined: gcc 12 would warn of an error that is read before it is there.
  template <class Claims>
  [[gnu::noinline]] static std::string shown(const std::expected<Claims, Refusal>& claims) {
    return claims ? claims->user : shown(claims.error());
  }
  static std::string shown(Refusal refusal) {
    switch (refusal) {
      case Refusal::kInvalid:
        return "invalid";
      case Refusal::kExpired:
        return "expired";
      case Refusal::kUnavailable:
        return "unavailable";
    }
    return "?";
  }

  void answer(base::Result<std::string> body) {
    ASSERT_FALSE(pending_.empty());
    auto done = std::move(pending_.back());
    pending_.pop_back();
    done(std::move(body));
    cores_.run_until_idle();
  }

  base::ManualCores cores_{1};
  int64_t now_ = kNow;
  std::vector<std::string> urls_;
  std::vector<std::move_only_function<void(base::Result<std::string>)>> pending_;
  std::optional<Verifier> verifier_;
};

TEST_F(VerifierTest, hmac_tokens_of_every_length) {
  use({.hmac_secret_key = std::string(kSecret)});
  EXPECT_TRUE(verifier_->any_key());
  for (const char* name : {"HS256", "HS384", "HS512"}) {
    EXPECT_EQ(connection(hmac_token(kSecret, R"({"sub":"u"})", name)), "u");
    EXPECT_EQ(connection(hmac_token("other", R"({"sub":"u"})", name)), "invalid");
  }
  EXPECT_EQ(connection(make_token(kSecret, {.user = "made"})), "made");
  EXPECT_EQ(subscription(make_token(kSecret, {.user = "u", .channel = "c"})), "u c");
}

TEST_F(VerifierTest, kinds_of_tokens_are_not_mixed_up) {
  use({.hmac_secret_key = std::string(kSecret)});
  EXPECT_EQ(connection(make_token(kSecret, {.user = "u", .channel = "c"})), "invalid");
  EXPECT_EQ(subscription(make_token(kSecret, {.user = "u"})), "invalid");
}

TEST_F(VerifierTest, no_key_means_no_token) {
  use({});
  EXPECT_FALSE(verifier_->any_key());
  EXPECT_EQ(connection(hmac_token("", R"({"sub":"u"})")), "invalid");
  EXPECT_EQ(connection(Signer::ed25519().token("EdDSA", R"({"sub":"u"})", "a")), "invalid");
}

TEST_F(VerifierTest, unsigned_and_altered_tokens_are_invalid) {
  use({.hmac_secret_key = std::string(kSecret)});
  const std::string good = hmac_token(kSecret, R"({"sub":"u"})");
  EXPECT_EQ(connection(unsigned_token(R"({"alg":"none"})", R"({"sub":"u"})") + "."), "invalid");
  EXPECT_EQ(connection(good.substr(0, good.rfind('.') + 1)), "invalid");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string altered = good;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(connection(altered), "invalid") << i;
  }
  EXPECT_EQ(connection(good), "u");
}

TEST_F(VerifierTest, public_keys_of_every_kind) {
  const Signer rsa = Signer::rsa();
  const Signer ecdsa = Signer::ecdsa("P-384");
  const Signer ed25519 = Signer::ed25519();
  use({.rsa_public_key = rsa.public_pem(),
       .ecdsa_public_key = ecdsa.public_pem(),
       .ed25519_public_key = ed25519.public_pem()});
  EXPECT_EQ(connection(rsa.token("RS256", R"({"sub":"r"})")), "r");
  EXPECT_EQ(connection(rsa.token("RS512", R"({"sub":"r"})", "any kid")), "r");
  EXPECT_EQ(connection(ecdsa.token("ES384", R"({"sub":"e"})")), "e");
  EXPECT_EQ(connection(ed25519.token("EdDSA", R"({"sub":"d"})")), "d");
  EXPECT_EQ(connection(Signer::ecdsa("P-256").token("ES256", "{}")), "invalid");
  EXPECT_EQ(connection(Signer::ed25519().token("EdDSA", "{}")), "invalid");
}

TEST_F(VerifierTest, public_key_is_never_an_hmac_secret) {
  const std::string pem = Signer::rsa().public_pem();
  use({.rsa_public_key = pem});
  EXPECT_EQ(connection(hmac_token(pem, R"({"sub":"u"})")), "invalid");
  use({.hmac_secret_key = std::string(kSecret), .rsa_public_key = pem});
  EXPECT_EQ(connection(hmac_token(pem, R"({"sub":"u"})")), "invalid");
}

TEST_F(VerifierTest, why_a_token_was_refused_is_told_to_who_asks) {
  use({.hmac_secret_key = std::string(kSecret)});
  std::string why;
  const auto ask = [&](std::string_view token) {
    verifier_->verify_connection(token, [&](const auto&) { why = verifier_->why_refused(); });
    return why;
  };
  EXPECT_EQ(ask("a.b"), "not three parts");
  EXPECT_EQ(ask(make_token("other", {.user = "u"})), "no key verifies the signature");
  EXPECT_EQ(ask(make_token(kSecret, {.user = "u", .expire_at = 1})),
            "exp has passed, or nbf has not come");
  EXPECT_EQ(ask(make_token(kSecret, {.user = "u", .channel = "c"})), "wrong claim channel");
}

TEST_F(VerifierTest, previous_secret_is_accepted_until_its_end) {
  Options options{.hmac_secret_key = "new", .hmac_previous_secret_key = "old"};
  use(options);
  EXPECT_EQ(connection(make_token("old", {.user = "u"})), "u");
  EXPECT_EQ(connection(make_token("new", {.user = "u"})), "u");
  options.hmac_previous_secret_key_valid_until = kNow;
  use(options);
  EXPECT_EQ(connection(make_token("old", {.user = "u"})), "invalid");
  EXPECT_EQ(connection(make_token("new", {.user = "u"})), "u");
  now_ = kNow - 1;
  EXPECT_EQ(connection(make_token("old", {.user = "u"})), "u");
}

TEST_F(VerifierTest, expired_is_told_of_well_signed_tokens_only) {
  use({.hmac_secret_key = std::string(kSecret)});
  EXPECT_EQ(connection(make_token(kSecret, {.user = "u", .expire_at = kNow})), "expired");
  EXPECT_EQ(connection(make_token(kSecret, {.user = "u", .expire_at = kNow + 1})), "u");
  EXPECT_EQ(connection(make_token("other", {.user = "u", .expire_at = kNow})), "invalid");
  EXPECT_EQ(connection(hmac_token(kSecret, R"({"nbf":1700000001})")), "expired");
  // The connection's end is the backend's affair, the token's is ours.
  EXPECT_EQ(connection(hmac_token(kSecret, R"({"exp":1,"expire_at":1800000000})")), "expired");
  EXPECT_EQ(connection(hmac_token(kSecret, R"({"sub":"u","exp":1800000000,"expire_at":1})")), "u");
}

TEST_F(VerifierTest, issuer_audience_and_user_claim_are_as_configured) {
  use({.hmac_secret_key = std::string(kSecret),
       .audience = "us",
       .issuer = "me",
       .user_id_claim = "uid"});
  const auto with = [](const std::string& payload) { return hmac_token(kSecret, payload); };
  EXPECT_EQ(connection(with(R"({"iss":"me","aud":["x","us"],"uid":"u","sub":"s"})")), "u");
  EXPECT_EQ(connection(with(R"({"iss":"me","aud":"us","uid":"u"})")), "u");
  EXPECT_EQ(connection(with(R"({"iss":"you","aud":"us","uid":"u"})")), "invalid");
  EXPECT_EQ(connection(with(R"({"iss":"me","aud":"them","uid":"u"})")), "invalid");
  EXPECT_EQ(connection(with(R"({"uid":"u"})")), "invalid");
}

class Jwks : public VerifierTest {
 protected:
  const Signer signer_ = Signer::ecdsa("P-256");

  std::string token(std::string_view key_id, std::string_view payload = R"({"sub":"u"})") const {
    return signer_.token("ES256", payload, key_id);
  }
};

TEST_F(Jwks, token_waits_for_its_key) {
  use({.jwks_public_endpoint = "https://a.example/keys"});
  std::string first = "waiting";
  std::string second = "waiting";
  verifier_->verify_connection(token("a"), [&](auto claims) { first = shown(claims); });
  verifier_->verify_connection(token("b"), [&](auto claims) { second = shown(claims); });
  EXPECT_EQ(first + second, "waitingwaiting");
  EXPECT_EQ(urls_, std::vector<std::string>{"https://a.example/keys"});
  answer(key_set(signer_.jwk("a"), Signer::ecdsa("P-256").jwk("b")));
  EXPECT_EQ(first, "u");
  EXPECT_EQ(second, "invalid");
  EXPECT_EQ(connection(token("a")), "u");
  EXPECT_EQ(connection(token("c")), "unavailable") << "the set may have it when it is asked again";
  EXPECT_EQ(urls_.size(), 1U);
}

TEST_F(Jwks, token_that_expires_while_it_waits_is_expired) {
  use({.jwks_public_endpoint = "https://a.example/keys"});
  std::string result = "waiting";
  verifier_->verify_connection(token("a", R"({"exp":1700000001})"),
                               [&](auto claims) { result = shown(claims); });
  now_ = kNow + 1;
  answer(key_set(signer_.jwk("a")));
  EXPECT_EQ(result, "expired");
}

TEST_F(Jwks, set_that_cannot_be_fetched_is_unavailable) {
  use({.jwks_public_endpoint = "https://a.example/keys"});
  std::string result = "waiting";
  verifier_->verify_connection(token("a"), [&](auto claims) { result = shown(claims); });
  answer(base::fail(base::ErrorCode::kUnavailable, "down"));
  EXPECT_EQ(result, "unavailable");
  EXPECT_EQ(connection(token("a")), "unavailable");
}

TEST_F(Jwks, nothing_is_fetched_for_tokens_that_no_key_could_help) {
  use({.hmac_secret_key = std::string(kSecret),
       .jwks_public_endpoint = "https://a.example/keys",
       .issuer = "me"});
  EXPECT_EQ(connection(token("", R"({"iss":"me"})")), "invalid");
  EXPECT_EQ(connection(token("a", R"({"iss":"you"})")), "invalid");
  EXPECT_EQ(connection(hmac_token("other", R"({"iss":"me"})")), "invalid");
  EXPECT_EQ(connection(hmac_token(kSecret, R"({"iss":"me","sub":"u"})")), "u");
  EXPECT_TRUE(urls_.empty());
}

TEST_F(Jwks, configured_key_comes_first) {
  const Signer own = Signer::ecdsa("P-256");
  use({.ecdsa_public_key = own.public_pem(), .jwks_public_endpoint = "https://a.example/keys"});
  EXPECT_EQ(connection(own.token("ES256", R"({"sub":"own"})", "a")), "own");
  EXPECT_TRUE(urls_.empty());
  EXPECT_EQ(connection(token("a")), "waiting");
  EXPECT_EQ(urls_.size(), 1U);
  verifier_.reset();
}

TEST_F(Jwks, url_is_made_of_issuer_and_audience) {
  use({.jwks_public_endpoint = "https://a.example/{{realm}}/keys",
       .issuer_regex = "^https://a\\.example/(?P<realm>.+)$"});
  std::string result = "waiting";
  const auto done = [&](auto claims) { result = shown(claims); };
  verifier_->verify_connection(token("a", R"({"sub":"x","iss":"https://a.example/one"})"), done);
  ASSERT_EQ(urls_, std::vector<std::string>{"https://a.example/one/keys"});
  answer(key_set(signer_.jwk("a")));
  EXPECT_EQ(result, "x");
  // The key of one realm is none of another's.
  verifier_->verify_connection(token("a", R"({"sub":"x","iss":"https://a.example/two"})"), done);
  ASSERT_EQ(urls_.size(), 2U);
  answer(key_set(Signer::ecdsa("P-256").jwk("a")));
  EXPECT_EQ(result, "invalid");
  EXPECT_EQ(connection(token("a", R"({"iss":"https://a.example/../x"})")), "invalid");
  EXPECT_EQ(connection(token("a", R"({"iss":"https://b.example/one"})")), "invalid");
  EXPECT_EQ(urls_.size(), 2U);
}

TEST_F(Jwks, more_than_may_wait_are_refused_at_once) {
  use({.jwks_public_endpoint = "https://a.example/keys"});
  size_t refused = 0;
  size_t good = 0;
  const std::string one = token("a");
  for (size_t i = 0; i < kWaitingMax + 1; ++i) {
    verifier_->verify_connection(one, [&](auto claims) { ++(claims ? good : refused); });
  }
  EXPECT_EQ(refused, 1U);
  answer(key_set());
  EXPECT_EQ(refused, kWaitingMax + 1);
  EXPECT_EQ(good, 0U);
}

}  // namespace
}  // namespace millrace::auth
