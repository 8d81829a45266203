// What a session or a backend asks of the hub, and what it answers: plain values that could cross a
// network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/shared_bytes.h"
#include "hub/backend.h"
#include "model/model.h"

namespace millrace::hub {

// ---- What is asked ----

// May this client come in, and who is it? Answered with a ConnectAnswer, a TurnedAway, an error or
// a disconnect.
struct ConnectAsk {
  std::string token{};
  // What is said of one without a token; null: nothing is. Shared because asks can be copied.
  std::shared_ptr<const Visitor> visitor{};
};

// A new token for a connection of Ask::who. Answered with a RefreshAnswer, or a disconnect.
struct RefreshAsk {
  std::string token{};
  std::vector<std::string> channels{};  // the server-side subscriptions that its first token made
};

// Gives back what a ConnectAnswer granted. Not answered.
struct LeaveAsk {};

// May this client hear the channel, and from where on? Answered with a SubscribeAnswer, an error,
// or a disconnect for another's token.
struct SubscribeAsk {
  std::string token{};
  // Made by the server (a token's claim, the API): nobody's permission is asked.
  bool server_side = false;
  bool positioned = false;
  bool recoverable = false;
  bool join_leave = false;
  bool delta = false;               // fossil
  bool filtered = false;            // by tags
  bool recover = false;             // it comes back, and wants what it missed
  model::Position since{};          // where it was
  bool reject_unrecovered = false;  // an error instead of an answer that is not `recovered`
  // What a server-side subscription, or the subscription's token, says.
  auth::Override override{};
  base::SharedBytes chan_info{};
  base::SharedBytes data{};
  bool data_is_json = true;
  int64_t expire_at = 0;  // Unix seconds; 0: never
  // Settled by the hub: it is a member of the channel's presence; others hear when it comes and
  // goes.
  bool present = false;
  bool announced = false;
};

// A new token for a subscription of Ask::who. Answered with a SubRefreshAnswer, an error or a
// disconnect.
struct SubRefreshAsk {
  std::string token{};
};

// Gives back a granted subscription. Answered with an UnsubscribeAnswer if `Ask::id` is not 0.
// Ask::who is SubscribeAnswer::member, or says the same.
struct UnsubscribeAsk {
  // The connection broke rather than said goodbye: its client may be back soon.
  bool abrupt = false;
};

struct PublishAsk {
  base::SharedBytes data{};
  bool is_json = true;      // as model::Publication has it
  bool subscribed = false;  // the session is subscribed to the channel
  base::MonotonicTime received{};
  model::Tags tags{};
  std::string idempotency_key{};
  uint64_t version = 0;
  std::string version_epoch{};
  bool skip_history = false;
  std::optional<bool> delta{};    // nullopt: as the namespace says
  std::string exclude{};          // the client that is not to hear it; "": none
  base::SharedBytes chan_info{};  // of the publisher's subscription
};

struct PresenceAsk {
  bool stats_only = false;
  bool subscribed = false;
};

struct HistoryAsk {
  // At most so many; 0: the position only; nullopt: as many as is allowed.
  std::optional<size_t> limit{};
  std::optional<model::Position> since{};
  bool reverse = false;
  bool subscribed = false;
};

// The server API's only.
struct HistoryRemoveAsk {};

using AskBody = std::variant<ConnectAsk, RefreshAsk, LeaveAsk, SubscribeAsk, SubRefreshAsk,
                             UnsubscribeAsk, PublishAsk, PresenceAsk, HistoryAsk, HistoryRemoveAsk>;

struct Ask {
  base::ConnectionRef from;
  uint32_t id = 0;      // the command's, given back in the Answer
  uint8_t note = 0;     // the session's own, given back too
  std::string channel;  // "" for those about the connection
  std::shared_ptr<const model::ClientInfo> who;
  AskBody body;
};

// ---- What is answered ----

// When the token of a client was issued that has come without one: no ban of tokens is about it.
inline constexpr int64_t kNoToken = INT64_MAX;

struct ConnectAnswer {
  std::string user{};
  base::SharedBytes info{};  // JSON on one line
  int64_t expire_at = 0;     // Unix seconds; 0: never
  std::string token_id{};
  int64_t issued_at = kNoToken;  // Unix seconds; 0: the token does not say
  std::vector<auth::Subscription> subs{};
  // These are all that it gets: whoever granted them knows what else it asks for.
  bool subs_are_all = false;
  base::SharedBytes data{};  // for the client
  bool data_is_json = true;
};

struct RefreshAnswer {
  int64_t expire_at = 0;
  base::SharedBytes info{};
  std::string token_id{};
  int64_t issued_at = 0;
};

struct SubscribeAnswer {
  bool positioned = false;
  bool recoverable = false;
  bool was_recovering = false;
  bool recovered = false;
  bool delta = false;
  bool join_leave = false;  // joins and leaves are wanted
  // Not null: the UnsubscribeAsk has to say that it is this one who goes.
  std::shared_ptr<const model::ClientInfo> member{};
  // The last of `publications` is what the next delta is made against.
  bool has_base = false;
  model::Position position{};  // of the log; if recovered, the one that was asked for
  std::vector<model::Publication> publications{};
  base::SharedBytes chan_info{};
  base::SharedBytes data{};
  bool data_is_json = true;
  int64_t expire_at = 0;
};

struct SubRefreshAnswer {
  int64_t expire_at = 0;
  base::SharedBytes chan_info{};
};

struct UnsubscribeAnswer {};

struct PublishAnswer {
  model::Position position{};  // epoch "" without history
};

struct PresenceAnswer {
  std::vector<std::shared_ptr<const model::ClientInfo>> members{};
};

struct PresenceStatsAnswer {
  uint32_t clients = 0;
  uint32_t users = 0;
};

struct HistoryAnswer {
  // Shared with others who asked the same in the same turn.
  std::shared_ptr<const std::vector<model::Publication>> publications{};  // never null
  model::Position top{};
};

struct HistoryRemoveAnswer {};

using AnswerBody =
    std::variant<model::ReplyError, model::Disconnect, TurnedAway, ConnectAnswer, RefreshAnswer,
                 SubscribeAnswer, SubRefreshAnswer, UnsubscribeAnswer, PublishAnswer,
                 PresenceAnswer, PresenceStatsAnswer, HistoryAnswer, HistoryRemoveAnswer>;

struct Answer {
  base::ConnectionRef to;
  uint32_t id = 0;
  uint8_t note = 0;
  std::string channel;
  bool to_subscribe = false;  // a SubscribeAsk is answered: ids are the client's, and may repeat
  AnswerBody body;
};

// ---- What the server does to clients, unasked ----

// Which connections: all of a user's ("": the anonymous ones'), or of these the one with this
// client or session id.
struct Selector {
  std::string user{};
  std::string client{};   // "": any
  std::string session{};  // "": any
};

struct DisconnectOrder {
  uint16_t code = 0;
  std::string reason{};
  std::vector<std::string> keep{};  // clients that stay
};
struct UnsubscribeOrder {
  std::string channel{};  // "": every one
};
struct SubscribeOrder {
  std::string channel{};
  SubscribeAsk how{};
};
// Sets when the connection expires; 0: never.
struct RefreshOrder {
  bool expired = false;
  int64_t expire_at = 0;
  std::optional<base::SharedBytes> info{};  // JSON on one line
};
// Tokens are good no more, and so are the connections that they made: all whose token has this id,
// or was issued before.
struct RevokeOrder {
  std::string token_id{};     // "": by time
  int64_t issued_before = 0;  // Unix seconds; connections without a token's time are included
};

struct Order {
  Selector whom{};
  std::variant<DisconnectOrder, UnsubscribeOrder, SubscribeOrder, RefreshOrder, RevokeOrder> what{};
};

// ---- Who is shut out ----

// Until `expire_at` (Unix seconds; 0: until the node ends) ...
struct Ban {
  enum class Kind : uint8_t {
    kUser,        // ... this user may not connect
    kToken,       // ... the token with this id is not valid
    kUserTokens,  // ... tokens of this user that were issued before `issued_before` are not valid
  };
  Kind kind = Kind::kUser;
  std::string subject{};  // a user, or a token's id
  int64_t issued_before = 0;
  int64_t expire_at = 0;
};

}  // namespace millrace::hub
