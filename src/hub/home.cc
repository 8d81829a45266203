#include "hub/home.h"

#include <fnmatch.h>

#include <utility>

#include "base/log.h"

namespace millrace::hub {

Home::Home(Hub& hub) : hub_(hub) {
  hub_.parts_.broker.set_sink(*this);
  executor().add_turn_hook(*this);
}

Home::~Home() {
  if (expiry_scheduled_) executor().cancel(expiry_);
  if (!gathering_.empty()) executor().cancel(gathered_);
  executor().remove_turn_hook(*this);
}

base::Executor& Home::executor() const {
  return hub_.parts_.cores.at(hub_.parts_.core);
}

// Of a channel whose name was found good before it came here.
const ChannelOptions& Home::options_of(std::string_view channel) const {
  return hub_.parts_.options.namespaces.options_of(channel);
}

void Home::ask(Ask ask) {
  if (std::holds_alternative<LeaveAsk>(ask.body)) return leave(ask.who->user);
  if (std::holds_alternative<SubscribeAsk>(ask.body)) return subscribe(std::move(ask));
  if (std::holds_alternative<UnsubscribeAsk>(ask.body)) return unsubscribe(ask);
  const std::string channel = ask.channel;
  const std::shared_ptr<const model::ClientInfo> who = ask.who;
  AskBody body = std::move(ask.body);
  call(channel, who, std::move(body), [this, ask = std::move(ask)](AnswerBody answer) {
    if (ask.id != 0) reply(ask, std::move(answer));
  });
}

void Home::call(const std::string& channel, std::shared_ptr<const model::ClientInfo> who,
                AskBody body, Done done) {
  if (auto* publication = std::get_if<PublishAsk>(&body))
    return publish(channel, std::move(who), std::move(*publication), std::move(done));
  if (const auto* what = std::get_if<PresenceAsk>(&body))
    return presence(channel, *what, std::move(done));
  if (const auto* what = std::get_if<HistoryAsk>(&body))
    return history(channel, who != nullptr, *what, std::move(done));
  MILLRACE_ASSERT(std::holds_alternative<HistoryRemoveAsk>(body));
  remove_history(channel, std::move(done));
}

Hub::Listed Home::list(const std::string& pattern) const {
  Hub::Listed listed;
  records_.for_each([&](const Record& record) {
    if (!pattern.empty() && ::fnmatch(pattern.c_str(), record.name.c_str(), 0) != 0) return true;
    size_t subscribers = 0;
    for (const Interest& interest : record.interest) subscribers += interest.subscribers;
    if (subscribers == 0) return true;
    listed.complete = listed.channels.size() < Hub::kListedMax;
    if (listed.complete) listed.channels.emplace_back(record.name, subscribers);
    return listed.complete;
  });
  return listed;
}

void Home::on_control(std::string_view bytes) {
  hub_.delivery_->on_control(bytes);
}

// Bells may have been missed in every channel: their logs are looked at, a bounded number a turn.
void Home::on_interruption() {
  metrics().add(metrics::Counter::kBrokerInterrupted);
  base::log::warn("the broker may have lost messages");
  const bool running = !to_check_.empty();
  to_check_.clear();  // they are listed anew
  records_.for_each([this](const Record& record) {
    if (record.stream != nullptr && record.stream->known) to_check_.push_back(record.name);
    return true;
  });
  if (!running) check_streams();
}

void Home::check_streams() {
  constexpr size_t kAtOnce = 256;
  for (size_t i = 0; i < kAtOnce && !to_check_.empty(); ++i) {
    const std::string channel = std::move(to_check_.back());
    to_check_.pop_back();
    look(channel);
  }
  if (!to_check_.empty()) executor().post([this] { check_streams(); });
}

void Home::on_turn_end() {
  deliver(std::exchange(pending_channels_, {}));
  turn_reads_.forget_all();
  turn_ended_ = executor().now();
}

void Home::reply(const Ask& ask, AnswerBody body) {
  Hub& asked = *hub_.hubs_[ask.from.core.value()];
  if (&asked == &hub_) return asked.answer_to(ask, std::move(body));
  Answer answer{.to = ask.from,
                .id = ask.id,
                .note = ask.note,
                .channel = ask.channel,
                .to_subscribe = std::holds_alternative<SubscribeAsk>(ask.body),
                .body = std::move(body)};
  back_to(ask.from.core, [&asked, answer = std::move(answer)]() mutable {
    asked.delivery_->answer(std::move(answer));
  });
}

}  // namespace millrace::hub
