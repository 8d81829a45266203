#include "api/run.h"

#include <memory>
#include <utility>

#include "base/assert.h"

namespace millrace::api {
namespace {

using metrics::Counter;

static_assert(static_cast<size_t>(Counter::kApiInvalidateUserTokens) -
                      static_cast<size_t>(Counter::kApiPublish) + 1 ==
                  kMethods,
              "a counter for each method, in the same order");

Counter counter_of(Method method) {
  return static_cast<Counter>(static_cast<size_t>(Counter::kApiPublish) +
                              static_cast<size_t>(method));
}

// The work on the commands of one request. Shared with the `done` of every command that runs.
class Work : public std::enable_shared_from_this<Work> {
 public:
  using AllDone = std::move_only_function<void(std::vector<Outcome>)>;

  Work(const Parts& parts, std::vector<Command> commands, bool parallel, AllDone done)
      : parts_(parts),
        commands_(std::move(commands)),
        outcomes_(commands_.size()),
        running_max_(parallel ? commands_.size() : 1),
        done_(std::move(done)) {}

  // Starts what may run now. A command that is done before run_command() returns does not start the
  // next one from within: a thousand of them would be as deep on the stack.
  void advance() {
    if (std::exchange(advancing_, true)) return;
    while (next_ < commands_.size() && running_ < running_max_) {
      const size_t at = next_++;
      ++running_;
      run_command(parts_, std::move(commands_[at]),
                  [self = shared_from_this(), at](Outcome outcome) {
                    self->outcomes_[at] = std::move(outcome);
                    --self->running_;
                    self->advance();
                  });
    }
    advancing_ = false;
    if (next_ == commands_.size() && running_ == 0 && done_) {
      std::exchange(done_, nullptr)(std::move(outcomes_));
    }
  }

 private:
  const Parts& parts_;
  std::vector<Command> commands_;
  std::vector<Outcome> outcomes_;
  const size_t running_max_;
  AllDone done_;
  size_t next_ = 0;
  size_t running_ = 0;
  bool advancing_ = false;
};

}  // namespace

void run_command(const Parts& parts, Command command, Done done) {
  parts.metrics.add(command.method ? counter_of(*command.method) : Counter::kApiOther);
  Done counted = [&metrics = parts.metrics, done = std::move(done)](Outcome outcome) mutable {
    if (!outcome) metrics.add(metrics::CodeCounter::kApiErrors, outcome.error().code);
    done(std::move(outcome));
  };
  if (!command.call) return counted(std::unexpected(std::move(command.call.error())));
  std::visit([&](auto& call) { run(parts, std::move(call), std::move(counted)); }, *command.call);
}

void run_all(const Parts& parts, std::vector<Command> commands, bool parallel,
             std::move_only_function<void(std::vector<Outcome>)> done) {
  std::make_shared<Work>(parts, std::move(commands), parallel, std::move(done))->advance();
}

std::unexpected<Failure> not_answered(const hub::AnswerBody& body) {
  if (const auto* const error = std::get_if<model::ReplyError>(&body)) {
    return std::unexpected(failure(*error));
  }
  return std::unexpected(failure(model::errors::kInternal));
}

}  // namespace millrace::api
