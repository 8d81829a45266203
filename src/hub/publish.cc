// On the channel's home core: the store numbers and remembers the publication, then the broker's
// bell is rung; it comes back through delivery.cc, to this node too.
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {
namespace {

using namespace std::chrono_literals;

// A channel without history remembers idempotency keys and versions in a log of its own, whose
// publications nobody reads. Its name is none that a channel can have: it would be of a namespace
// whose name is not allowed.
constexpr store::LogOptions kKeysOnly{
    .history_size = 1, .history_ttl = 1s, .meta_ttl = std::chrono::minutes(5)};

std::string keys_log_of(std::string_view channel) {
  constexpr std::string_view kPrefix("\0keys:", 6);
  return std::string(kPrefix) + std::string(channel);
}

}  // namespace

void Home::publish(const std::string& channel, std::shared_ptr<const model::ClientInfo> who,
                   PublishAsk what, Done done) {
  const ChannelOptions& options = options_of(channel);
  const bool keeps = options.keeps_history() && !what.skip_history;
  const bool remembers = !what.idempotency_key.empty() || what.version != 0;
  if (who != nullptr) who = info_of(who, what.chan_info);
  broker::Published published{.publication = {.offset = {},
                                              .data = std::move(what.data),
                                              .info = std::move(who),
                                              .tags = std::move(what.tags),
                                              .is_json = what.is_json,
                                              .received = what.received},
                              .epoch = {},
                              .delta = what.delta.value_or(options.delta_publish),
                              .exclude = std::move(what.exclude)};
  if (!keeps && !remembers) return ring(channel, std::move(published), {}, std::move(done));

  store::AppendOptions how;
  how.idempotency_key = std::move(what.idempotency_key);
  how.version = what.version;
  how.version_epoch = std::move(what.version_epoch);
  model::Publication kept = keeps ? published.publication : model::Publication{};
  hub_.parts_.store.append(
      keeps ? channel : keys_log_of(channel), std::move(kept), keeps ? options.log : kKeysOnly,
      std::move(how),
      [this, channel, keeps, published = std::move(published),
       done = std::move(done)](base::Result<store::Appended> appended) mutable {
        if (!appended) {
          base::log::warn("a publication could not be stored",
                          {{"channel", channel}, {"error", appended.error().message}});
          return done(model::errors::kInternal);
        }
        PublishAnswer answer;
        if (keeps) answer.position = appended->position;
        if (appended->suppressed) {
          metrics().add(metrics::Counter::kSuppressed);
          return done(std::move(answer));
        }
        turn_reads_.forget(channel);
        published.publication.offset = answer.position.offset;
        published.epoch = answer.position.epoch;
        ring(channel, std::move(published), std::move(answer), std::move(done));
      });
}

void Home::ring(std::string_view channel, broker::Published published, PublishAnswer answer,
                Done done) {
  metrics().add(metrics::Counter::kPublishes);
  hub_.parts_.broker.publish(channel, std::move(published),
                             [this, name = std::string(channel), answer = std::move(answer),
                              done = std::move(done)](base::Result<> result) mutable {
                               if (result) return done(std::move(answer));
                               base::log::warn("broker refused a publication",
                                               {{"error", result.error().message}});
                               if (answer.position.epoch.empty())
                                 return done(model::errors::kInternal);
                               // What the log has is published: this node's subscribers get it from
                               // there, and other nodes' when they hear of the next.
                               look(name);
                               done(std::move(answer));
                             });
}

}  // namespace millrace::hub
