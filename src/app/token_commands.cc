#include "app/token_commands.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "app/token_fetch.h"
#include "auth/auth.h"
#include "base/json_text.h"
#include "http/http.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::app {
namespace {

// The group of keys that tokens of this kind are signed with.
struct Group {
  std::string name;
  const config::TokenKeys& keys;
};

Group group_of(const config::Invocation& invocation) {
  const config::Client& client = invocation.config.client;
  if (!invocation.token.channel.empty() && client.subscription_token_enabled)
    return {"client.subscription_token", client.subscription_token};
  return {"client.token", client.token};
}

// "1h 30m": the two largest units are enough for people.
std::string in_words(int64_t seconds) {
  struct Unit {
    int64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits = {{{86'400, "d"}, {3'600, "h"}, {60, "m"}, {1, "s"}}};
  std::string text;
  int count = 0;
  for (const Unit& unit : kUnits) {
    if (seconds < unit.seconds || count == 2) continue;
    text += (text.empty() ? "" : " ") + std::to_string(seconds / unit.seconds) + unit.name;
    seconds %= unit.seconds;
    ++count;
  }
  return text.empty() ? "0s" : text;
}

// "in 1h 30m (2026-11-22 10:00:00 UTC)"
std::string when(int64_t seconds, int64_t now) {
  std::string distance =
      seconds >= now ? "in " + in_words(seconds - now) : in_words(now - seconds) + " ago";
  std::array<char, 64> date{};
  std::tm parts{};
  const auto time = static_cast<std::time_t>(seconds);
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(date.data(), date.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
    return distance;
  return distance + " (" + date.data() + ")";
}

std::string line(std::string label, const std::string& value) {
  label.resize(std::max(label.size() + 1, size_t{12}), ' ');
  return label + value + "\n";
}

// As a JSON string: a token's text might be meant for the terminal.
std::string quoted(const std::string& text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string optional_line(const char* label, const std::string& value) {
  return value.empty() ? "" : line(label, value);
}

std::string payload_line(const char* label, const auth::Payload& payload) {
  if (payload.bytes.empty()) return "";
  if (payload.is_json) return line(label, payload.bytes);
  return line(label, std::to_string(payload.bytes.size()) + " bytes");
}

std::string shown(const auth::Override& override) {
  std::string text;
  const auto add = [&](const char* name, const std::optional<bool>& value) {
    if (value) text += (text.empty() ? "" : ", ") + std::string(name) + (*value ? " on" : " off");
  };
  add("presence", override.presence);
  add("join_leave", override.join_leave);
  add("force_push_join_leave", override.force_push_join_leave);
  add("force_recovery", override.force_recovery);
  add("force_positioning", override.force_positioning);
  return text;
}

// What both kinds of tokens have.
template <class Claims>
std::string shown_common(const Claims& claims, int64_t now) {
  std::string text = line("user", claims.user.empty() ? "none: anonymous" : quoted(claims.user)) +
                     line("expires", claims.expire_at == 0 ? "never" : when(claims.expire_at, now));
  if (claims.issued_at != 0) text += line("issued", when(claims.issued_at, now));
  if (!claims.token_id.empty()) text += line("token id", quoted(claims.token_id));
  return text + payload_line("info", claims.info);
}

std::string shown(const auth::ConnectionClaims& claims, int64_t now) {
  std::string text =
      "A good connection token.\n" + shown_common(claims, now) + optional_line("meta", claims.meta);
  for (const auth::Subscription& sub : claims.subs) {
    text += line("channel", quoted(sub.channel)) + payload_line("  info", sub.info) +
            payload_line("  data", sub.data) + optional_line("  override", shown(sub.override));
  }
  return text;
}

std::string shown(const auth::SubscriptionClaims& claims, int64_t now) {
  return "A good subscription token.\n" + line("channel", quoted(claims.channel)) +
         shown_common(claims, now) +
         (claims.client.empty() ? "" : line("client", quoted(claims.client))) +
         payload_line("data", claims.data) + optional_line("override", shown(claims.override));
}

std::string reason(auth::Refusal refusal, std::string_view why) {
  const bool log = refusal == auth::Refusal::kUnavailable;
  return "the token is refused: " + std::string(why) + (log ? " (see the line above)" : "");
}

// A core of its own, for as long as one token takes.
class Checker {
 public:
  static base::Result<std::unique_ptr<Checker>> create(const auth::Options& options, int64_t now) {
    auto checker = std::unique_ptr<Checker>(new Checker());
    base::Result<std::unique_ptr<net::Loop>> loop = net::Loop::create({}, checker->metrics_);
    if (!loop) return base::fail(loop);
    checker->loop_ = std::move(*loop);
    checker->client_.emplace(*checker->loop_, http::ClientOptions{});
    checker->verifier_.emplace(*checker->loop_, options, fetch_with(*checker->client_),
                               [now] { return now; });
    return checker;
  }

  CommandResult check(const config::TokenArguments& arguments, int64_t now) {
    CommandResult result;
    const auto done = [&](const auto& claims) {
      if (!claims) {
        result = failure(reason(claims.error(), verifier_->why_refused()));
      } else {
        result.output = shown(*claims, now);
        judge_channel(*claims, arguments, result);
      }
      loop_->stop();
    };
    if (arguments.channel.empty())
      verifier_->verify_connection(arguments.token, done);
    else
      verifier_->verify_subscription(arguments.token, done);
    loop_->run();
    return result;
  }

 private:
  Checker() = default;

  static void judge_channel(const auth::ConnectionClaims&, const config::TokenArguments&,
                            CommandResult&) {}
  static void judge_channel(const auth::SubscriptionClaims& claims,
                            const config::TokenArguments& arguments, CommandResult& result) {
    if (claims.channel != arguments.channel)
      result = failure("the token is refused: it is for the channel " + quoted(claims.channel));
  }

  metrics::Core metrics_;
  std::unique_ptr<net::Loop> loop_;
  std::optional<http::Client> client_;
  std::optional<auth::Verifier> verifier_;
};

}  // namespace

CommandResult generate_token(const config::Invocation& invocation, int64_t now) {
  const config::TokenArguments& arguments = invocation.token;
  const Group group = group_of(invocation);
  if (group.keys.hmac_secret_key.empty())
    return failure(group.name + ".hmac_secret_key is not set, so there is nothing to sign with");
  auth::TokenRequest request{.user = arguments.user, .channel = arguments.channel};
  request.issued_at = now;
  const int64_t ttl_seconds = std::chrono::ceil<std::chrono::seconds>(arguments.ttl).count();
  request.expire_at = arguments.expire_at.value_or(ttl_seconds == 0 ? 0 : now + ttl_seconds);
  return {.output = auth::make_token(group.keys.hmac_secret_key, request) + "\n"};
}

CommandResult check_token(const config::Invocation& invocation, int64_t now) {
  const Group group = group_of(invocation);
  if (!group.keys.any_key()) return failure(group.name + " has no key, so every token is refused");
  auto checker = Checker::create(config::token_options(group.keys), now);
  if (!checker) return failure(checker.error().message);
  return (*checker)->check(invocation.token, now);
}

}  // namespace millrace::app
