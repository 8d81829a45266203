// What a core knows of the channels whose home it is: who is interested, and what this turn brought
// for them.
//
// Lives on that core only. A channel has a record while somebody is subscribed, or waits to be.
//
//   state of a record  event                    -> function
//   (none)             first subscribe          -> subscribe(): ask the broker, keep the ask
//   kSubscribing       another subscribe        -> subscribe(): keep it too
//   kSubscribing       the broker acknowledged  -> on_interest(): grant all that wait  => kLive
//   kSubscribing       the broker refused       -> on_interest(): refuse all of them   => (none)
//   kLive              subscribe                -> grant()
//   kLive              the last unsubscribe     -> unsubscribe(): tell the broker      => (none)
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/string_hash.h"
#include "hub/hub.h"

namespace millrace::hub {

class Home final : public broker::Sink, public base::TurnHook {
 public:
  explicit Home(Hub& hub);
  ~Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  void subscribe(Ask ask);
  void unsubscribe(const Ask& ask);
  void publish(std::string_view channel, model::Publication publication, Hub::Published done);

  // Answers on the core that asked; runs a task on a core, at once if it is this one.
  void reply(const Ask& ask, decltype(Answer::body) body);
  void back_to(base::CoreId core, base::Task task);

  size_t channels() const { return records_.size(); }

  // broker::Sink
  void on_message(std::string_view channel, const broker::Message& message) override;
  void on_interruption() override;

  // base::TurnHook
  void on_turn_end() override { deliver_pending(); }

 private:
  struct Interest {
    base::CoreId core;
    uint32_t subscribers = 0;
  };
  using Batch = std::vector<model::Publication>;
  struct Record {
    enum class State : uint8_t { kSubscribing, kLive };
    State state = State::kSubscribing;
    absl::InlinedVector<Interest, 2> interest;
    std::unique_ptr<std::vector<Ask>> waiting;  // null unless kSubscribing
    std::shared_ptr<Batch> pending;             // what came in this turn; null if nothing
  };
  using Records = absl::flat_hash_map<std::string, Record, base::StringHash, base::StringEqual>;

  void on_interest(std::string_view channel, base::Result<> result);
  void grant(Record& record, const Ask& ask);
  void drop(Records::iterator record);
  void deliver_pending();
  base::Executor& executor() const;

  Hub& hub_;
  Records records_;
  std::vector<std::string> pending_channels_;
};

}  // namespace millrace::hub
