// What a backend can ask: each method's parameters, as the hub takes them, and how they are read
// from JSON.
//
// Pure functions: no state, any core.
//
// Limits     Those of api.h. Nesting of JSON: protocol::kJsonDepthMax.
// Failure    107 with a word on which parameter is wrong, and how. A parameter that nobody knows
//            is skipped; `null` is as if it was not there (but data may be `null`); numbers must
//            be whole and not in quotes, ids must be in quotes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/hub.h"
#include "model/model.h"

namespace millrace::api {

// What is answered instead of a result.
struct Failure {
  uint32_t code = 0;
  std::string message;
};
Failure failure(const model::ReplyError& error);
Failure failure(const model::ReplyError& error, std::string_view why);

template <class T>
using Read = std::expected<T, Failure>;

// In the order of kMethodNames, and of the counters of calls in metrics/families.h.
enum class Method : uint8_t {
  kPublish,
  kBroadcast,
  kSubscribe,
  kUnsubscribe,
  kDisconnect,
  kRefresh,
  kPresence,
  kPresenceStats,
  kHistory,
  kHistoryRemove,
  kChannels,
  kInfo,
  kBlockUser,
  kUnblockUser,
  kRevokeToken,
  kInvalidateUserTokens,
  kCount,
};
inline constexpr size_t kMethods = static_cast<size_t>(Method::kCount);
inline constexpr std::array<std::string_view, kMethods> kMethodNames = {
    "publish",    "broadcast",      "subscribe",    "unsubscribe",
    "disconnect", "refresh",        "presence",     "presence_stats",
    "history",    "history_remove", "channels",     "info",
    "block_user", "unblock_user",   "revoke_token", "invalidate_user_tokens"};

constexpr std::string_view name_of(Method method) {
  return kMethodNames[static_cast<size_t>(method)];
}
// The Failure: 108 for what Centrifugo has and Millrace has not, 104 for what nobody knows.
Read<Method> find_method(std::string_view name);

struct Publish {
  std::string channel{};
  hub::PublishAsk what{};
};
struct Broadcast {
  std::vector<std::string> channels{};
  hub::PublishAsk what{};
};
struct Presence {
  std::string channel{};
  bool stats_only = false;
};
struct History {
  std::string channel{};
  hub::HistoryAsk what{};
};
struct HistoryRemove {
  std::string channel{};
};
struct Channels {
  std::string pattern{};
};
struct Info {};
struct Lift {
  hub::Ban::Kind kind = hub::Ban::Kind::kUser;
  std::string subject{};
};

using Call = std::variant<Publish, Broadcast, hub::Order, Presence, History, HistoryRemove,
                          Channels, Info, hub::Ban, Lift>;

// One of several calls in a request. Each fails for itself.
struct Command {
  std::optional<Method> method{};  // nullopt: an unknown one
  Read<Call> call = std::unexpected(Failure{});
};

struct Batch {
  std::vector<Command> commands{};
  bool parallel = false;
};

struct Line {
  std::optional<int64_t> id{};  // given back in the reply
  Command command{};
};

// `params` is valid JSON.
Read<Call> read_call(Method method, std::string_view params);
// `body` is valid JSON: {"commands":[{METHOD:params}...],"parallel":bool}.
Read<Batch> read_batch(std::string_view body);
// Lines of {"id":1,"method":"publish","params":{...}}; also one such object over several lines.
// Empty lines are skipped. The Failure's code is 0 if one of them is not JSON.
Read<std::vector<Line>> read_lines(std::string_view body);

}  // namespace millrace::api
