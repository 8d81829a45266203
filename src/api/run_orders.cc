#include <utility>

#include "api/run.h"

namespace millrace::api {
namespace {

// The channel that an order is about, "" for none or all of them.
std::string_view channel_of(const hub::Order& order) {
  if (const auto* const subscribe = std::get_if<hub::SubscribeOrder>(&order.what)) {
    return subscribe->channel;
  }
  if (const auto* const unsubscribe = std::get_if<hub::UnsubscribeOrder>(&order.what)) {
    return unsubscribe->channel;
  }
  return {};
}

constexpr const char* kNothing = "{}";

}  // namespace

// Nobody's permission is asked, but a channel has to be one that could be.
void run(const Parts& parts, hub::Order call, Done done) {
  const std::string_view channel = channel_of(call);
  if (!channel.empty()) {
    const auto resolved = parts.namespaces.resolve(channel);
    if (const auto* const error = std::get_if<model::ReplyError>(&resolved)) {
      return done(std::unexpected(failure(*error)));
    }
  }
  parts.hub.order(std::move(call), [done = std::move(done)]() mutable { done(kNothing); });
}

void run(const Parts& parts, hub::Ban call, Done done) {
  parts.hub.ban(std::move(call), [done = std::move(done)](bool room) mutable {
    if (room) return done(kNothing);
    done(std::unexpected(failure(model::errors::kLimitExceeded, "too many are shut out")));
  });
}

void run(const Parts& parts, Lift call, Done done) {
  parts.hub.lift(call.kind, std::move(call.subject),
                 [done = std::move(done)]() mutable { done(kNothing); });
}

}  // namespace millrace::api
