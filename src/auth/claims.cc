#include "auth/claims.h"

#include <algorithm>
#include <bitset>
#include <unordered_set>
#include <utility>

#include "base/base64.h"

namespace millrace::auth {
namespace {

// A payload's two claims, in any order: bytes win over JSON.
bool read_json(JsonValue value, Payload& payload) {
  std::string text;
  if (!read_text(value, text)) return false;
  if (payload.is_json) payload.bytes = std::move(text);
  return true;
}

// Bytes that are JSON are as good as JSON.
bool read_bytes(JsonValue value, Payload& payload) {
  std::string text;
  if (!read_string(value, text)) return false;
  std::optional<std::string> bytes = base::decode_base64(text);
  if (!bytes) return false;
  if (bytes->empty()) return true;
  payload = {.bytes = std::move(*bytes), .is_json = false};
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(payload.bytes).get(element) != simdjson::SUCCESS) return true;
  std::string line(payload.bytes.size(), '\0');
  size_t size = 0;
  if (simdjson::minify(payload.bytes.data(), payload.bytes.size(), line.data(), size) !=
      simdjson::SUCCESS) {
    return true;
  }
  line.resize(size);
  payload = {.bytes = std::move(line), .is_json = true};
  return true;
}

// {"value": true}, as Protobuf's JSON has a boolean that may be absent: false needs no value.
bool read_switch(JsonValue value, std::optional<bool>& out) {
  bool on = false;
  const bool read = each_member(value, [&](std::string_view name, JsonValue inner) {
    return name != "value" || read_bool(inner, on);
  });
  out = on;
  return read;
}

bool read_override(JsonValue value, Override& out) {
  return each_member(value, [&](std::string_view name, JsonValue inner) {
    if (name == "presence") return read_switch(inner, out.presence);
    if (name == "join_leave") return read_switch(inner, out.join_leave);
    if (name == "force_push_join_leave") return read_switch(inner, out.force_push_join_leave);
    if (name == "force_recovery") return read_switch(inner, out.force_recovery);
    if (name == "force_positioning") return read_switch(inner, out.force_positioning);
    return true;
  });
}

bool read_end(JsonValue value, int64_t& out) {
  return read_seconds(value, out) && out >= 0;
}

// Only a backend's answer says when a subscription ends.
bool read_subscription(JsonValue value, TokenKind kind, Subscription& out) {
  return each_member(value, [&](std::string_view name, JsonValue inner) {
    if (name == "info") return read_json(inner, out.info);
    if (name == "b64info") return read_bytes(inner, out.info);
    if (name == "data") return read_json(inner, out.data);
    if (name == "b64data") return read_bytes(inner, out.data);
    if (name == "override") return read_override(inner, out.override);
    if (name == "expire_at" && kind == TokenKind::kGrant) return read_end(inner, out.expire_at);
    return true;
  });
}

// {"channel": {options}}. Null options are none.
bool read_subs(JsonValue value, TokenKind kind, std::vector<Subscription>& out) {
  JsonObject object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return false;
  std::unordered_set<std::string> channels;
  for (auto member : object) {
    std::string_view name;
    JsonValue options;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS ||
        member.value().get(options) != simdjson::SUCCESS)
      return false;
    Subscription subscription{.channel = std::string(name)};
    if (!channels.insert(subscription.channel).second) return false;
    if (!is_null(options) && !read_subscription(options, kind, subscription)) return false;
    out.push_back(std::move(subscription));
  }
  return true;
}

bool read_strings(JsonValue value, std::vector<std::string>& out) {
  JsonArray array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto element : array) {
    JsonValue item;
    std::string text;
    if (element.get(item) != simdjson::SUCCESS || !read_string(item, text)) return false;
    out.push_back(std::move(text));
  }
  return true;
}

bool read_audience(JsonValue value, std::vector<std::string>& out) {
  std::string one;
  if (!read_string(value, one)) return read_strings(value, out);
  out.push_back(std::move(one));
  return true;
}

