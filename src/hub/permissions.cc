// What a client may do, by the options of its channel. The order of the checks is that of the
// Centrifuge protocol, and what they allow is what Centrifugo's options of these names do.
#include "hub/hub.h"

namespace millrace::hub {
namespace {

namespace errors = model::errors;

// The rule that publishing, presence and history share.
bool allows(bool client, bool subscriber, bool anonymous, std::string_view user, bool subscribed) {
  if (user.empty() && !anonymous) return false;
  return client || (subscriber && subscribed);
}

bool allows_presence(const ChannelOptions& options, std::string_view user, bool subscribed) {
  return allows(options.allow_presence_for_client, options.allow_presence_for_subscriber,
                options.allow_presence_for_anonymous, user, subscribed);
}

bool allows_history(const ChannelOptions& options, std::string_view user, bool subscribed) {
  return allows(options.allow_history_for_client, options.allow_history_for_subscriber,
                options.allow_history_for_anonymous, user, subscribed);
}

}  // namespace

bool Hub::fits(DataFormat format, const PublishAsk& what) {
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

Hub::Verdict Hub::may_subscribe(const Ask& ask, const SubscribeAsk& what) const {
  const Namespaces& namespaces = parts_.options.namespaces;
  const auto resolved = namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  if (what.server_side) return std::nullopt;
  if (what.filtered && !options.allow_tags_filter) return errors::kBadRequest;
  if (!what.token.empty()) return std::nullopt;  // the token says it, when it was verified
  if (namespaces.is_private(ask.channel)) return errors::kPermissionDenied;
  const std::optional<bool> listed = namespaces.allows_user(ask.channel, ask.who->user);
  if (options.allow_user_limited_channels && listed) {
    return *listed ? Verdict{} : errors::kPermissionDenied;
  }
  const bool known = !ask.who->user.empty() || options.allow_subscribe_for_anonymous;
  if (options.allow_subscribe_for_client && known && !listed) return std::nullopt;
  if (parts_.options.insecure) return std::nullopt;
  return errors::kPermissionDenied;
}

// What a subscriber asked for and may have, or gets without asking.
void Hub::negotiate(const Ask& ask, SubscribeAsk& what) const {
  const ChannelOptions& options = parts_.options.namespaces.options_of(ask.channel);
  const bool insecure = parts_.options.insecure;
  const bool history = what.server_side || insecure || allows_history(options, ask.who->user, true);
  const bool presence =
      what.server_side || insecure || allows_presence(options, ask.who->user, true);
  const bool force_recovery = what.override.force_recovery.value_or(options.force_recovery);
  const bool force_positioning =
      what.override.force_positioning.value_or(options.force_positioning);
  const bool keeps = options.keeps_history();
  what.recoverable =
      keeps && (force_recovery || (what.recoverable && (options.allow_recovery || history)));
  what.positioned = keeps && (what.recoverable || force_positioning ||
                              (what.positioned && (options.allow_positioning || history)));
  what.recover = what.recover && what.recoverable;
  const bool forced_joins =
      what.override.force_push_join_leave.value_or(options.force_push_join_leave);
  what.present = what.override.presence.value_or(options.presence);
  what.announced = what.override.join_leave.value_or(options.join_leave);
  what.join_leave = what.announced && (forced_joins || (what.join_leave && presence));
  what.delta = what.delta && options.allow_delta;
}

Hub::Verdict Hub::may_publish(const Ask& ask, const PublishAsk& what) const {
  const auto resolved = parts_.options.namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  const bool allowed =
      allows(options.allow_publish_for_client, options.allow_publish_for_subscriber,
             options.allow_publish_for_anonymous, ask.who->user, what.subscribed);
  if (!allowed && !parts_.options.insecure) return errors::kPermissionDenied;
  if (what.data.empty() || !fits(options.publication_data_format, what)) return errors::kBadRequest;
  if (behind()) return errors::kTooManyRequests;
  return std::nullopt;
}

Hub::Verdict Hub::may_see_presence(const Ask& ask, const PresenceAsk& what) const {
  const auto resolved = parts_.options.namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  if (!options.presence) return errors::kNotAvailable;
  const bool allowed = allows_presence(options, ask.who->user, what.subscribed);
  return allowed || parts_.options.insecure ? Verdict{} : errors::kPermissionDenied;
}

Hub::Verdict Hub::may_see_history(const Ask& ask, const HistoryAsk& what) const {
  const auto resolved = parts_.options.namespaces.resolve(ask.channel);
  if (const auto* error = std::get_if<model::ReplyError>(&resolved)) return *error;
  const ChannelOptions& options = *std::get<const ChannelOptions*>(resolved);
  if (!options.keeps_history()) return errors::kNotAvailable;
  const bool allowed = allows_history(options, ask.who->user, what.subscribed);
  if (!allowed && !parts_.options.insecure) return errors::kPermissionDenied;
  const bool before_the_first = what.reverse && what.since && what.since->offset.value() == 0;
  return before_the_first ? errors::kBadRequest : Verdict{};
}

}  // namespace millrace::hub
