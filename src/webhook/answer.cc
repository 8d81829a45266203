// The whole text is checked first, and only then read, so that what is skipped is valid, too.
#include "webhook/answer.h"

#include <simdjson.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace millrace::webhook {
namespace {

using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr size_t kReasonBytesMax = 123;  // of a WebSocket's close frame (RFC 6455, section 5.5)
constexpr uint64_t kDisconnectMin = 3000;
constexpr uint64_t kDisconnectMax = 4999;

std::unexpected<base::Error> malformed(std::string why) {
  return base::fail(base::ErrorCode::kInvalid, std::move(why));
}

bool is_null(value from) {
  bool null = false;
  return from.is_null().get(null) == simdjson::SUCCESS && null;
}

bool read_string(value from, std::string& to) {
  std::string_view text;
  if (from.get_string().get(text) != simdjson::SUCCESS) return false;
  to = text;
  return true;
}

bool read_code(value from, uint32_t& to) {
  uint64_t number = 0;
  if (from.get_uint64().get(number) != simdjson::SUCCESS) return false;
  if (number == 0 || number > std::numeric_limits<uint32_t>::max()) return false;
  to = static_cast<uint32_t>(number);
  return true;
}

// Calls `visit(name, value)` for each member that is not null; the name of the one that it does not
// like, or that is there twice.
template <class Visit>
std::optional<std::string> first_bad(object from, Visit visit) {
  for (auto member : from) {
    std::string_view name;
    value inner;
    if (member.unescaped_key().get(name) != simdjson::SUCCESS ||
        member.value().get(inner) != simdjson::SUCCESS)
      return "a member";
    std::string kept(name);
    if (!is_null(inner) && !visit(kept, inner)) return kept;
  }
  return std::nullopt;
}

base::Result<hub::TurnedAway> read_away(std::string_view json, hub::TurnedAway::How how) {
  const bool is_error = how == hub::TurnedAway::How::kError;
  const std::string place = is_error ? "error" : "disconnect";
  const simdjson::padded_string text(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  object members;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS ||
      document.get_object().get(members) != simdjson::SUCCESS)
    return malformed(place + " is not an object");
  hub::TurnedAway away{.how = how};
  const auto bad = first_bad(members, [&](const std::string& name, value inner) {
    if (name == "code") return read_code(inner, away.code);
    if (name == (is_error ? "message" : "reason")) return read_string(inner, away.text);
    if (is_error && name == "temporary")
      return inner.get_bool().get(away.temporary) == simdjson::SUCCESS;
    return true;
  });
  if (bad) return malformed("wrong " + place + "." + *bad);
  if (away.code == 0) return malformed(place + " has no code");
  if (is_error) return away;
  if (away.code < kDisconnectMin || away.code > kDisconnectMax)
    return malformed("disconnect.code is not from 3000 to 4999");
  if (away.text.size() > kReasonBytesMax)
    return malformed("disconnect.reason is longer than 123 bytes");
  return away;
}

// The three, as text; "" for one that is not there.
struct Parts {
  std::string result{};
  std::string error{};
  std::string disconnect{};
};

bool take(value from, std::string& to) {
  if (!to.empty()) return false;  // twice, and readers differ in which of them counts
  simdjson::ondemand::json_type type{};
  if (from.type().get(type) != simdjson::SUCCESS || type != simdjson::ondemand::json_type::object)
    return false;
  object inner;
  std::string_view text;
  if (from.get_object().get(inner) != simdjson::SUCCESS ||
      inner.raw_json().get(text) != simdjson::SUCCESS)
    return false;
  to = text;
  return true;
}

base::Result<Parts> take_apart(std::string_view json) {
  const simdjson::padded_string text(json);
  simdjson::dom::parser checker;
  simdjson::dom::object checked;
  if (const auto error = checker.parse(text).get_object().get(checked))
    return malformed(std::string("not a JSON object: ") + simdjson::error_message(error));
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  object members;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS ||
      document.get_object().get(members) != simdjson::SUCCESS)
    return malformed("not a JSON object");
  Parts parts;
  const auto bad = first_bad(members, [&](const std::string& name, value inner) {
    if (name == "result") return take(inner, parts.result);
    if (name == "error") return take(inner, parts.error);
    if (name == "disconnect") return take(inner, parts.disconnect);
    return true;
  });
  if (bad) return malformed("wrong " + *bad);
  return parts;
}

}  // namespace

base::Result<hub::Backend::Verdict> read_connect_answer(std::string_view json) {
  base::Result<Parts> parts = take_apart(json);
  if (!parts) return base::fail(parts);
  using How = hub::TurnedAway::How;
  for (const auto& [text, how] :
       {std::pair{&parts->disconnect, How::kDisconnect}, std::pair{&parts->error, How::kError}}) {
    if (text->empty()) continue;
    base::Result<hub::TurnedAway> away = read_away(*text, how);
    if (!away) return base::fail(away);
    return std::move(*away);
  }
  if (parts->result.empty()) return hub::Unknown{};
  base::Result<auth::Grant> grant = auth::read_grant(parts->result);
  if (!grant) return malformed("result: " + grant.error().message);
  return std::move(*grant);
}

}  // namespace millrace::webhook
