// Whatever happens in whichever order: each subscriber sees the log's entries from its position on,
// in order, once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "hub/testing_faults.h"
#include "hub/testing_hub.h"

namespace millrace::hub {
namespace {

// A client that comes and goes, and keeps book of what it saw.
struct Client {
  enum class State : uint8_t { kAway, kAsked, kThere };
  size_t core = 0;
  std::string channel;
  State state = State::kAway;
  bool ever = false;         // it has a position
  bool interrupted = false;  // and must come back before it hears on
  model::Position position;
};

class StreamModel : public HubTest {
 protected:
  static constexpr size_t kClients = 24;
  static constexpr size_t kChannels = 4;

  void SetUp() override {}

  void put_between(CoreParts& core, base::Executor& executor) override {
    if (!faulty) return;
    core.broker_between = std::make_unique<FaultyBroker>(core.broker, executor, random, faults);
    core.store_between = std::make_unique<FarStore>(core.store, executor, random, faults);
  }

  void begin(uint64_t seed) {
    random = base::Prng(seed);
    start_with(with_history(100'000));
    options.recovery_max_publication_limit = 100'000;
    clients.clear();
    log.clear();
    published = 0;
    tops.clear();
    for (size_t i = 0; i < kClients; ++i)
      clients.push_back({.core = i % kCores, .channel = name(i % kChannels), .position = {}});
    for (size_t core = 0; core < kCores; ++core) {
      parts[core]->heard.on_answer = [this](const Answer& answer) { on_answer(answer); };
      parts[core]->heard.on_deliver = [this, core](std::string_view channel, auto events) {
        for (const Event& event : events) on_event(core, channel, event);
      };
    }
  }
  static std::string name(size_t channel) { return "c" + std::to_string(channel); }

  // ---- What clients do ----

  void come(size_t i) {
    Client& client = clients[i];
    if (client.state != Client::State::kAway) return;
    client.state = Client::State::kAsked;
    client.interrupted = false;
    SubscribeAsk what;
    if (client.ever) what = back_from(client.position);
    ask(client.core, static_cast<uint32_t>(i + 1), client.channel, std::move(what));
  }
  void go(size_t i) {
    Client& client = clients[i];
    if (client.state != Client::State::kThere) return;
    client.state = Client::State::kAway;
    ask(client.core, 0, client.channel, UnsubscribeAsk{});
  }
  void publish(size_t core, size_t channel) {
    ++tops[name(channel)];
    parts[core]->hub->call(name(channel), message(std::to_string(++published)),
                           [](const AnswerBody& answer) {
                             EXPECT_TRUE(std::holds_alternative<PublishAnswer>(answer));
                           });
  }
  void step() {
    const size_t what = random.below(100);
    if (what < 25) return come(random.below(kClients));
    if (what < 40) return go(random.below(kClients));
    if (what < 75) return publish(random.below(kCores), random.below(kChannels));
    if (what < 98) return cores.run_turn(random.below(kCores));
    if (what < 99) return cores.advance(base::Duration(static_cast<int64_t>(random.below(2'000))));
    if (random.below(20) == 0) parts_between_interrupted(random.below(kCores));
  }
  void parts_between_interrupted(size_t core) {
    // Where every bell rings some time, that alone has to do.
    if (faults.drop == 0) return;
    static_cast<FaultyBroker&>(*parts[core]->broker_between).on_interruption();
  }
  void settle() {
    cores.advance(20ms);
    // Nobody has to come, or to call, for the last bells to be heard.
    for (const Client& client : clients) {
      const bool up_to_date = client.state == Client::State::kThere && faults.drop == 0;
      if (up_to_date) {
        EXPECT_EQ(client.position.offset.value(), tops[client.channel]) << client.channel;
      }
    }
    for (int round = 0; round < 5; ++round) {
      for (size_t i = 0; i < kClients; ++i) come(i);
      for (size_t core = 0; core < kCores; ++core) parts_between_interrupted(core);
      cores.advance(20ms);
    }
  }

  // ---- What they see ----

  void saw(Client& client, const model::Publication& publication) {
    EXPECT_EQ(publication.offset.value(), client.position.offset.value() + 1) << client.channel;
    client.position.offset = publication.offset;
    const auto [entry, is_new] =
        log.try_emplace({client.channel, publication.offset.value()}, publication.data.view());
    EXPECT_EQ(entry->second, publication.data.view()) << "others saw something else there";
  }
  void on_answer(const Answer& answer) {
    if (!answer.to_subscribe) return;
    Client& client = clients[answer.id - 1];
    if (std::holds_alternative<model::ReplyError>(answer.body)) {
      ++refused;
      client.state = Client::State::kAway;
      return;
    }
    const auto& granted = std::get<SubscribeAnswer>(answer.body);
    client.state = Client::State::kThere;
    EXPECT_EQ(granted.was_recovering, client.ever);
    if (client.ever) {
      EXPECT_TRUE(granted.recovered) << "the log has everything";
      EXPECT_EQ(granted.position, client.position);
    }
    client.ever = true;
    client.position = granted.position;
    for (const model::Publication& each : granted.publications) saw(client, each);
  }
  void on_event(size_t core, std::string_view channel, const Event& event) {
    for (size_t i = 0; i < kClients; ++i) {
      Client& client = clients[i];
      const bool hears =
          client.core == core && client.channel == channel && client.state == Client::State::kThere;
      if (!hears) continue;
      if (event.kind == Event::Kind::kPublication) {
        saw(client, event.publication);
      } else {
        ++interrupted;
        go(i);
      }
    }
  }

  void expect_whole() {
    for (const auto& [channel, top] : tops) {
      parts[0]->hub->call(
          channel, HistoryAsk{.limit = 0}, [expected = top](const AnswerBody& answer) {
            const auto* history = std::get_if<HistoryAnswer>(&answer);
            ASSERT_NE(history, nullptr);
            EXPECT_EQ(history->top.offset.value(), expected) << "each was stored once";
          });
      cores.advance(20ms);
    }
    for (const Client& client : clients) {
      EXPECT_EQ(client.state, Client::State::kThere);
      EXPECT_EQ(client.position.offset.value(), tops[client.channel]) << client.channel;
    }
    for (size_t i = 0; i < kClients; ++i) go(i);
    cores.advance(20ms);
    EXPECT_EQ(channels(), 0U) << "nothing is left";
  }

  static uint64_t first_seed() {
    const char* const given = std::getenv("MILLRACE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  }
  // As many runs as a test can afford, each from the next seed.
  void run(uint64_t runs, size_t steps) {
    const uint64_t first = first_seed();
    for (uint64_t seed = first; seed < first + runs && !HasFailure(); ++seed) {
      SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
      begin(seed);
      for (size_t i = 0; i < steps; ++i) step();
      faults.fail_read = 0;
      settle();
      expect_whole();
    }
    RecordProperty("seed", std::to_string(first));
  }

  base::Prng random{1};
  bool faulty = false;
  Faults faults;
  std::vector<Client> clients;
  std::map<std::pair<std::string, uint64_t>, std::string> log;  // what anybody saw where
  uint64_t published = 0;
  std::map<std::string, uint64_t> tops;  // how many of them in each channel
  uint64_t refused = 0;
  uint64_t interrupted = 0;
};

TEST_F(StreamModel, subscribers_come_and_go_and_miss_nothing) {
  run(20, 2'000);
  EXPECT_EQ(refused, 0U);
  EXPECT_EQ(interrupted, 0U);
}

TEST_F(StreamModel, nothing_is_lost_where_the_store_is_far_away) {
  faulty = true;
  run(10, 2'000);
  EXPECT_EQ(refused, 0U);
  EXPECT_EQ(interrupted, 0U);
}

TEST_F(StreamModel, bells_may_ring_twice_late_and_out_of_order) {
  faulty = true;
  faults = {.repeat = 100, .delay = 500};
  run(20, 2'000);
  EXPECT_EQ(refused, 0U);
  EXPECT_EQ(interrupted, 0U);
}

TEST_F(StreamModel, bells_may_not_ring_at_all) {
  faulty = true;
  faults = {.drop = 100, .repeat = 100, .delay = 300};
  run(20, 2'000);
  EXPECT_EQ(refused, 0U);
  EXPECT_EQ(interrupted, 0U) << "the log could fill every gap";
  EXPECT_GT(total(metrics::Counter::kGapsFound), 0U);
  EXPECT_GT(total(metrics::Counter::kBellsRepeated), 0U);
}

TEST_F(StreamModel, a_log_that_cannot_be_read_refuses_or_interrupts_and_loses_nothing) {
  faulty = true;
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 10 && !HasFailure(); ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    faults = {.drop = 100, .repeat = 100, .delay = 300, .fail_read = 200};
    begin(seed);
    for (size_t i = 0; i < 2'000; ++i) step();
    faults.fail_read = 0;
    settle();
    expect_whole();
  }
  EXPECT_GT(refused, 0U);
  EXPECT_GT(interrupted, 0U);
}

}  // namespace
}  // namespace millrace::hub
