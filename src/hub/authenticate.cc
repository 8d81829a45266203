// Who is it, and for how long? A client's token says so; of one without a token the application's
// backend; or else a proxy in front that is trusted. Tokens are verified, and the backend is asked,
// on the core where the client is; then a user's home core counts the connection in.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "hub/bans.h"
#include "hub/home.h"
#include "hub/hub.h"

namespace millrace::hub {
namespace {

namespace errors = model::errors;
namespace disconnects = model::disconnects;

bool passed(int64_t expire_at) {
  return expire_at != 0 && expire_at <= base::wall_clock_ms() / 1000;
}

// What a token says about a client stands in JSON frames as it is.
bool usable(const auth::Payload& info) {
  return info.is_json || info.bytes.empty();
}

}  // namespace

// ---- Connections ----

void Hub::authenticate(Ask ask) {
  auto& what = std::get<ConnectAsk>(ask.body);
  const std::shared_ptr<const Visitor> visitor = std::exchange(what.visitor, nullptr);
  const std::string token = what.token;
  if (token.empty()) {
    if (parts_.backend != nullptr && visitor != nullptr)
      return ask_backend(std::move(ask), visitor);
    return admit_by_name(std::move(ask), visitor == nullptr ? std::string() : visitor->user);
  }
  parts_.connection_tokens.verify_connection(
      token, [this, ask = std::move(ask)](
                 std::expected<auth::ConnectionClaims, auth::Refusal> claims) mutable {
        if (claims) return on_connection_claims(std::move(ask), std::move(*claims));
        parts_.metrics.add(metrics::Counter::kTokensRefused);
        switch (claims.error()) {
          case auth::Refusal::kInvalid:
            return answer_to(ask, disconnects::kInvalidToken);
          case auth::Refusal::kExpired:
            return answer_to(ask, errors::kTokenExpired);
          case auth::Refusal::kUnavailable:
            return answer_to(ask, errors::kInternal);
        }
      });
}

void Hub::on_connection_claims(Ask ask, auth::ConnectionClaims claims) {
  const bool anonymous = claims.user.empty();
  if (anonymous && parts_.options.disallow_anonymous_connection_tokens)
    return answer_to(ask, disconnects::kPermissionDenied);
  if (!usable(claims.info) || bans_->token_banned(claims.token_id, claims.user, claims.issued_at)) {
    parts_.metrics.add(metrics::Counter::kTokensRefused);
    return answer_to(ask, disconnects::kInvalidToken);
  }
  if (std::ranges::any_of(claims.subs, [](const auto& sub) { return !usable(sub.info); }))
    return answer_to(ask, disconnects::kInvalidToken);
  if (const Verdict refused = vet(claims)) return refuse(ask, *refused);
  parts_.metrics.add(metrics::Counter::kTokensAccepted);
  admit(std::move(ask), {.user = std::move(claims.user),
                         .info = base::SharedBytes::copy_of(claims.info.bytes),
                         .expire_at = claims.expire_at,
                         .token_id = std::move(claims.token_id),
                         .issued_at = claims.issued_at,
                         .subs = std::move(claims.subs)});
}

// Whether who is said to be there may come in, and has what it is said to have.
Hub::Verdict Hub::vet(const auth::ConnectionClaims& claims) const {
  if (!claims.user.empty() && bans_->user_banned(claims.user))
    return disconnects::kPermissionDenied;
  if (passed(claims.expire_at)) return errors::kExpired;
  for (const auth::Subscription& sub : claims.subs) {
    const auto resolved = parts_.options.namespaces.resolve(sub.channel);
    if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
    if (passed(sub.expire_at)) return errors::kExpired;
  }
  return std::nullopt;
}

// ---- Without a token ----

void Hub::ask_backend(Ask ask, const std::shared_ptr<const Visitor>& visitor) {
  const std::string client = ask.who->client;
  std::string user = visitor->user;
  parts_.backend->connect(
      client, *visitor,
      [this, ask = std::move(ask), user = std::move(user)](Backend::Verdict verdict) mutable {
        on_backend_verdict(std::move(ask), std::move(user), std::move(verdict));
      });
}

void Hub::on_backend_verdict(Ask ask, std::string user, Backend::Verdict verdict) {
  if (auto* grant = std::get_if<auth::Grant>(&verdict))
    return on_grant(std::move(ask), std::move(*grant));
  if (auto* away = std::get_if<TurnedAway>(&verdict)) return answer_to(ask, std::move(*away));
  if (const auto* error = std::get_if<model::ReplyError>(&verdict)) return answer_to(ask, *error);
  admit_by_name(std::move(ask), std::move(user));
}

void Hub::on_grant(Ask ask, auth::Grant grant) {
  auth::ConnectionClaims& claims = grant.claims;
  if (const Verdict refused = vet(claims)) return refuse(ask, *refused);
  admit(std::move(ask), {.user = std::move(claims.user),
                         .info = base::SharedBytes::copy_of(claims.info.bytes),
                         .expire_at = claims.expire_at,
                         .subs = std::move(claims.subs),
                         .subs_are_all = true,
                         .data = base::SharedBytes::copy_of(grant.data.bytes),
                         .data_is_json = grant.data.is_json});
}

// By the user that a proxy in front has named, or anonymously.
void Hub::admit_by_name(Ask ask, std::string user) {
  if (!user.empty()) {
    if (bans_->user_banned(user)) return answer_to(ask, disconnects::kPermissionDenied);
    return admit(std::move(ask), {.user = std::move(user)});
  }
  const bool open = parts_.options.insecure || parts_.options.allow_anonymous_connect_without_token;
  if (!open) return answer_to(ask, disconnects::kBadRequest);
  admit(std::move(ask), {});
}

// ---- Counting in ----

void Hub::admit(Ask ask, ConnectAnswer answer) {
  if (answer.user.empty()) return answer_to(ask, std::move(answer));
  const base::CoreId home = home_of(answer.user);
  at_home(home, [ask = std::move(ask), answer = std::move(answer)](Home& at) mutable {
    if (!at.enter(answer.user)) return at.reply(ask, disconnects::kConnectionLimit);
    at.reply(ask, std::move(answer));
  });
}

bool Hub::banned(const ConnectAnswer& admitted) const {
  return bans_->user_banned(admitted.user) ||
         bans_->token_banned(admitted.token_id, admitted.user, admitted.issued_at);
}

void Hub::refresh(Ask ask) {
  if (!parts_.connection_tokens.any_key()) return answer_to(ask, disconnects::kBadRequest);
  const std::string token = std::get<RefreshAsk>(ask.body).token;
  parts_.connection_tokens.verify_connection(
      token, [this, ask = std::move(ask)](
                 std::expected<auth::ConnectionClaims, auth::Refusal> claims) mutable {
        if (claims) return on_refresh_claims(ask, std::move(*claims));
        switch (claims.error()) {
          case auth::Refusal::kInvalid:
            return answer_to(ask, disconnects::kInvalidToken);
          case auth::Refusal::kExpired:
            return answer_to(ask, disconnects::kExpired);
          case auth::Refusal::kUnavailable:
            return answer_to(ask, errors::kInternal);
        }
      });
}

void Hub::on_refresh_claims(const Ask& ask, auth::ConnectionClaims claims) {
  const bool banned = bans_->token_banned(claims.token_id, claims.user, claims.issued_at);
  if (claims.user != ask.who->user || banned || !usable(claims.info))
    return answer_to(ask, disconnects::kInvalidToken);
  if (!claims.user.empty() && bans_->user_banned(claims.user))
    return answer_to(ask, disconnects::kPermissionDenied);
  if (passed(claims.expire_at)) return answer_to(ask, disconnects::kExpired);
  // Other channels than before: the client has to connect anew to get them.
  std::vector<std::string> channels;
  for (const auth::Subscription& sub : claims.subs) channels.push_back(sub.channel);
  std::vector<std::string> before = std::get<RefreshAsk>(ask.body).channels;
  for (std::vector<std::string>* const each : {&channels, &before}) {
    std::ranges::sort(*each);
    each->erase(std::ranges::unique(*each).begin(), each->end());
  }
  if (channels != before) return answer_to(ask, disconnects::kInsufficientState);
  answer_to(ask, RefreshAnswer{.expire_at = claims.expire_at,
                               .info = base::SharedBytes::copy_of(claims.info.bytes),
                               .token_id = std::move(claims.token_id),
                               .issued_at = claims.issued_at});
}

// ---- Subscriptions ----

void Hub::subscribe(Ask ask) {
  auto& what = std::get<SubscribeAsk>(ask.body);
  if (const Verdict verdict = may_subscribe(ask, what)) return refuse(ask, *verdict);
  if (!what.server_side && !what.token.empty()) return subscribe_with_token(std::move(ask));
  negotiate(ask, what);
  pass_on(std::move(ask));
}

void Hub::subscribe_with_token(Ask ask) {
  const std::string token = std::move(std::get<SubscribeAsk>(ask.body).token);
  parts_.subscription_tokens.verify_subscription(
      token, [this, ask = std::move(ask)](
                 std::expected<auth::SubscriptionClaims, auth::Refusal> claims) mutable {
        if (claims) return on_subscription_claims(std::move(ask), std::move(*claims));
        parts_.metrics.add(metrics::Counter::kTokensRefused);
        switch (claims.error()) {
          case auth::Refusal::kInvalid:
            return answer_to(ask, errors::kPermissionDenied);
          case auth::Refusal::kExpired:
            return answer_to(ask, errors::kTokenExpired);
          case auth::Refusal::kUnavailable:
            return answer_to(ask, errors::kInternal);
        }
      });
}

// A token that was made for somebody or something else.
Hub::Verdict Hub::judge(const Ask& ask, const auth::SubscriptionClaims& claims) const {
  const bool fits = claims.channel == ask.channel && claims.user == ask.who->user &&
                    (claims.client.empty() || claims.client == ask.who->client);
  const bool banned = bans_->token_banned(claims.token_id, claims.user, claims.issued_at);
  if (!fits || banned || !usable(claims.info)) return disconnects::kInvalidToken;
  return std::nullopt;
}

void Hub::on_subscription_claims(Ask ask, auth::SubscriptionClaims claims) {
  if (const Verdict verdict = judge(ask, claims)) {
    parts_.metrics.add(metrics::Counter::kTokensRefused);
    return refuse(ask, *verdict);
  }
  if (passed(claims.expire_at)) return answer_to(ask, errors::kExpired);
  parts_.metrics.add(metrics::Counter::kTokensAccepted);
  auto& what = std::get<SubscribeAsk>(ask.body);
  what.override = claims.override;
  what.chan_info = base::SharedBytes::copy_of(claims.info.bytes);
  what.data = base::SharedBytes::copy_of(claims.data.bytes);
  what.data_is_json = claims.data.is_json;
  what.expire_at = claims.expire_at;
  negotiate(ask, what);
  pass_on(std::move(ask));
}

void Hub::refresh_subscription(Ask ask) {
  const std::string token = std::get<SubRefreshAsk>(ask.body).token;
  parts_.subscription_tokens.verify_subscription(
      token, [this, ask = std::move(ask)](
                 std::expected<auth::SubscriptionClaims, auth::Refusal> claims) mutable {
        if (!claims) {
          switch (claims.error()) {
            case auth::Refusal::kInvalid:
              return answer_to(ask, disconnects::kInvalidToken);
            case auth::Refusal::kExpired:
              return answer_to(ask, disconnects::kSubscriptionExpired);
            case auth::Refusal::kUnavailable:
              return answer_to(ask, errors::kInternal);
          }
        }
        if (const Verdict verdict = judge(ask, *claims)) return refuse(ask, *verdict);
        if (passed(claims->expire_at)) return answer_to(ask, disconnects::kSubscriptionExpired);
        answer_to(ask,
                  SubRefreshAnswer{.expire_at = claims->expire_at,
                                   .chan_info = base::SharedBytes::copy_of(claims->info.bytes)});
      });
}

}  // namespace millrace::hub
