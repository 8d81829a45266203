// The hub decides: may this be published, what number does it get, who must hear it.
//
// A session asks with an Ask and hears back with an Answer, both plain values that could cross a network; publications come
// through Delivery. One Hub object per core: it is asked on the session's core, passes the ask on to the channel's home core
// (hash(channel) % cores), where everything about a channel is decided and kept, and answers on the session's core.
//
// Cores      ask() on the hub's own core. Delivery is called there too.
// Order      Asks of one session about one channel are worked on in the order they were asked. A granted subscription's
//            Answer comes before the first publication of the channel. Every subscriber sees a channel's publications in one order.
// Ownership  Who gets a SubscribeAnswer owns the subscription, and gives it back with an UnsubscribeAsk, also when the session
//            has gone by then. Every Ask but UnsubscribeAsk of a session that has gone is answered all the same.
// Limits     Options. A home core whose mailbox is over `mailbox_max` refuses publishes with errors::kTooManyRequests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  base::SharedBytes data;
  bool subscribed = false;  // the session is subscribed to the channel
  base::MonotonicTime received;
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
  std::variant<model::ReplyError, SubscribeAnswer, UnsubscribeAnswer, PublishAnswer> body;
};

// A publication on its way to the subscribers of a core.
struct Delivered {
  model::Publication publication;
  base::MonotonicTime received;  // when it came to this node
};

// How a hub reaches the sessions of its core; implemented by edge/.
class Delivery {
 public:
  // What a turn of the home core brought for one channel, in order.
  virtual void deliver(std::string_view channel, std::span<const Delivered> publications) = 0;
  virtual void answer(Answer answer) = 0;

 protected:
  ~Delivery() = default;
};

struct Options {
  Namespaces namespaces;
  size_t mailbox_max = 65'536;  // tasks
};

class Home;

class Hub {
 public:
  // What the hubs of a node share. `broker` and `store` are those of this hub's core.
  struct Parts {
    base::Cores cores;
    base::CoreId core;
    broker::Broker* broker = nullptr;
    store::Store* store = nullptr;
    metrics::Core* metrics = nullptr;
    const Options* options = nullptr;
  };

  explicit Hub(const Parts& parts);
  ~Hub();

  // Before the first ask: the hubs of all cores in order (this one among them), and who delivers on this core.
  void connect(std::span<Hub* const> hubs, Delivery& delivery);

  void ask(Ask ask);

  // The server API's publish. `done` runs on this hub's core.
  void publish(std::string channel, base::SharedBytes data,
               std::move_only_function<void(std::variant<model::ReplyError, PublishAnswer>)> done);

  // Channels that this core is home of.
  size_t channels() const;

 private:
  friend class Home;
  base::CoreId home_of(std::string_view channel) const;

  Parts parts_;
  std::vector<Hub*> hubs_;
  Delivery* delivery_ = nullptr;
  std::unique_ptr<Home> home_;
};

}  // namespace millrace::hub
