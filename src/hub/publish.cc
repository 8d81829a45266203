// May they? Then to the channel's home core, which rings the broker; the bell comes back through
// delivery.cc, to this node too.
#include <utility>

#include "base/log.h"
#include "hub/home.h"
#include "hub/hub.h"

namespace millrace::hub {
namespace {

bool fits(DataFormat format, const PublishAsk& what) {
  switch (format) {
    case DataFormat::kAny:
    case DataFormat::kBinary:
      return true;
    case DataFormat::kJson:
      return what.is_json;
    case DataFormat::kJsonObject: {
      const std::string_view data = what.data.view();
      const size_t first = data.find_first_not_of(" \t\r\n");
      return what.is_json && first != std::string_view::npos && data[first] == '{';
    }
  }
  return false;
}

}  // namespace

Hub::Verdict Hub::may_publish(const Ask& ask, const PublishAsk& what) const {
  const auto resolved = parts_.options.namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  const bool known = !ask.who->user.empty() || options.allow_publish_for_anonymous;
  const bool allowed = known && (options.allow_publish_for_client ||
                                 (options.allow_publish_for_subscriber && what.subscribed));
  if (!allowed && !parts_.options.insecure) return model::errors::kPermissionDenied;
  if (what.data.empty() || !fits(options.publication_data_format, what))
    return model::errors::kBadRequest;
  if (behind()) return model::errors::kTooManyRequests;
  return std::nullopt;
}

void Hub::publish_as(Ask ask, PublishAsk what) {
  model::Publication publication{.data = std::move(what.data),
                                 .info = std::move(ask.who),
                                 .is_json = what.is_json,
                                 .received = what.received};
  parts_.metrics.add(metrics::Counter::kPublishes);
  const base::CoreId home = home_of(ask.channel);
  at_home(home, [ask = std::move(ask), publication = std::move(publication)](Home& at) mutable {
    const std::string to = ask.channel;
    at.publish(to, std::move(publication), [&at, ask = std::move(ask)](Verdict verdict) {
      if (ask.id == 0) return;
      if (verdict) return at.reply(ask, *verdict);
      at.reply(ask, PublishAnswer{});
    });
  });
}

void Hub::publish(std::string channel, PublishAsk what, Published done) {
  const auto resolved = parts_.options.namespaces.resolve(channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return done(*error);
  if (what.data.empty()) return done(model::errors::kBadRequest);
  if (behind()) return done(model::errors::kTooManyRequests);
  parts_.metrics.add(metrics::Counter::kPublishes);
  model::Publication publication{
      .data = std::move(what.data), .is_json = what.is_json, .received = what.received};
  const base::CoreId home = home_of(channel);
  at_home(home, [this, channel = std::move(channel), publication = std::move(publication),
                 done = std::move(done)](Home& at) mutable {
    at.publish(channel, std::move(publication),
               [this, &at, done = std::move(done)](Verdict verdict) mutable {
                 at.back_to(parts_.core,
                            [done = std::move(done), verdict]() mutable { done(verdict); });
               });
  });
}

void Home::publish(std::string_view channel, model::Publication publication, Hub::Published done) {
  hub_.parts_.broker.publish(
      channel, std::move(publication), [done = std::move(done)](base::Result<> result) mutable {
        if (result) return done(std::nullopt);
        base::log::warn("broker refused a publication", {{"error", result.error().message}});
        done(model::errors::kInternal);
      });
}

}  // namespace millrace::hub
