// The hub decides: may this be published, what number does it get, who must hear it.
//
// A session asks with an Ask and hears back with an Answer; publications come through Delivery. One
// Hub object per core: it is asked on the session's core, decides there what needs no state
// (permissions, tokens), passes the ask on to the channel's home core (hash(channel) % cores),
// where the channel's log, interest, presence and delta base are, and answers on the session's
// core. Users have a home core in the same way, where their connections are counted.
//
// Cores      Every method on the hub's own core. Delivery and every `done` are called there too.
// Order      Asks of one session about one channel are worked on in the order they were asked; an
//            Answer may come inside ask(). A granted subscription's Answer comes before the first
//            publication of the channel, and with all publications up to its position: what comes
//            after that is delivered, once, in the log's order.
// Ownership  Who gets a SubscribeAnswer owns the subscription, and gives it back with an
//            UnsubscribeAsk, also when the session has gone by then; likewise a ConnectAnswer and
//            LeaveAsk. Every Ask but these two of a session that has gone is answered all the same.
// Limits     Options. While a core's mailbox is over `mailbox_max`, hubs refuse publishes with
//            errors::kTooManyRequests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "auth/auth.h"
#include "base/executor.h"
#include "broker/broker.h"
#include "hub/asks.h"
#include "hub/backend.h"  // IWYU pragma: export
#include "hub/namespaces.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "store/store.h"

namespace millrace::hub {

// What happened in a channel.
struct Event {
  enum class Kind : uint8_t {
    kPublication,
    kJoin,
    kLeave,
    // Publications were missed, or the log was made anew: whoever has a position in it must
    // subscribe again, and hears no more of what follows.
    kInterruption,
  };
  Kind kind = Kind::kPublication;
  model::Publication publication{};  // of a join or leave, who it was: `info`
  base::SharedBytes patch{};         // against the publication before it; empty: there is none
  std::string exclude{};             // a client that is not to hear it
  std::string epoch{};               // of the log that has the publication; "": none has
};

using Address = broker::Address;

// How a hub reaches the sessions of its core; implemented by edge/.
class Delivery {
 public:
  // What a turn of the home core brought for one channel, in order. Asks for no subscription before
  // it returns.
  virtual void deliver(std::string_view channel, std::span<const Event> events) = 0;
  virtual void answer(Answer answer) = 0;
  // Also of sessions that are elsewhere: then there is nothing to do.
  virtual void carry_out(const Order& order) = 0;
  // What another core, of any node, has sent to this one: any bytes.
  virtual void on_control(std::string_view bytes) = 0;

 protected:
  ~Delivery() = default;
};

struct Options {
  Namespaces namespaces;
  bool insecure = false;        // everybody may do everything (client.insecure, --dev)
  size_t mailbox_max = 65'536;  // tasks

  bool allow_anonymous_connect_without_token = false;
  bool disallow_anonymous_connection_tokens = false;
  size_t user_connection_limit = 0;  // of each user; 0: no limit

  size_t history_max_publication_limit = 300;
  size_t recovery_max_publication_limit = 300;
  // A subscriber that missed more bytes than this is told that it can't be recovered.
  size_t recovery_bytes_max = 512UL * 1024;
  // Members that one answer may list; a channel with more of them has its statistics only.
  size_t presence_members_max = 5'000;
  size_t bans_max = 1'000'000;
};

class Bans;
class Home;

class Hub {
 public:
  // What a hub works with: all of it is its core's, and outlives it.
  struct Parts {
    base::Cores cores;
    base::CoreId core;
    broker::Broker& broker;
    store::Store& store;
    auth::Verifier& connection_tokens;
    auth::Verifier& subscription_tokens;  // the same one, unless these have keys of their own
    metrics::Core& metrics;
    const Options& options;
    Backend* backend = nullptr;  // null: there is none to ask
  };

  explicit Hub(const Parts& parts);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Before the first ask: the hubs of all cores in order (this one among them), and who delivers on
  // this core.
  void connect(std::span<Hub* const> hubs, Delivery& delivery);

  void ask(Ask ask);

