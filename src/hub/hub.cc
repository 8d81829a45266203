#include "hub/hub.h"

#include <algorithm>
#include <utility>

#include "base/string_hash.h"
#include "hub/bans.h"
#include "hub/home.h"

namespace millrace::hub {

Hub::Hub(const Parts& parts)
    : parts_(parts),
      bans_(std::make_unique<Bans>(parts.options.bans_max)),
      home_(std::make_unique<Home>(*this)) {}
Hub::~Hub() = default;

void Hub::connect(std::span<Hub* const> hubs, Delivery& delivery) {
  MILLRACE_ASSERT(hubs.size() == parts_.cores.size());
  MILLRACE_ASSERT(hubs[parts_.core.value()] == this);
  hubs_.assign(hubs.begin(), hubs.end());
  delivery_ = &delivery;
}

size_t Hub::channels() const {
  return home_->channels();
}

void Hub::ask(Ask ask) {
  MILLRACE_DEBUG_ASSERT(delivery_ != nullptr);
  if (std::holds_alternative<ConnectAsk>(ask.body)) return authenticate(std::move(ask));
  if (std::holds_alternative<RefreshAsk>(ask.body)) return refresh(std::move(ask));
  if (std::holds_alternative<SubRefreshAsk>(ask.body)) return refresh_subscription(std::move(ask));
  if (std::holds_alternative<SubscribeAsk>(ask.body)) return subscribe(std::move(ask));
  Verdict verdict;
  if (const auto* what = std::get_if<PublishAsk>(&ask.body)) verdict = may_publish(ask, *what);
  if (const auto* what = std::get_if<PresenceAsk>(&ask.body)) {
    verdict = may_see_presence(ask, *what);
  }
  if (const auto* what = std::get_if<HistoryAsk>(&ask.body)) verdict = may_see_history(ask, *what);
  if (verdict) return refuse(ask, *verdict);
  pass_on(std::move(ask));
}

void Hub::pass_on(Ask ask) {
  const bool about_user = std::holds_alternative<LeaveAsk>(ask.body);
  const base::CoreId home = home_of(about_user ? ask.who->user : ask.channel);
  at_home(home, [ask = std::move(ask)](Home& at) mutable { at.ask(std::move(ask)); });
}

void Hub::call(std::string channel, AskBody body, Done done) {
  const auto resolved = parts_.options.namespaces.resolve(channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return done(*error);
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  if (const auto* what = std::get_if<PublishAsk>(&body)) {
    if (what->data.empty() || !fits(options.publication_data_format, *what))
      return done(model::errors::kBadRequest);
    if (behind()) return done(model::errors::kTooManyRequests);
  }
  if (std::holds_alternative<PresenceAsk>(body) && !options.presence)
    return done(model::errors::kNotAvailable);
  const bool about_history =
      std::holds_alternative<HistoryAsk>(body) || std::holds_alternative<HistoryRemoveAsk>(body);
  if (about_history && !options.keeps_history()) return done(model::errors::kNotAvailable);
  const base::CoreId home = home_of(channel);
  at_home(home, [this, channel = std::move(channel), body = std::move(body),
                 done = std::move(done)](Home& at) mutable {
    at.call(channel, nullptr, std::move(body),
            [this, &at, done = std::move(done)](AnswerBody answer) mutable {
              at.back_to(parts_.core,
                         [done = std::move(done), answer = std::move(answer)]() mutable {
                           done(std::move(answer));
                         });
            });
  });
}

// ---- Every core ----

void Hub::on_all(std::function<void(Hub&)> task, std::move_only_function<void()> done) {
  struct Round {
    size_t missing;
    std::move_only_function<void()> done;
  };
  // Shared by the tasks in flight; touched on this core only.
  const auto round = std::make_shared<Round>(hubs_.size(), std::move(done));
  for (Hub* const hub : hubs_) {
    parts_.cores.at(hub->parts_.core).post([this, hub, task, round] {
      task(*hub);
      parts_.cores.at(parts_.core).post([round] {
        if (--round->missing == 0) round->done();
      });
    });
  }
}

void Hub::order(Order order, std::move_only_function<void()> done) {
  // Shared because every core reads the same one.
  const auto shared = std::make_shared<const Order>(std::move(order));
  on_all([shared](Hub& hub) { hub.delivery_->carry_out(*shared); }, std::move(done));
}

void Hub::ban(Ban ban, std::move_only_function<void(bool)> done) {
  if (bans_->full(ban)) return done(false);
  Order cut{.whom = {.user = ban.subject}, .what = {}};
  switch (ban.kind) {
    case Ban::Kind::kUser: {
      const model::Disconnect& why = model::disconnects::kForceDisconnect;
      cut.what = DisconnectOrder{.code = why.code, .reason = std::string(why.reason)};
      break;
    }
    case Ban::Kind::kToken:
      cut.whom = {};
      cut.what = RevokeOrder{.token_id = ban.subject};
      break;
    case Ban::Kind::kUserTokens:
      cut.what = RevokeOrder{.issued_before = ban.issued_before};
      break;
  }
  const auto shared = std::make_shared<const std::pair<Ban, Order>>(std::move(ban), std::move(cut));
  on_all(
      [shared](Hub& hub) {
        hub.bans_->add(shared->first);
        hub.delivery_->carry_out(shared->second);
      },
      [done = std::move(done)]() mutable { done(true); });
}

void Hub::lift(Ban::Kind kind, std::string subject, std::move_only_function<void()> done) {
  on_all([kind, subject = std::move(subject)](Hub& hub) { hub.bans_->remove(kind, subject); },
         std::move(done));
}

void Hub::list(std::string pattern, std::move_only_function<void(Listed)> done) {
  // Shared by the cores, each of which fills its own.
  const auto parts = std::make_shared<std::vector<Listed>>(hubs_.size());
  on_all([parts, pattern = std::move(pattern)](
             Hub& hub) { (*parts)[hub.parts_.core.value()] = hub.home_->list(pattern); },
         [parts, done = std::move(done)]() mutable {
           Listed all;
           for (Listed& part : *parts) {
             all.complete = all.complete && part.complete;
             std::ranges::move(part.channels, std::back_inserter(all.channels));
           }
           if (all.channels.size() > kListedMax) {
             all.channels.resize(kListedMax);
             all.complete = false;
           }
           done(std::move(all));
         });
}

void Hub::count_users(std::move_only_function<void(size_t)> done) {
  const auto counts = std::make_shared<std::vector<size_t>>(hubs_.size());
  on_all([counts](Hub& hub) { (*counts)[hub.parts_.core.value()] = hub.home_->users(); },
         [counts, done = std::move(done)]() mutable {
           size_t sum = 0;
           for (const size_t count : *counts) sum += count;
           done(sum);
         });
}

void Hub::send_control(const Address& to, std::string bytes, Sent done) {
  if (!broker::is_node_uid(to.node))
    return done(base::fail(base::ErrorCode::kNotFound, "no node has such a uid"));
  parts_.broker.send_control(to, std::move(bytes), std::move(done));
}

void Hub::deliver_gathered() {
  home_->deliver_gathered();
}

// ---- Ways there and back ----

void Hub::refuse(const Ask& ask, const Refused& why) {
  std::visit([&](const auto& refused) { answer_to(ask, refused); }, why);
}

void Hub::answer_to(const Ask& ask, AnswerBody body) {
  delivery_->answer({.to = ask.from,
                     .id = ask.id,
                     .note = ask.note,
                     .channel = ask.channel,
                     .to_subscribe = std::holds_alternative<SubscribeAsk>(ask.body),
                     .body = std::move(body)});
}

base::CoreId Hub::home_of(std::string_view channel) const {
  return base::CoreId{static_cast<uint16_t>(base::StringHash{}(channel) % hubs_.size())};
}

// Publishing makes work for the home core and for those with subscribers, whichever these are.
bool Hub::behind() const {
  for (size_t core = 0; core < hubs_.size(); ++core) {
    const base::CoreId id{static_cast<uint16_t>(core)};
    if (parts_.cores.at(id).mailbox_depth() > parts_.options.mailbox_max) return true;
  }
  return false;
}

}  // namespace millrace::hub