// A user's id may be a number where it is not `sub`, which is always a string.
bool read_user(JsonValue value, bool is_sub, std::string& out) {
  int64_t number = 0;
  if (read_string(value, out)) return true;
  if (is_sub || value.get_int64().get(number) != simdjson::SUCCESS) return false;
  out = std::to_string(number);
  return true;
}

bool read_optional_seconds(JsonValue value, std::optional<int64_t>& out) {
  int64_t seconds = 0;
  if (!read_seconds(value, seconds)) return false;
  out = seconds;
  return true;
}

struct Reading {
  Claims claims{};
  std::vector<std::string> channels{};
};

// Which kinds have a claim.
constexpr unsigned bit(TokenKind kind) {
  return 1U << static_cast<unsigned>(kind);
}
constexpr unsigned kConnection = bit(TokenKind::kConnection);
constexpr unsigned kSubscription = bit(TokenKind::kSubscription);
constexpr unsigned kGrant = bit(TokenKind::kGrant);
constexpr unsigned kToken = kConnection | kSubscription;

struct Claim {
  std::string_view name;
  unsigned kinds;
  bool (*read)(JsonValue value, Reading& to);
};

constexpr Claim kClaims[] = {
    {"exp", kToken,
     [](JsonValue v, Reading& to) { return read_optional_seconds(v, to.claims.expires); }},
    {"nbf", kToken,
     [](JsonValue v, Reading& to) { return read_optional_seconds(v, to.claims.not_before); }},
    {"iat", kToken, [](JsonValue v, Reading& to) { return read_seconds(v, to.claims.issued_at); }},
    {"jti", kToken, [](JsonValue v, Reading& to) { return read_string(v, to.claims.token_id); }},
    {"iss", kToken, [](JsonValue v, Reading& to) { return read_string(v, to.claims.issuer); }},
    {"aud", kToken, [](JsonValue v, Reading& to) { return read_audience(v, to.claims.audiences); }},
    {"info", kToken | kGrant,
     [](JsonValue v, Reading& to) { return read_json(v, to.claims.info); }},
    {"b64info", kToken | kGrant,
     [](JsonValue v, Reading& to) { return read_bytes(v, to.claims.info); }},
    {"expire_at", kToken | kGrant,
     [](JsonValue v, Reading& to) {
       return read_optional_seconds(v, to.claims.expire_at) && *to.claims.expire_at >= 0;
     }},
    {"meta", kConnection,
     [](JsonValue v, Reading& to) { return is_object(v) && read_text(v, to.claims.meta); }},
    {"meta", kGrant, [](JsonValue v, Reading& to) { return read_text(v, to.claims.meta); }},
    {"channels", kConnection | kGrant,
     [](JsonValue v, Reading& to) { return read_strings(v, to.channels); }},
    {"subs", kConnection,
     [](JsonValue v, Reading& to) { return read_subs(v, TokenKind::kConnection, to.claims.subs); }},
    {"subs", kGrant,
     [](JsonValue v, Reading& to) { return read_subs(v, TokenKind::kGrant, to.claims.subs); }},
    // A subscription token must not open a connection: mixed up, it would say more than was meant.
    {"channel", kConnection, [](JsonValue, Reading&) { return false; }},
    {"channel", kSubscription,
     [](JsonValue v, Reading& to) { return read_string(v, to.claims.channel); }},
    {"client", kSubscription,
     [](JsonValue v, Reading& to) { return read_string(v, to.claims.client); }},
    {"data", kSubscription | kGrant,
     [](JsonValue v, Reading& to) { return read_json(v, to.claims.data); }},
    {"b64data", kSubscription | kGrant,
     [](JsonValue v, Reading& to) { return read_bytes(v, to.claims.data); }},
    {"override", kSubscription,
     [](JsonValue v, Reading& to) { return read_override(v, to.claims.override); }},
};

