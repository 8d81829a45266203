#include <utility>

#include "api/results.h"
#include "api/run.h"

namespace millrace::api {

void run(const Parts& parts, Presence call, Done done) {
  hub::PresenceAsk ask{.stats_only = call.stats_only};
  parts.hub.call(std::move(call.channel), ask,
                 [done = std::move(done)](const hub::AnswerBody& body) mutable {
                   if (const auto* members = std::get_if<hub::PresenceAnswer>(&body)) {
                     return done(presence_result(*members));
                   }
                   if (const auto* stats = std::get_if<hub::PresenceStatsAnswer>(&body)) {
                     return done(presence_stats_result(*stats));
                   }
                   done(not_answered(body));
                 });
}

void run(const Parts& parts, History call, Done done) {
  parts.hub.call(std::move(call.channel), std::move(call.what),
                 [done = std::move(done)](const hub::AnswerBody& body) mutable {
                   const auto* const answer = std::get_if<hub::HistoryAnswer>(&body);
                   if (answer == nullptr) return done(not_answered(body));
                   done(history_result(*answer));
                 });
}

void run(const Parts& parts, HistoryRemove call, Done done) {
  parts.hub.call(std::move(call.channel), hub::HistoryRemoveAsk{},
                 [done = std::move(done)](const hub::AnswerBody& body) mutable {
                   if (!std::holds_alternative<hub::HistoryRemoveAnswer>(body)) {
                     return done(not_answered(body));
                   }
                   done("{}");
                 });
}

// All of them or an error: a backend would take a part for the whole.
void run(const Parts& parts, Channels call, Done done) {
  parts.hub.list(
      std::move(call.pattern), [done = std::move(done)](const hub::Hub::Listed& listed) mutable {
        if (listed.complete) return done(channels_result(listed.channels));
        done(std::unexpected(
            failure(model::errors::kLimitExceeded,
                    "more channels match than can be listed; ask with a narrower pattern")));
      });
}

void run(const Parts& parts, Info, Done done) {
  parts.hub.count_users([&parts, done = std::move(done)](size_t users) mutable {
    done(info_result(parts.node(), users));
  });
}

}  // namespace millrace::api
