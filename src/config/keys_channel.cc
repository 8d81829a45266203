// The options of a namespace, as channel.without_namespace and each of channel.namespaces have
// them.
#include <chrono>
#include <utility>

#include "config/bind.h"
#include "config/keys.h"

namespace millrace::config {
namespace {

using namespace std::chrono_literals;
using ChannelKeys = std::vector<Key<ChannelOptions>>;

constexpr int64_t kHistorySizeMax = 100'000'000;

void add_permissions(ChannelKeys& keys) {
  using Options = ChannelOptions;
  add<&Options::allow_subscribe_for_client>(keys, "allow_subscribe_for_client",
                                            "Every client with a user may subscribe.");
  add<&Options::allow_subscribe_for_anonymous>(
      keys, "allow_subscribe_for_anonymous",
      "With allow_subscribe_for_client: clients without a user may, too.");
  add<&Options::allow_user_limited_channels>(
      keys, "allow_user_limited_channels",
      "Channels such as \"chat#42,43\" may be subscribed to by the users that they name.");
  add<&Options::channel_regex>(keys, "channel_regex",
                               "A regular expression (RE2) that the name behind the "
                               "namespace must match; empty: any ASCII name.");
  add<&Options::allow_publish_for_client>(keys, "allow_publish_for_client",
                                          "Every client with a user may publish.");
  add<&Options::allow_publish_for_subscriber>(
      keys, "allow_publish_for_subscriber",
      "Clients that are subscribed to the channel may publish to it.");
  add<&Options::allow_publish_for_anonymous>(
      keys, "allow_publish_for_anonymous",
      "With one of the two above: clients without a user may, too.");
  add<&Options::publication_data_format>(keys, "publication_data_format",
                                         "What publications must be: any JSON, a JSON object, or "
                                         "bytes of any kind; empty: as the protocol has it.");
}

void add_presence(ChannelKeys& keys) {
  using Options = ChannelOptions;
  add<&Options::presence>(keys, "presence", "Keeps who is subscribed, for presence calls.");
  add<&Options::join_leave>(keys, "join_leave", "Tells of clients that come and go.");
  add<&Options::force_push_join_leave>(keys, "force_push_join_leave",
                                       "Tells it to every subscriber, whether or not it asked.");
  add<&Options::presence_grace_period>(
      keys, "presence_grace_period",
      "How long a client whose connection broke stays present: if its user comes back within "
      "that time, nobody hears of it.")
      .range(0ms, 1h)
      .ours();
  add<&Options::allow_presence_for_client>(keys, "allow_presence_for_client",
                                           "Every client with a user may make presence calls.");
  add<&Options::allow_presence_for_subscriber>(
      keys, "allow_presence_for_subscriber",
      "Clients that are subscribed to the channel may make presence calls.");
  add<&Options::allow_presence_for_anonymous>(
      keys, "allow_presence_for_anonymous",
      "With one of the two above: clients without a user may, too.");
}

void add_history(ChannelKeys& keys) {
  using Options = ChannelOptions;
  add<&Options::history_size>(keys, "history_size",
                              "Publications that a channel's history keeps; 0: no history.")
      .range(0, kHistorySizeMax);
  add<&Options::history_ttl>(keys, "history_ttl",
                             "How long history keeps a publication; whole seconds; 0: no history.")
      .range(0ms, 87'600h);
  add<&Options::history_meta_ttl>(keys, "history_meta_ttl",
                                  "How long a channel's position outlives its last "
                                  "publication; 0: as channel.history_meta_ttl.")
      .range(0ms, 87'600h);
  add<&Options::force_positioning>(
      keys, "force_positioning",
      "Every subscription is positioned: it is closed, and resumed, when it missed a publication.");
  add<&Options::allow_positioning>(keys, "allow_positioning", "Clients may ask for positioning.");
  add<&Options::force_recovery>(
      keys, "force_recovery",
      "Every subscription is recoverable: it gets what it missed while it was away.");
  add<&Options::allow_recovery>(keys, "allow_recovery", "Clients may ask for recovery.");
  add<&Options::force_recovery_mode>(
      keys, "force_recovery_mode",
      "stream: everything that was missed; cache: only the newest publication.");
  add<&Options::auto_cache_recover>(
      keys, "auto_cache_recover",
      "In cache mode: the newest publication also comes with the first subscribe.");
  add<&Options::allow_history_for_client>(keys, "allow_history_for_client",
                                          "Every client with a user may make history calls.");
  add<&Options::allow_history_for_subscriber>(
      keys, "allow_history_for_subscriber",
      "Clients that are subscribed to the channel may make history calls.");
  add<&Options::allow_history_for_anonymous>(
      keys, "allow_history_for_anonymous",
      "With one of the two above: clients without a user may, too.");
  add<&Options::batch_max_delay>(
      keys, "batch_max_delay",
      "How long the publications of a channel are gathered, to be sent together; 0: they are not.")
      .range(0ms, 10s);
  add<&Options::batch_max_size>(keys, "batch_max_size",
                                "With batch_max_delay: so many publications don't wait any longer.")
      .range(1, 10'000);
  add<&Options::allowed_delta_types>(
      keys, "allowed_delta_types",
      "Delta compressions that clients may ask for; \"fossil\" is the only one.");
  add<&Options::delta_publish>(keys, "delta_publish",
                               "Publications are sent as deltas unless they say otherwise.");
  add<&Options::allow_tags_filter>(
      keys, "allow_tags_filter",
      "Subscribers may ask for the publications with certain tags only.");
}

}  // namespace

const std::vector<Key<ChannelOptions>>& channel_keys() {
  static const ChannelKeys kKeys = [] {
    ChannelKeys keys;
    add_permissions(keys);
    add_presence(keys);
    add_history(keys);
    return keys;
  }();
  return kKeys;
}

}  // namespace millrace::config
