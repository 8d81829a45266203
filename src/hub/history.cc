// Reading a channel's log.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {
namespace {

// The most that one call of the server API lists; a backend pages on from there.
constexpr size_t kCallMax = 10'000;

}  // namespace

void Home::read(std::string_view channel, const ChannelOptions& options,
                const store::ReadOptions& how, Read done) {
  if (const auto reading = turn_reads_.find(channel, how)) {
    metrics().add(metrics::Counter::kHistoryReadsShared);
    if (!reading->result) return reading->waiting.push_back(std::move(done));
    return done(*reading->result);
  }
  metrics().add(metrics::Counter::kHistoryReads);
  const auto reading = turn_reads_.add(channel, how);
  reading->waiting.push_back(std::move(done));
  hub_.parts_.store.read(
      channel, options.log, how,
      [this, reading, name = std::string(channel)](base::Result<store::Page> page) {
        if (page) {
          reading->result = std::make_shared<const store::Page>(std::move(*page));
        } else {
          reading->result = base::fail(page);
          turn_reads_.forget(name);
        }
        for (Read& each : std::exchange(reading->waiting, {})) each(*reading->result);
      });
}

void Home::history(std::string_view channel, bool of_client, const HistoryAsk& what, Done done) {
  const size_t most = of_client ? hub_.parts_.options.history_max_publication_limit : kCallMax;
  store::ReadOptions how{.since = std::nullopt,
                         .limit = std::min(what.limit.value_or(most), most),
                         .reverse = what.reverse};
  std::string epoch;
  if (what.since) {
    how.since = what.since->offset;
    epoch = what.since->epoch;
  }
  read(channel, options_of(channel), how,
       [epoch = std::move(epoch),
        done = std::move(done)](const base::Result<SharedPage>& page) mutable {
         if (!page) {
           base::log::warn("a log could not be read", {{"error", page.error().message}});
           return done(model::errors::kInternal);
         }
         const store::Page& read = **page;
         if (!epoch.empty() && epoch != read.top.epoch)
           return done(model::errors::kUnrecoverablePosition);
         // Shares the page, and shows its publications.
         done(HistoryAnswer{.publications = {*page, &read.publications}, .top = read.top});
       });
}

void Home::remove_history(std::string_view channel, Done done) {
  hub_.parts_.store.remove(channel, [this, channel = std::string(channel),
                                     done = std::move(done)](base::Result<> result) mutable {
    turn_reads_.forget(channel);
    if (result) return done(HistoryRemoveAnswer{});
    base::log::warn("a log could not be emptied", {{"error", result.error().message}});
    done(model::errors::kInternal);
  });
}

}  // namespace millrace::hub
