#include <memory>
#include <utility>

#include "api/results.h"
#include "api/run.h"
#include "base/clock.h"

namespace millrace::api {
namespace {

Outcome published(const hub::AnswerBody& body) {
  const auto* const answer = std::get_if<hub::PublishAnswer>(&body);
  if (answer == nullptr) return not_answered(body);
  return publish_result(answer->position);
}

}  // namespace

void run(const Parts& parts, Publish call, Done done) {
  call.what.received = base::monotonic_now();
  parts.hub.call(
      std::move(call.channel), std::move(call.what),
      [done = std::move(done)](const hub::AnswerBody& body) mutable { done(published(body)); });
}

// The channels have homes on different cores: each answers when it can, and the last one completes
// the list.
void run(const Parts& parts, Broadcast call, Done done) {
  struct Responses {
    std::vector<Outcome> outcomes;
    size_t missing;
    Done done;
    void take(size_t at, Outcome outcome) {
      outcomes[at] = std::move(outcome);
      if (--missing == 0) done(broadcast_result(outcomes));
    }
  };
  const size_t count = call.channels.size();
  // Shared by the answers that are still to come.
  const auto responses =
      std::make_shared<Responses>(std::vector<Outcome>(count), count, std::move(done));
  call.what.received = base::monotonic_now();
  for (size_t i = 0; i < count; ++i) {
    if (call.channels[i].empty()) {
      responses->take(
          i, std::unexpected(failure(model::errors::kBadRequest, "a channel needs a name")));
      continue;
    }
    parts.hub.call(
        std::move(call.channels[i]), call.what,
        [responses, i](const hub::AnswerBody& body) { responses->take(i, published(body)); });
  }
}

}  // namespace millrace::api