  // Whether who was let in has been shut out since: bans that came before the session was there to
  // be cut.
  bool banned(const ConnectAnswer& admitted) const;

  // ---- The server API: nobody's permission is asked ----

  using Done = std::move_only_function<void(AnswerBody)>;
  // A PublishAsk, PresenceAsk, HistoryAsk or HistoryRemoveAsk.
  void call(std::string channel, AskBody body, Done done);

  // On every core: `done` when all have carried it out, or passed it on to their sessions.
  void order(Order order, std::move_only_function<void()> done);

  // Shuts out, and cuts who is in; or lets in again. `done`: false if there are too many bans.
  void ban(Ban ban, std::move_only_function<void(bool)> done);
  void lift(Ban::Kind kind, std::string subject, std::move_only_function<void()> done);

  // The channels with subscribers whose name matches a glob ("": all), and how many each has. At
  // most kListedMax.
  struct Listed {
    std::vector<std::pair<std::string, size_t>> channels;
    bool complete = true;
  };
  static constexpr size_t kListedMax = 100'000;
  void list(std::string pattern, std::move_only_function<void(Listed)> done);

  // Users with a connection to this node.
  void count_users(std::move_only_function<void(size_t)> done);

  // Through the broker, to the Delivery of one core of one node, with what its contract promises:
  // at most once, in order, and not for sure. kNotFound also for what is no node's uid.
  using Sent = broker::Done;
  void send_control(const Address& to, std::string bytes, Sent done);

  // Delivers at once what channels of this home gather (batch_max_delay).
  void deliver_gathered();

  // Channels that this core is home of and keeps a record for.
  size_t channels() const;

 private:
  friend class Home;
  using Refused = std::variant<model::ReplyError, model::Disconnect>;
  using Verdict = std::optional<Refused>;  // nullopt: allowed

  // authenticate.cc
  void authenticate(Ask ask);
  void on_connection_claims(Ask ask, auth::ConnectionClaims claims);
  void ask_backend(Ask ask, const std::shared_ptr<const Visitor>& visitor);
  void on_backend_verdict(Ask ask, std::string user, Backend::Verdict verdict);
  void on_grant(Ask ask, auth::Grant grant);
  void admit_by_name(Ask ask, std::string user);
  Verdict vet(const auth::ConnectionClaims& claims) const;
  void admit(Ask ask, ConnectAnswer answer);
  void refresh(Ask ask);
  void on_refresh_claims(const Ask& ask, auth::ConnectionClaims claims);
  void subscribe(Ask ask);
  void subscribe_with_token(Ask ask);
  void on_subscription_claims(Ask ask, auth::SubscriptionClaims claims);
  void refresh_subscription(Ask ask);
  Verdict judge(const Ask& ask, const auth::SubscriptionClaims& claims) const;

  // permissions.cc
  static bool fits(DataFormat format, const PublishAsk& what);
  Verdict may_subscribe(const Ask& ask, const SubscribeAsk& what) const;
  Verdict may_publish(const Ask& ask, const PublishAsk& what) const;
  Verdict may_see_presence(const Ask& ask, const PresenceAsk& what) const;
  Verdict may_see_history(const Ask& ask, const HistoryAsk& what) const;

  void negotiate(const Ask& ask, SubscribeAsk& what) const;
  void pass_on(Ask ask);
  void refuse(const Ask& ask, const Refused& why);
  void answer_to(const Ask& ask, AnswerBody body);
  base::CoreId home_of(std::string_view channel) const;
  // Runs `task` on the core `home` with what it is home of; at once if it is this core.
  template <class Task>
  void at_home(base::CoreId home, Task task);
  // Runs `task` on every core, then `done` here.
  void on_all(std::function<void(Hub&)> task, std::move_only_function<void()> done);
  // Whether some core has more to do than it should be given.
  bool behind() const;

  const Parts parts_;
  std::vector<Hub*> hubs_;
  Delivery* delivery_ = nullptr;
  std::unique_ptr<Bans> bans_;
  std::unique_ptr<Home> home_;
};

}  // namespace millrace::hub
