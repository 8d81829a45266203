// What a core knows of the channels and users whose home it is.
//
// Lives on that core only. A channel has a record while somebody is subscribed, waits to be, or is
// present.
//
//   the record is  event                    -> function
//   (none)         first subscribe          -> subscribe(): ask the broker, keep the ask
//   subscribing    another subscribe        -> subscribe(): keep it too
//   subscribing    the broker acknowledged  -> on_interest(): grant all that wait  => live
//   subscribing    the broker refused       -> on_interest(): refuse all of them   => (none)
//   live           subscribe                -> grant(); where the log is read: on_joined()
//   live           the last one leaves      -> drop_if_unused(): tell the broker   => (none)
//
// What positioned subscribers are told is drawn in stream.cc.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/name_table.h"
#include "base/string_hash.h"
#include "delta/delta.h"
#include "hub/hub.h"
#include "hub/presence.h"
#include "hub/turn_reads.h"

namespace millrace::hub {

// A client as others in a channel see it.
std::shared_ptr<const model::ClientInfo> info_of(
    const std::shared_ptr<const model::ClientInfo>& who, const base::SharedBytes& chan_info);

class Home final : public broker::Sink, public base::TurnHook {
 public:
  using Done = Hub::Done;

  explicit Home(Hub& hub);
  ~Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  void ask(Ask ask);
  // A PublishAsk, PresenceAsk, HistoryAsk or HistoryRemoveAsk that is allowed. `who` is null for
  // the server API.
  void call(const std::string& channel, std::shared_ptr<const model::ClientInfo> who, AskBody body,
            Done done);

  // A user's connection comes; false if that is one too many. It goes.
  bool enter(std::string_view user);
  void leave(std::string_view user);
  size_t users() const { return users_.size(); }

  void deliver_gathered();

  Hub::Listed list(const std::string& pattern) const;
  size_t channels() const { return records_.size(); }

  // Answers on the core that asked; runs a task on a core, at once if it is this one.
  void reply(const Ask& ask, AnswerBody body);
  template <class Task>
  void back_to(base::CoreId core, Task task);

  // broker::Sink
  void on_message(std::string_view channel, const broker::Message& message) override;
  void on_control(std::string_view bytes) override;
  void on_interruption() override;

  // base::TurnHook
  void on_turn_end() override;

 private:
  struct Interest {
    base::CoreId core;
    uint32_t subscribers = 0;
  };
  struct Batch {
    uint64_t number = 0;   // no other has it
    bool leaving = false;  // at the end of this turn, whatever time it has left
    size_t bytes = 0;      // of payloads
    std::vector<Event> events;
  };

  // How far the subscribers are in the channel's log.
  struct Stream {
    model::Position cursor;  // what was passed on last
    bool known = false;      // whether there is a cursor
    bool filling = false;    // the log is read from the cursor on
    bool again = false;      // and has to be once more: there may be more than that read saw
    std::vector<broker::Published> bells;  // heard meanwhile, or before there was a cursor
    uint32_t joining = 0;                  // subscribers whose read of the log is on its way
    // What was passed on since the first of them asked, or as much as may be kept of the newest.
    std::vector<model::Publication> held;
    size_t held_bytes = 0;
    // Subscribers who know of more than we do, by what they read; null: they have to read it anew.
    std::vector<std::pair<Ask, SharedPage>> behind;
  };
  // What the next delta is made against: the publication that was passed on last.
  struct DeltaBase {
    base::SharedBytes data;
    model::Offset offset;
    bool is_json = true;
  };

  // What few records need, or not for long.
  struct Details {
    std::vector<Ask> waiting;            // not empty: subscribing
    std::unique_ptr<Presence> presence;  // null while nobody is present
    std::unique_ptr<DeltaBase> base;     // null while nobody wants deltas
  };
  struct Record {
    Record(std::string_view channel, const ChannelOptions& of) : name(channel), options(&of) {}

    bool subscribing() const { return details != nullptr && !details->waiting.empty(); }
    Presence* presence() const { return details == nullptr ? nullptr : details->presence.get(); }
    DeltaBase* base() const { return details == nullptr ? nullptr : details->base.get(); }
    Details& detailed() {
      if (details == nullptr) details = std::make_unique<Details>();
      return *details;
    }
    // To be called when something of the details has ended.
    void drop_empty_details() {
      if (details != nullptr && details->waiting.empty() && !details->presence && !details->base)
        details.reset();
    }

    const std::string name;
    const ChannelOptions* const options;
    absl::InlinedVector<Interest, 2> interest;
    std::unique_ptr<Batch> pending;    // what is to be delivered; null if nothing
    std::unique_ptr<Stream> stream;    // null in channels without history
    std::unique_ptr<Details> details;  // null where it would be empty
  };
  static_assert(sizeof(Record) <= 88, "one for each channel of a node");

