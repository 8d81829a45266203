// For tests: hubs of several cores with a real memory broker and store, on cores that run when told
// to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/manual_executor.h"
#include "base/random.h"
#include "broker/memory/memory.h"
#include "hub/hub.h"
#include "store/memory/memory.h"

namespace millrace::hub {

using namespace std::chrono_literals;  // NOLINT: for tests only
using Lines = std::vector<std::string>;

// An answer in words: what was asked for and what came of it.
inline std::string to_text(const AnswerBody& body) {
  const auto words = [](const std::vector<model::Publication>& publications) {
    std::string text;
    for (const model::Publication& each : publications)
      text += " " + std::to_string(each.offset.value()) + "=" + std::string(each.data.view());
    return text;
  };
  if (const auto* error = std::get_if<model::ReplyError>(&body))
    return "error " + std::to_string(error->code);
  if (const auto* disconnect = std::get_if<model::Disconnect>(&body))
    return "disconnect " + std::to_string(disconnect->code);
  if (const auto* connected = std::get_if<ConnectAnswer>(&body))
    return "connected " + connected->user;
  if (const auto* away = std::get_if<TurnedAway>(&body)) return "turned away: " + away->text;
  if (std::holds_alternative<RefreshAnswer>(body)) return "refreshed";
  if (std::holds_alternative<SubRefreshAnswer>(body)) return "sub refreshed";
  if (std::holds_alternative<UnsubscribeAnswer>(body)) return "unsubscribed";
  if (std::holds_alternative<HistoryRemoveAnswer>(body)) return "removed";
  if (const auto* answer = std::get_if<SubscribeAnswer>(&body)) {
    std::string text = "subscribed";
    if (answer->positioned) text += " at " + std::to_string(answer->position.offset.value());
    if (answer->was_recovering) text += answer->recovered ? " recovered" : " unrecovered";
    return text + words(answer->publications);
  }
  if (const auto* published = std::get_if<PublishAnswer>(&body)) {
    const bool numbered = !published->position.epoch.empty();
    return "published" + (numbered ? " " + std::to_string(published->position.offset.value()) : "");
  }
  if (const auto* presence = std::get_if<PresenceAnswer>(&body)) {
    Lines clients;
    for (const auto& member : presence->members) clients.push_back(member->client);
    std::ranges::sort(clients);
    std::string text = "present";
    for (const std::string& client : clients) text += " " + client;
    return text;
  }
  if (const auto* stats = std::get_if<PresenceStatsAnswer>(&body))
    return std::to_string(stats->clients) + " clients " + std::to_string(stats->users) + " users";
  const auto& history = std::get<HistoryAnswer>(body);
  return "history to " + std::to_string(history.top.offset.value()) + words(*history.publications);
}

// An event in words, after its channel's name.
inline std::string to_text(const Event& event) {
  const model::Publication& publication = event.publication;
  switch (event.kind) {
    case Event::Kind::kPublication:
      return std::string(publication.data.view());
    case Event::Kind::kJoin:
      return "+" + publication.info->client;
    case Event::Kind::kLeave:
      return "-" + publication.info->client;
    case Event::Kind::kInterruption:
      return "interruption";
  }
  return {};
}

// What the edge of one core heard, in order, as text; whoever wants to may listen in.
struct Heard final : Delivery {
  void deliver(std::string_view channel, std::span<const Event> batch) override {
    std::string line = std::string(channel) + ":";
    for (const Event& event : batch) {
      line += " " + to_text(event);
      events.push_back(event);
    }
    lines.push_back(line);
    if (on_deliver) on_deliver(channel, batch);
  }
  void carry_out(const Order& order) override {
    lines.push_back("order for " + order.whom.user);
    orders.push_back(order);
  }
  void answer(Answer answer) override {
    lines.push_back(std::to_string(answer.id) + " " + to_text(answer.body));
    answers.push_back(std::move(answer));
    if (on_answer) on_answer(answers.back());
  }
  void on_control(std::string_view bytes) override {
    lines.push_back("control " + std::string(bytes));
  }
  Lines take() { return std::exchange(lines, {}); }

  Lines lines;
  std::vector<Event> events;
  std::vector<Answer> answers;
  std::vector<Order> orders;
  std::function<void(std::string_view, std::span<const Event>)> on_deliver;
  std::function<void(const Answer&)> on_answer;
};

class HubTest : public testing::Test {
 protected:
  static constexpr size_t kCores = 3;

  struct CoreParts {
    CoreParts(base::Executor& executor, const auth::Options& keys)
        : random(executor.core().value() + 1U),
          broker(broker::Address{.node = "node", .core = executor.core()}),
          store(executor, random, metrics, {}),
          tokens(
              executor, keys, [](const std::string&, auto) {},
              [] { return base::wall_clock_ms() / 1000; }) {}
    metrics::Core metrics;
    base::Prng random;
    broker::memory::MemoryBroker broker;
    store::memory::MemoryStore store;
    auth::Verifier tokens;
    // What a test puts between these and the hub; null: nothing.
    std::unique_ptr<broker::Broker> broker_between;
    std::unique_ptr<store::Store> store_between;
    std::unique_ptr<Hub> hub;
    Heard heard;
  };

