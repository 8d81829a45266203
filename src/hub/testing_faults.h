// For tests: a broker and a store whose engines are far away and not to be trusted, around real
// ones.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/executor.h"
#include "base/random.h"
#include "broker/broker.h"
#include "store/store.h"

namespace millrace::hub {

// What goes wrong, each in so many of a thousand cases.
struct Faults {
  uint64_t drop = 0;                // a bell is not rung
  uint64_t repeat = 0;              // it is rung twice
  uint64_t delay = 0;               // it is rung late, and so out of order
  uint64_t fail_read = 0;           // the store can't be read
  base::Duration delay_max{1'000};  // of bells, and of the store's answers
};

// Rings as the broker within does, or worse. Only publications: joins and leaves have no log.
class FaultyBroker final : public broker::Broker, public broker::Sink {
 public:
  FaultyBroker(broker::Broker& within, base::Executor& executor, base::Random& random,
               const Faults& faults)
      : within_(within), executor_(executor), random_(random), faults_(faults) {}

  void set_sink(broker::Sink& sink) override {
    sink_ = &sink;
    within_.set_sink(*this);
  }
  void subscribe(std::string_view channel, broker::Done done) override {
    within_.subscribe(channel, [this, done = std::move(done)](base::Result<> result) mutable {
      executor_.post([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    });
  }
  void unsubscribe(std::string_view channel) override { within_.unsubscribe(channel); }
  void publish(std::string_view channel, broker::Message message, broker::Done done) override {
    within_.publish(channel, std::move(message), std::move(done));
  }
  const broker::Address& address() const override { return within_.address(); }
  void send_control(const broker::Address& to, std::string bytes, broker::Done done) override {
    within_.send_control(to, std::move(bytes), std::move(done));
  }
  base::Result<> health() const override { return within_.health(); }

  void on_message(std::string_view channel, const broker::Message& message) override {
    if (!std::holds_alternative<broker::Published>(message))
      return sink_->on_message(channel, message);
    if (happens(faults_.drop)) return;
    ring(channel, message);
    if (happens(faults_.repeat)) ring(channel, message);
  }
  void on_control(std::string_view bytes) override { sink_->on_control(bytes); }
  void on_interruption() override { sink_->on_interruption(); }

 private:
  bool happens(uint64_t of_thousand) { return random_.below(1'000) < of_thousand; }
  void ring(std::string_view channel, const broker::Message& message) {
    if (!happens(faults_.delay)) return sink_->on_message(channel, message);
    const auto late =
        static_cast<int64_t>(random_.below(static_cast<uint64_t>(faults_.delay_max.count())));
    executor_.after(base::Duration(late), [this, name = std::string(channel), message] {
      sink_->on_message(name, message);
    });
  }

  broker::Broker& within_;
  base::Executor& executor_;
  base::Random& random_;
  const Faults& faults_;
  broker::Sink* sink_ = nullptr;
};

// Answers in later turns. It is asked in order, and answers appends in order; reads it answers on
// another way, so that what was appended since may be heard of first, as from other nodes.
class FarStore final : public store::Store {
 public:
  FarStore(store::Store& within, base::Executor& executor, base::Random& random,
           const Faults& faults)
      : within_(within), executor_(executor), random_(random), faults_(faults) {}

  void append(std::string_view channel, model::Publication publication,
              const store::LogOptions& log, store::AppendOptions options,
              store::Done<store::Appended> done) override {
    travel([this, name = std::string(channel), publication = std::move(publication), log,
            options = std::move(options), done = std::move(done)]() mutable {
      within_.append(name, std::move(publication), log, std::move(options),
                     back(back_, std::move(done)));
    });
  }
  void read(std::string_view channel, const store::LogOptions& log,
            const store::ReadOptions& options, store::Done<store::Page> done) override {
    travel([this, name = std::string(channel), log, options, done = std::move(done)]() mutable {
      if (random_.below(1'000) < faults_.fail_read)
        return back(read_back_,
                    std::move(done))(base::fail(base::ErrorCode::kUnavailable, "far away"));
      within_.read(name, log, options, back(read_back_, std::move(done)));
    });
  }
  void remove(std::string_view channel, store::Done<void> done) override {
    travel([this, name = std::string(channel), done = std::move(done)]() mutable {
      within_.remove(name, back(back_, std::move(done)));
    });
  }
  base::Result<> health() const override { return within_.health(); }

 private:
  // One way of a connection, on which nothing overtakes.
  void travel(base::Task task) { there_ = arrive(there_, std::move(task)); }
  template <class T>
  store::Done<T> back(base::MonotonicTime& way, store::Done<T> done) {
    return [this, &way, done = std::move(done)](base::Result<T> result) mutable {
      way = arrive(way, [done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    };
  }
  base::MonotonicTime arrive(base::MonotonicTime last, base::Task task) {
    const auto late =
        static_cast<int64_t>(random_.below(static_cast<uint64_t>(faults_.delay_max.count())));
    const base::MonotonicTime at = std::max(last, executor_.now() + base::Duration(late));
    executor_.after(at - executor_.now(), std::move(task));
    return at;
  }

  store::Store& within_;
  base::Executor& executor_;
  base::Random& random_;
  const Faults& faults_;
  base::MonotonicTime there_;
  base::MonotonicTime back_;
  base::MonotonicTime read_back_;
};

}  // namespace millrace::hub
