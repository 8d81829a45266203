// Who hears a channel: interest on the channel's home core.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {

void Home::subscribe(Ask ask) {
  const auto [found, made] = records_.try_emplace(ask.channel, options_of(ask.channel));
  Record& record = found->second;
  if (record.state == Record::State::kLive) return grant(found->first, record, std::move(ask));
  if (record.waiting != nullptr) {
    record.waiting->push_back(std::move(ask));
    return;
  }
  metrics().add(metrics::Gauge::kChannels, 1);
  const std::string channel = ask.channel;
  record.waiting = std::make_unique<std::vector<Ask>>();
  record.waiting->push_back(std::move(ask));
  hub_.parts_.broker.subscribe(
      channel, [this, channel](base::Result<> result) { on_interest(channel, std::move(result)); });
}

void Home::on_interest(std::string_view channel, base::Result<> result) {
  const auto found = records_.find(channel);
  MILLRACE_ASSERT(found != records_.end() && found->second.waiting != nullptr);
  const std::unique_ptr<std::vector<Ask>> waiting = std::move(found->second.waiting);
  if (!result) {
    base::log::warn("broker refused a subscription",
                    {{"channel", channel}, {"error", result.error().message}});
    records_.erase(found);
    metrics().add(metrics::Gauge::kChannels, -1);
    for (const Ask& ask : *waiting) reply(ask, model::errors::kInternal);
    return;
  }
  found->second.state = Record::State::kLive;
  // Granting answers, and an answer may come back with an ask that changes the table: the record is
  // looked up each time.
  for (Ask& ask : *waiting) {
    const auto record = records_.find(channel);
    if (record == records_.end()) {
      subscribe(std::move(ask));
    } else {
      grant(channel, record->second, std::move(ask));
    }
  }
}

void Home::grant(std::string_view channel, Record& record, Ask ask) {
  // What came before this subscription in this turn is not for it.
  if (record.pending != nullptr) deliver_pending();
  const auto& what = std::get<SubscribeAsk>(ask.body);
  if (!what.positioned) return welcome(channel, record, ask, {});
  if (record.stream == nullptr) record.stream = std::make_unique<Stream>();
  ++record.stream->joining;
  const store::ReadOptions how = resume_read(record, what);
  read(channel, *record.options, how,
       [this, name = std::string(channel), ask = std::move(ask)](
           const base::Result<SharedPage>& page) { on_joined(name, ask, page); });
}

// The log was read for a subscriber that wants a position.
void Home::on_joined(const std::string& channel, const Ask& ask,
                     const base::Result<SharedPage>& page) {
  const auto found = records_.find(channel);
  MILLRACE_ASSERT(found != records_.end());
  Record& record = found->second;
  if (page && !caught_up(channel, record, ask, *page)) return;
  Stream& stream = *record.stream;
  if (page) {
    const auto& what = std::get<SubscribeAsk>(ask.body);
    SubscribeAnswer answer = resume(record, what, **page);
    if (answer.was_recovering) {
      metrics().add(answer.recovered ? metrics::Counter::kRecovered
                                     : metrics::Counter::kUnrecoverable);
    }
    const bool refused = what.reject_unrecovered && answer.was_recovering && !answer.recovered;
    if (--stream.joining == 0) stream.held.clear();
    if (!refused) return welcome(channel, record, ask, std::move(answer));
    reply(ask, model::errors::kUnrecoverablePosition);
  } else {
    base::log::warn("a log could not be read",
                    {{"channel", channel}, {"error", page.error().message}});
    if (--stream.joining == 0) stream.held.clear();
    reply(ask, model::errors::kInternal);
  }
  drop_if_unused(channel);
}

// From here on it hears what is passed on.
void Home::welcome(std::string_view channel, Record& record, const Ask& ask,
                   SubscribeAnswer answer) {
  const auto& what = std::get<SubscribeAsk>(ask.body);
  // It may have been read for across turns in which others got something.
  if (record.pending != nullptr) deliver_pending();
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  if (interest == record.interest.end()) {
    record.interest.push_back({ask.from.core, 1});
  } else {
    ++interest->subscribers;
  }
  if (what.delta && record.base == nullptr) record.base = std::make_unique<DeltaBase>();
  answer.delta = what.delta;
  answer.join_leave = what.join_leave;
  answer.chan_info = what.chan_info;
  answer.data = what.data;
  answer.data_is_json = what.data_is_json;
  answer.expire_at = what.expire_at;
  bool announced = false;
  if (what.present || what.announced) {
    answer.member = ask.who;
    announced = join(record, ask);
  }
  std::shared_ptr<const model::ClientInfo> who;
  if (announced) who = info_of(ask.who, what.chan_info);
  const std::string name(channel);  // an answer may change the table
  reply(ask, std::move(answer));
  if (who != nullptr) announce(name, broker::Join{std::move(who)});
}

void Home::unsubscribe(const Ask& ask) {
  const auto found = records_.find(ask.channel);
  MILLRACE_ASSERT(found != records_.end());
  Record& record = found->second;
  const auto interest = std::ranges::find(record.interest, ask.from.core, &Interest::core);
  MILLRACE_ASSERT(interest != record.interest.end() && interest->subscribers > 0);
  if (--interest->subscribers == 0) record.interest.erase(interest);
  if (ask.who != nullptr && record.presence != nullptr) {
    part(ask.channel, record, *ask.who, std::get<UnsubscribeAsk>(ask.body).abrupt);
  }
  drop_if_unused(ask.channel);
  if (ask.id != 0) reply(ask, UnsubscribeAnswer{});
}

void Home::drop_if_unused(std::string_view channel) {
  const auto found = records_.find(channel);
  if (found == records_.end()) return;
  const Record& record = found->second;
  const bool used = record.state != Record::State::kLive || !record.interest.empty() ||
                    (record.stream != nullptr && record.stream->joining > 0) ||
                    (record.presence != nullptr && !record.presence->empty());
  if (used) return;
  hub_.parts_.broker.unsubscribe(channel);
  records_.erase(found);
  metrics().add(metrics::Gauge::kChannels, -1);
}

}  // namespace millrace::hub