  virtual void put_between(CoreParts&, base::Executor&) {}
  // Whom the hub of a core asks about clients without a token; null: nobody.
  virtual Backend* backend_of(size_t) { return nullptr; }

  // Hubs with these options; what there was is gone.
  void start(Options given, auth::Options given_keys = {}) {
    for (const auto& core : parts) core->hub.reset();
    parts.clear();
    options = std::move(given);
    keys = std::move(given_keys);
    std::vector<Hub*> hubs;
    for (size_t i = 0; i < kCores; ++i) {
      parts.push_back(std::make_unique<CoreParts>(cores.at(i), keys));
      CoreParts& core = *parts.back();
      put_between(core, cores.at(i));
      core.hub = std::make_unique<Hub>(
          Hub::Parts{.cores = cores.cores(),
                     .core = base::CoreId{static_cast<uint16_t>(i)},
                     .broker = core.broker_between != nullptr ? *core.broker_between : core.broker,
                     .store = core.store_between != nullptr ? *core.store_between : core.store,
                     .connection_tokens = core.tokens,
                     .subscription_tokens = core.tokens,
                     .metrics = core.metrics,
                     .options = options,
                     .backend = backend_of(i)});
      hubs.push_back(core.hub.get());
    }
    for (const auto& core : parts) core->hub->connect(hubs, core->heard);
  }
  // Where everybody may do everything, and channels are of these options.
  void start_with(ChannelOptions channels) {
    Options open;
    open.insecure = true;
    open.namespaces = Namespaces({}, std::move(channels), {});
    start(std::move(open));
  }
  void SetUp() override { start_with({}); }

  static ChannelOptions with_history(size_t size = 100) {
    return {.log = {.history_size = size, .history_ttl = 60s, .meta_ttl = 1h},
            .force_positioning = true,
            .force_recovery = true};
  }

  // Asks as `client` of `user`, on a core; the answer's id is `id`.
  void ask(size_t core, uint32_t id, std::string channel, AskBody body, std::string user = "",
           std::string client = "client") {
    auto who = std::make_shared<model::ClientInfo>();
    who->user = std::move(user);
    who->client = std::move(client);
    parts[core]->hub->ask({.from = {base::CoreId{static_cast<uint16_t>(core)}, 0, 1},
                           .id = id,
                           .channel = std::move(channel),
                           .who = std::move(who),
                           .body = std::move(body)});
  }
  // Asks, and says what the answer was; nothing else that was heard is kept.
  std::string outcome(size_t core, std::string channel, AskBody body, std::string user = "",
                      std::string client = "client") {
    heard(core);
    const size_t before = parts[core]->heard.answers.size();
    ask(core, 1, std::move(channel), std::move(body), std::move(user), std::move(client));
    cores.run_until_idle();
    heard(core);
    const std::vector<Answer>& answers = parts[core]->heard.answers;
    return answers.size() == before ? "no answer" : to_text(answers[before].body);
  }
  // The server API's answer.
  std::string call(size_t core, std::string channel, AskBody body) {
    std::string text;
    parts[core]->hub->call(std::move(channel), std::move(body),
                           [&text](const AnswerBody& answer) { text = to_text(answer); });
    cores.run_until_idle();
    return text;
  }
  static PublishAsk message(std::string_view data) {
    return {.data = base::SharedBytes::copy_of(data)};
  }
  // Of a subscriber that left at this position.
  static SubscribeAsk back_from(model::Position since) {
    return {.recoverable = true, .recover = true, .since = std::move(since)};
  }
  void publish(const std::string& channel, const Lines& data) {
    for (const std::string& each : data) call(0, channel, message(each));
  }
  std::string epoch_of(const std::string& channel) {
    std::string epoch;
    parts[0]->hub->call(channel, HistoryAsk{.limit = 0}, [&epoch](const AnswerBody& answer) {
      epoch = std::get<HistoryAnswer>(answer).top.epoch;
    });
    cores.run_until_idle();
    return epoch;
  }

  Lines heard(size_t core) { return parts[core]->heard.take(); }
  size_t channels() const {
    size_t sum = 0;
    for (const auto& core : parts) sum += core->hub->channels();
    return sum;
  }
  template <class Metric>
  auto total(Metric metric) const {
    decltype(parts[0]->metrics.value(metric)) sum = 0;
    for (const auto& core : parts) sum += core->metrics.value(metric);
    return sum;
  }

  base::ManualCores cores{kCores};
  Options options;
  auth::Options keys;
  std::vector<std::unique_ptr<CoreParts>> parts;
};

}  // namespace millrace::hub
