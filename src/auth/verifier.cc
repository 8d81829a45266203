// A token's way: taken apart (token.cc), its claims read (claims.cc) and compared with the demands
// (demands.cc), its signature verified (keys.cc) with a configured key or one of a key set
// (jwks_cache.cc), and at last its dates. Only then does anybody get to see a claim.
//
// Issuer and audience come before the signature because the URL of a key set may depend on them.
#include <optional>
#include <string>
#include <utility>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/demands.h"
#include "auth/jwks_cache.h"
#include "auth/keys.h"
#include "auth/token.h"
#include "base/assert.h"
#include "base/log.h"

namespace millrace::auth {
namespace {

// What check() has approved.
template <class T>
T approved(base::Result<T> result) {
  MILLRACE_ASSERT(result.has_value());
  return std::move(*result);
}

std::optional<PublicKey> key_of(KeyKind kind, const std::string& pem) {
  if (pem.empty()) return std::nullopt;
  return approved(PublicKey::from_pem(kind, pem));
}

std::optional<UrlTemplate> jwks_of(const Options& options, const Demands& demands) {
  if (options.jwks_public_endpoint.empty()) return std::nullopt;
  return approved(UrlTemplate::parse(options.jwks_public_endpoint, demands));
}

}  // namespace

class Verifier::Impl {
 public:
  Impl(base::Executor& executor, const Options& options, Fetch fetch,
       std::move_only_function<int64_t()> unix_seconds)
      : options_(options),
        user_id_claim_(options.user_id_claim.empty() ? "sub" : options.user_id_claim),
        demands_(approved(Demands::of(options))),
        rsa_(key_of(KeyKind::kRsa, options.rsa_public_key)),
        ecdsa_(key_of(KeyKind::kEcdsa, options.ecdsa_public_key)),
        ed25519_(key_of(KeyKind::kEd25519, options.ed25519_public_key)),
        jwks_url_(jwks_of(options, demands_)),
        jwks_(executor, options.jwks_max_age, std::move(fetch)),
        unix_seconds_(std::move(unix_seconds)) {}

  bool any_key() const { return options_.any_key(); }
  const std::string& why_refused() const { return why_refused_; }

  // `waited`: the key set was fetched for this token.
  void verify(TokenKind kind, std::string_view text, Done<Claims> done, bool waited = false) {
    std::string url;
    std::optional<Verdict> verdict = judge(kind, text, waited, url);
    if (verdict) return done(std::move(*verdict));
    // `done` is shared with the task so that it can still be told when the task is not taken.
    auto shared = std::make_shared<Done<Claims>>(std::move(done));
    const bool waits =
        jwks_.wait(url, text.size(), [this, kind, token = std::string(text), shared] {
          verify(kind, token, std::move(*shared), true);
        });
    if (!waits) (*shared)(refuse(Refusal::kUnavailable, "too many tokens wait for the key set"));
  }

 private:
  using Verdict = std::expected<Claims, Refusal>;
  enum class Signature : uint8_t { kGood, kBad, kUnavailable, kLater };

  Verdict refuse(Refusal refusal, std::string why) {
    base::log::debug("token refused", {{"why", why}});
    why_refused_ = std::move(why);
    return std::unexpected(refusal);
  }

  // nullopt: the key set at `url` has to be waited for.
  std::optional<Verdict> judge(TokenKind kind, std::string_view text, bool waited,
                               std::string& url) {
    base::Result<Token> token = parse_token(text, json_);
    if (!token) return refuse(Refusal::kInvalid, token.error().message);
    base::Result<Claims> claims =
        read_claims(std::move(token->payload), kind, user_id_claim_, json_);
    if (!claims) return refuse(Refusal::kInvalid, claims.error().message);
    const std::optional<Variables> variables = demands_.judge(*claims);
    if (!variables) return refuse(Refusal::kInvalid, "another issuer or audience");
    switch (verify_signature(*token, *variables, waited, url)) {
      case Signature::kGood:
        break;
      case Signature::kBad:
        return refuse(Refusal::kInvalid, "no key verifies the signature");
      case Signature::kUnavailable:
        return refuse(Refusal::kUnavailable, "the key set cannot be fetched");
      case Signature::kLater:
        return std::nullopt;
    }
    if (!valid_at(*claims, unix_seconds_()))
      return refuse(Refusal::kExpired, "exp has passed, or nbf has not come");
    return std::move(*claims);
  }