const Claim* find_claim(std::string_view name, TokenKind kind) {
  const auto* const found = std::ranges::find_if(kClaims, [&](const Claim& claim) {
    return claim.name == name && (claim.kinds & bit(kind)) != 0;
  });
  return found == std::end(kClaims) ? nullptr : found;
}

// `channels` is the short way to say `subs`. Where a token has both, `subs` counts; a grant means
// both.
void take_channels(Reading& reading, TokenKind kind) {
  if (!reading.claims.subs.empty() && kind != TokenKind::kGrant) return;
  std::unordered_set<std::string> seen;
  for (const Subscription& each : reading.claims.subs) seen.insert(each.channel);
  for (std::string& channel : reading.channels) {
    if (seen.insert(channel).second) reading.claims.subs.push_back({.channel = std::move(channel)});
  }
}

}  // namespace

base::Result<Claims> read_claims(simdjson::padded_string payload, TokenKind kind,
                                 std::string_view user_id_claim, JsonReader& json) {
  base::Result<JsonObject> object = json.object(std::move(payload));
  if (!object)
    return base::fail(base::ErrorCode::kInvalid,
                      "the payload is not a JSON object: " + object.error().message);
  Reading reading;
  std::string wrong;
  std::bitset<std::size(kClaims)> seen;
  bool user_seen = false;
  const bool read = each_member(*object, [&](std::string_view name, JsonValue value) {
    wrong = name;
    if (name == user_id_claim &&
        (std::exchange(user_seen, true) || !read_user(value, name == "sub", reading.claims.user)))
      return false;
    const Claim* const claim = find_claim(name, kind);
    if (claim == nullptr) return true;
    const auto index = static_cast<size_t>(claim - std::begin(kClaims));
    if (seen.test(index)) return false;  // twice, and readers differ in which of them counts
    seen.set(index);
    return claim->read(value, reading);
  });
  if (!read) return base::fail(base::ErrorCode::kInvalid, "wrong claim " + wrong);
  if (kind == TokenKind::kSubscription && reading.claims.channel.empty())
    return base::fail(base::ErrorCode::kInvalid, "no channel");
  take_channels(reading, kind);
  return std::move(reading.claims);
}

bool valid_at(const Claims& claims, int64_t now) {
  return (!claims.expires || now < *claims.expires) &&
         (!claims.not_before || now >= *claims.not_before);
}

ConnectionClaims connection_claims(Claims claims) {
  const int64_t expire_at = claims.expire_at.value_or(claims.expires.value_or(0));
  return {.user = std::move(claims.user),
          .token_id = std::move(claims.token_id),
          .issued_at = claims.issued_at,
          .expire_at = expire_at,
          .info = std::move(claims.info),
          .meta = std::move(claims.meta),
          .subs = std::move(claims.subs)};
}

base::Result<Grant> read_grant(std::string_view json) {
  JsonReader reader;
  base::Result<Claims> claims =
      read_claims(simdjson::padded_string(json), TokenKind::kGrant, "user", reader);
  if (!claims) return base::fail(claims);
  const auto unfit = [](const Payload& info) { return !info.is_json && !info.bytes.empty(); };
  if (unfit(claims->info) || std::ranges::any_of(claims->subs, unfit, &Subscription::info))
    return base::fail(base::ErrorCode::kInvalid, "b64info is not JSON");
  Payload data = std::move(claims->data);
  return Grant{.claims = connection_claims(std::move(*claims)), .data = std::move(data)};
}

SubscriptionClaims subscription_claims(Claims claims) {
  const int64_t expire_at = claims.expire_at.value_or(claims.expires.value_or(0));
  return {.user = std::move(claims.user),
          .channel = std::move(claims.channel),
          .client = std::move(claims.client),
          .token_id = std::move(claims.token_id),
          .issued_at = claims.issued_at,
          .expire_at = expire_at,
          .info = std::move(claims.info),
          .data = std::move(claims.data),
          .override = claims.override};
}

}  // namespace millrace::auth
