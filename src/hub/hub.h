// The hub decides: may this be published, what number does it get, who must hear it.
//
// A session asks with an Ask and hears back with an Answer, both plain values that could cross a
// network; publications come through Delivery. One Hub object per core: it is asked on the
// session's core, passes the ask on to the channel's home core (hash(channel) % cores), where
// everything about a channel is decided and kept, and answers on the session's core.
//
// Cores      ask() on the hub's own core. Delivery is called there too.
// Order      Asks of one session about one channel are worked on in the order they were asked; an
//            Answer may come inside ask(). A granted subscription's Answer comes before the first
//            publication of the channel. Every subscriber sees a channel's publications in one
//            order.
// Ownership  Who gets a SubscribeAnswer owns the subscription, and gives it back with an
//            UnsubscribeAsk, also when the session has gone by then. Every Ask but UnsubscribeAsk
//            of a session that has gone is answered all the same.
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
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "broker/broker.h"
#include "hub/namespaces.h"
#include "metrics/metrics.h"
#include "model/model.h"
#include "store/store.h"

namespace millrace::hub {

// ---- What a session asks ----

struct SubscribeAsk {};

// Gives back a granted subscription. Answered with an UnsubscribeAnswer if `Ask::id` is not 0.
struct UnsubscribeAsk {};

struct PublishAsk {
  base::SharedBytes data{};
  bool is_json = true;      // as model::Publication has it
  bool subscribed = false;  // the session is subscribed to the channel
  base::MonotonicTime received{};
};

struct PresenceAsk {
  bool stats_only = false;
};

struct HistoryAsk {};

struct Ask {
  base::ConnectionRef from;
  uint32_t id = 0;  // the command's, given back in the Answer
  std::string channel;
  std::shared_ptr<const model::ClientInfo> who;
  std::variant<SubscribeAsk, UnsubscribeAsk, PublishAsk, PresenceAsk, HistoryAsk> body;
};

// ---- What it hears ----

struct SubscribeAnswer {};
struct UnsubscribeAnswer {};
struct PublishAnswer {};

struct Answer {
  base::ConnectionRef to;
  uint32_t id = 0;
  std::string channel;
  bool to_subscribe = false;  // a SubscribeAsk is answered: ids are the client's, and may repeat
  std::variant<model::ReplyError, SubscribeAnswer, UnsubscribeAnswer, PublishAnswer> body;
};

// How a hub reaches the sessions of its core; implemented by edge/.
class Delivery {
 public:
  // What a turn of the home core brought for one channel, in order.
  virtual void deliver(std::string_view channel,
                       std::span<const model::Publication> publications) = 0;
  virtual void answer(Answer answer) = 0;

 protected:
  ~Delivery() = default;
};

struct Options {
  Namespaces namespaces;
  bool insecure = false;        // everybody may do everything (client.insecure, --dev)
  size_t mailbox_max = 65'536;  // tasks
};

class Home;

class Hub {
 public:
  // What a hub works with. `broker` and `store` are those of its core.
  struct Parts {
    base::Cores cores;
    base::CoreId core;
    broker::Broker& broker;
    store::Store& store;
    metrics::Core& metrics;
    const Options& options;
  };

  explicit Hub(const Parts& parts);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Before the first ask: the hubs of all cores in order (this one among them), and who delivers on
  // this core.
  void connect(std::span<Hub* const> hubs, Delivery& delivery);

  void ask(Ask ask);

  // The server API's publish: nobody's permission is asked. `done` runs on this hub's core.
  using Published = std::move_only_function<void(std::optional<model::ReplyError>)>;
  void publish(std::string channel, PublishAsk what, Published done);

  // Channels that this core is home of and keeps a record for.
  size_t channels() const;

 private:
  friend class Home;
  using Verdict = std::optional<model::ReplyError>;  // nullopt: allowed

  Verdict may_subscribe(const Ask& ask) const;
  Verdict may_publish(const Ask& ask, const PublishAsk& what) const;
  void publish_as(Ask ask, PublishAsk what);
  void refuse(const Ask& ask, const model::ReplyError& error);
  void answer(Answer answer);
  base::CoreId home_of(std::string_view channel) const;
  // Runs `task` on the core `home` with that core's hub; at once if it is this core.
  void at_home(base::CoreId home, std::move_only_function<void(Home&)> task);
  // Whether some core has more to do than it should be given.
  bool behind() const;

  const Parts parts_;
  std::vector<Hub*> hubs_;
  Delivery* delivery_ = nullptr;
  std::unique_ptr<Home> home_;
};

}  // namespace millrace::hub