  // subscribe.cc
  void subscribe(Ask ask);
  void unsubscribe(const Ask& ask);
  void on_interest(std::string_view channel, base::Result<> result);
  void grant(std::string_view channel, Record& record, Ask ask);
  void read_for(std::string_view channel, Record& record, Ask ask, bool again);
  void on_joined(const std::string& channel, const Ask& ask, const base::Result<SharedPage>& page,
                 bool again);
  Record& settle(std::string_view channel);
  void welcome(std::string_view channel, Record& record, const Ask& ask, SubscribeAnswer answer);
  void drop_if_unused(std::string_view channel);

  // members.cc
  bool join(Record& record, const Ask& ask);
  void part(std::string_view channel, Record& record, const model::ClientInfo& who, bool abrupt);
  void drop_if_nobody(Record& record);
  void forget(std::string_view channel, Presence::Left left);
  void announce(std::string_view channel, broker::Message message);
  void expire_lingering();
  void schedule_expiry();
  void presence(std::string_view channel, const PresenceAsk& what, Done done);

  // publish.cc
  void publish(const std::string& channel, std::shared_ptr<const model::ClientInfo> who,
               PublishAsk what, Done done);
  void ring(std::string_view channel, broker::Published published, PublishAnswer answer, Done done);

  // history.cc
  void history(std::string_view channel, bool of_client, const HistoryAsk& what, Done done);
  void remove_history(std::string_view channel, Done done);
  using Read = TurnReads::Done;
  void read(std::string_view channel, const ChannelOptions& options, const store::ReadOptions& how,
            Read done);

  // stream.cc
  void on_published(std::string_view channel, Record& record, const broker::Published& published);
  void advance(std::string_view channel, Record& record, const broker::Published& published);
  void keep(Stream& stream, const broker::Published& published);
  void ring_kept(const std::string& channel);
  void look(std::string_view channel);
  void fill(std::string_view channel, Record& record);
  void on_filled(const std::string& channel, const base::Result<store::Page>& page);
  void follow(std::string_view channel, Record& record, const store::Page& page);
  void interrupt(std::string_view channel, Record& record);

  // resume.cc
  bool caught_up(const std::string& channel, Record& record, const Ask& ask, const SharedPage& page,
                 bool again);
  static bool comes_back(const Record& record, const SubscribeAsk& what);
  static bool reaches_cursor(const Stream& stream, const store::Page& page);
  store::ReadOptions resume_read(const Record& record, const SubscribeAsk& what) const;
  SubscribeAnswer resume(const Record& record, const SubscribeAsk& what,
                         const store::Page& page) const;
  void resume_stream(const model::Position& cursor, const SubscribeAsk& what,
                     std::vector<model::Publication> missed, SubscribeAnswer& answer) const;
  static void resume_cache(const model::Position& cursor, const SubscribeAsk& what,
                           std::vector<model::Publication> newest, SubscribeAnswer& answer);

  // delivery.cc
  void pass_on(std::string_view channel, Record& record, Event event);
  void deliver_at_turn_end(std::string_view channel);
  void gather(std::string_view channel, const Record& record);
  void schedule_gathered();
  base::SharedBytes patch(Record& record, const model::Publication& publication, bool delta);
  void deliver(std::vector<std::string> channels);

  // home.cc
  void check_streams();
  base::Executor& executor() const;
  metrics::Core& metrics() const { return hub_.parts_.metrics; }
  const ChannelOptions& options_of(std::string_view channel) const;

  Hub& hub_;
  base::NameTable<Record> records_;
  std::vector<std::string> pending_channels_;  // to be delivered at the end of this turn
  // Batches that gather more, by when that ends: channel and number. They may have been delivered
  // before.
  std::multimap<base::MonotonicTime, std::pair<std::string, uint64_t>> gathering_;
  uint64_t last_batch_ = 0;
  base::TimerId gathered_;
  base::MonotonicTime turn_ended_;
  bool delivering_ = false;
  TurnReads turn_reads_;
  delta::Encoder encoder_;
  absl::flat_hash_map<std::string, uint32_t, base::StringHash, base::StringEqual> users_;
  // Channel and client of the members that linger, by when they expire.
  std::multimap<base::MonotonicTime, std::pair<std::string, std::string>> lingering_;
  std::vector<std::string> to_check_;  // channels whose log is to be looked at
  base::TimerId expiry_;
  bool expiry_scheduled_ = false;
};

template <class Task>
void Hub::at_home(base::CoreId home, Task task) {
  Hub& there = *hubs_[home.value()];
  if (&there == this) return task(*home_);
  parts_.cores.at(home).post([&there, task = std::move(task)]() mutable { task(*there.home_); });
}

template <class Task>
void Home::back_to(base::CoreId core, Task task) {
  if (core == hub_.parts_.core) return task();
  hub_.parts_.cores.at(core).post(std::move(task));
}

}  // namespace millrace::hub