  Signature verify_signature(const Token& token, const Variables& variables, bool waited,
                             std::string& url) {
    if (token.algorithm->kind == KeyKind::kHmac)
      return verify_secret(token) ? Signature::kGood : Signature::kBad;
    const std::optional<PublicKey>& own = own_key(token.algorithm->kind);
    if (own && verify_with(*own, token)) return Signature::kGood;
    if (!jwks_url_ || token.key_id.empty()) return Signature::kBad;
    const std::optional<std::string> filled = jwks_url_->fill(variables);
    if (!filled) return Signature::kBad;
    url = *filled;
    const JwksCache::Answer answer = jwks_.find(url, token.key_id, *token.algorithm);
    switch (answer.state) {
      case JwksCache::State::kKey:
        return verify_with(*answer.key, token) ? Signature::kGood : Signature::kBad;
      case JwksCache::State::kUnknown:
        // The set was fetched just before this token came, and may have got its key since: a client
        // that is told to try again is not locked out by a rotation.
        return waited ? Signature::kBad : Signature::kUnavailable;
      case JwksCache::State::kUnavailable:
        return Signature::kUnavailable;
      case JwksCache::State::kLater:
        return Signature::kLater;
    }
    return Signature::kBad;
  }

  bool verify_secret(const Token& token) {
    const auto signed_with = [&](const std::string& secret) {
      return !secret.empty() &&
             verify_hmac(*token.algorithm, secret, token.signed_part, token.signature);
    };
    if (signed_with(options_.hmac_secret_key)) return true;
    const int64_t until = options_.hmac_previous_secret_key_valid_until;
    return (until == 0 || unix_seconds_() < until) &&
           signed_with(options_.hmac_previous_secret_key);
  }

  static bool verify_with(const PublicKey& key, const Token& token) {
    return key.fits(*token.algorithm) &&
           key.verify(*token.algorithm, token.signed_part, token.signature);
  }

  const std::optional<PublicKey>& own_key(KeyKind kind) const {
    if (kind == KeyKind::kRsa) return rsa_;
    return kind == KeyKind::kEcdsa ? ecdsa_ : ed25519_;
  }

  const Options options_;
  const std::string user_id_claim_;
  const Demands demands_;
  const std::optional<PublicKey> rsa_;
  const std::optional<PublicKey> ecdsa_;
  const std::optional<PublicKey> ed25519_;
  const std::optional<UrlTemplate> jwks_url_;
  JsonReader json_;
  JwksCache jwks_;
  std::move_only_function<int64_t()> unix_seconds_;
  std::string why_refused_;
};

Verifier::Verifier(base::Executor& executor, const Options& options, Fetch fetch,
                   std::move_only_function<int64_t()> unix_seconds)
    : impl_(std::make_unique<Impl>(executor, options, std::move(fetch), std::move(unix_seconds))) {}

Verifier::~Verifier() = default;

const std::string& Verifier::why_refused() const {
  return impl_->why_refused();
}

bool Verifier::any_key() const {
  return impl_->any_key();
}

void Verifier::verify_connection(std::string_view token, Done<ConnectionClaims> done) {
  impl_->verify(TokenKind::kConnection, token,
                [done = std::move(done)](std::expected<Claims, Refusal> claims) mutable {
                  if (!claims) return done(std::unexpected(claims.error()));
                  done(connection_claims(std::move(*claims)));
                });
}

void Verifier::verify_subscription(std::string_view token, Done<SubscriptionClaims> done) {
  impl_->verify(TokenKind::kSubscription, token,
                [done = std::move(done)](std::expected<Claims, Refusal> claims) mutable {
                  if (!claims) return done(std::unexpected(claims.error()));
                  done(subscription_claims(std::move(*claims)));
                });
}

}  // namespace millrace::auth
