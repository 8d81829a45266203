// Who hears a channel: interest on the channel's home core.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {

void Home::subscribe(Ask ask) {
  // What came before this subscription in this turn is not for it.
  const Record* const before = records_.find(ask.channel);
  if (before != nullptr && before->pending != nullptr) deliver({ask.channel});

  Record* const known = records_.find(ask.channel);
  if (known != nullptr && known->subscribing())
    return known->details->waiting.push_back(std::move(ask));
  if (known != nullptr) return grant(known->name, *known, std::move(ask));
  metrics().add(metrics::Gauge::kChannels, 1);
  const std::string channel = ask.channel;
  Record& record = records_.insert(std::make_unique<Record>(channel, options_of(channel)));
  if (record.options->keeps_history()) record.stream = std::make_unique<Stream>();
  record.detailed().waiting.push_back(std::move(ask));
  hub_.parts_.broker.subscribe(
      channel, [this, channel](base::Result<> result) { on_interest(channel, std::move(result)); });
}

void Home::on_interest(std::string_view channel, base::Result<> result) {
  Record* const record = records_.find(channel);
  MILLRACE_ASSERT(record != nullptr && record->subscribing());
  std::vector<Ask> waiting = std::exchange(record->details->waiting, {});
  record->drop_empty_details();
  if (!result) {
    base::log::warn("broker refused a subscription",
                    {{"channel", channel}, {"error", result.error().message}});
    records_.erase(*record);
    metrics().add(metrics::Gauge::kChannels, -1);
    for (const Ask& ask : waiting) reply(ask, model::errors::kInternal);
    return;
  }
  // Granting answers, and an answer may come back with an ask that changes the table, or ends this
  // very record: each begins anew.
  for (Ask& ask : waiting) subscribe(std::move(ask));
}

// In a channel with history the log is read for whoever wants a position, and for the first one in
// any case: only that tells which bells are late, so that everybody hears each publication once.
void Home::grant(std::string_view channel, Record& record, Ask ask) {
  const auto& what = std::get<SubscribeAsk>(ask.body);
  const bool reads = record.stream != nullptr && (what.positioned || !record.stream->known);
  if (!reads) return welcome(channel, record, ask, {});
  ++record.stream->joining;
  read_for(channel, record, std::move(ask), false);
}

void Home::read_for(std::string_view channel, Record& record, Ask ask, bool again) {
  const store::ReadOptions how = resume_read(record, std::get<SubscribeAsk>(ask.body));
  read(channel, *record.options, how,
       [this, name = std::string(channel), ask = std::move(ask),
        again](const base::Result<SharedPage>& page) { on_joined(name, ask, page, again); });
}

// The log was read for a subscriber. `again`: not for the first time.
void Home::on_joined(const std::string& channel, const Ask& ask,
                     const base::Result<SharedPage>& page, bool again) {
  Record* const found = records_.find(channel);
  MILLRACE_ASSERT(found != nullptr);
  if (page && !caught_up(channel, *found, ask, *page, again)) return;
  Record& record = settle(channel);
  if (!page) {
    base::log::warn("a log could not be read",
                    {{"channel", channel}, {"error", page.error().message}});
  }
  const auto& what = std::get<SubscribeAsk>(ask.body);
  SubscribeAnswer answer;
  if (page && what.positioned) answer = resume(record, what, **page);
  Stream& stream = *record.stream;
  if (--stream.joining == 0) {
    stream.held.clear();
    stream.held_bytes = 0;
  }
  if (answer.was_recovering) {
    metrics().add(answer.recovered ? metrics::Counter::kRecovered
                                   : metrics::Counter::kUnrecoverable);
  }
  const bool refused = what.reject_unrecovered && what.recover && !answer.recovered;
  if (!page && what.positioned) {
    reply(ask, model::errors::kInternal);
  } else if (refused) {
    reply(ask, model::errors::kUnrecoverablePosition);
  } else {
    welcome(channel, record, ask, std::move(answer));
  }
  ring_kept(channel);
  drop_if_unused(channel);
}

// The channel's record, after everything that came for it has gone on its way: an interested core
// hears of no more than it was interested in. Requires that the record stays.
Home::Record& Home::settle(std::string_view channel) {
  for (;;) {
    Record* const found = records_.find(channel);
    MILLRACE_ASSERT(found != nullptr);
    if (found->pending == nullptr) return *found;
    deliver({std::string(channel)});
  }
}

// From here on it hears what is passed on; nothing of that is pending.
void Home::welcome(std::string_view channel, Record& record, const Ask& ask,
                   SubscribeAnswer answer) {
  const auto& what = std::get<SubscribeAsk>(ask.body);
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  if (interest == record.interest.end()) {
    record.interest.push_back({ask.from.core, 1});
  } else {
    ++interest->subscribers;
  }
  if (what.delta && record.base() == nullptr)
    record.detailed().base = std::make_unique<DeltaBase>();
  answer.delta = what.delta;
  answer.join_leave = what.join_leave;
  answer.chan_info = what.chan_info;
  answer.data = what.data;
  answer.data_is_json = what.data_is_json;
  answer.expire_at = what.expire_at;
  if (what.present || what.announced) {
    answer.member = ask.who;
    // The join waits for the end of the turn, and so for the answer. It is said first because what
    // the answer leads to may be that the member leaves again.
    if (join(record, ask)) announce(channel, broker::Join{info_of(ask.who, what.chan_info)});
  }
  reply(ask, std::move(answer));
}

void Home::unsubscribe(const Ask& ask) {
  Record* const found = records_.find(ask.channel);
  MILLRACE_ASSERT(found != nullptr);
  Record& record = *found;
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  MILLRACE_ASSERT(interest != record.interest.end() && interest->subscribers > 0);
  if (--interest->subscribers == 0) record.interest.erase(interest);
  if (ask.who != nullptr && record.presence() != nullptr) {
    part(ask.channel, record, *ask.who, std::get<UnsubscribeAsk>(ask.body).abrupt);
  }
  drop_if_unused(ask.channel);
  if (ask.id != 0) reply(ask, UnsubscribeAnswer{});
}

void Home::drop_if_unused(std::string_view channel) {
  Record* const record = records_.find(channel);
  if (record == nullptr) return;
  const bool used =
      record->subscribing() || !record->interest.empty() ||
      (record->stream != nullptr && (record->stream->joining > 0 || record->stream->filling)) ||
      (record->presence() != nullptr && !record->presence()->empty());
  if (used) return;
  hub_.parts_.broker.unsubscribe(channel);
  records_.erase(*record);
  metrics().add(metrics::Gauge::kChannels, -1);
}

}  // namespace millrace::hub
