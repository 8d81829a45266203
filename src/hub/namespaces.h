// Channel names and the options that their namespaces give them.
//
//   channel := [private_prefix] [namespace namespace_boundary] rest [users]
//   users   := user_boundary user *(user_separator user)
//
// The signs and the meaning of each option are those of Centrifugo (docs/configuration.md).
// Immutable; any core may read.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/model.h"
#include "store/store.h"

namespace millrace::hub {

// What a recovering subscriber gets: all that it missed, or the newest publication only.
enum class RecoveryMode : uint8_t { kStream, kCache };

enum class DataFormat : uint8_t { kAny, kJson, kJsonObject, kBinary };

struct ChannelOptions {
  bool allow_subscribe_for_client = false;
  bool allow_subscribe_for_anonymous = false;
  bool allow_user_limited_channels = false;
  bool allow_publish_for_client = false;
  bool allow_publish_for_subscriber = false;
  bool allow_publish_for_anonymous = false;

  bool presence = false;
  bool join_leave = false;
  bool force_push_join_leave = false;
  // How long a member whose connection broke is still one, so that its user may come back
  // unnoticed.
  std::chrono::milliseconds presence_grace_period{};
  bool allow_presence_for_client = false;
  bool allow_presence_for_subscriber = false;
  bool allow_presence_for_anonymous = false;

  store::LogOptions log{.history_size = 0};  // both of size and TTL, or there is no history
  bool force_positioning = false;
  bool allow_positioning = false;
  bool force_recovery = false;
  bool allow_recovery = false;
  RecoveryMode recovery_mode = RecoveryMode::kStream;
  bool auto_cache_recover = false;
  bool allow_history_for_client = false;
  bool allow_history_for_subscriber = false;
  bool allow_history_for_anonymous = false;

  // What happens in a channel is gathered so long, or until there is so much of it. 0: for a turn.
  std::chrono::milliseconds batch_max_delay{};
  size_t batch_max_size = 100;

  bool allow_delta = false;    // subscribers may ask for fossil deltas
  bool delta_publish = false;  // publications may be sent as deltas
  bool allow_tags_filter = false;

  std::string channel_regex{};  // for what stands behind the namespace; "" allows any ASCII name
  DataFormat publication_data_format = DataFormat::kAny;

  bool keeps_history() const { return log.history_size > 0 && log.history_ttl.count() > 0; }
};

struct ChannelGrammar {
  size_t max_length = 255;  // bytes
  std::string private_prefix = "$";
  std::string namespace_boundary = ":";
  std::string user_boundary = "#";
  std::string user_separator = ",";
};

class Namespaces {
 public:
  Namespaces();
  // Each regular expression must be a valid one of RE2 (config/ checks it), and names must be
  // unique.
  Namespaces(ChannelGrammar grammar, ChannelOptions without_namespace,
             std::vector<std::pair<std::string, ChannelOptions>> namespaces);
  ~Namespaces();
  Namespaces(Namespaces&&) noexcept;
  Namespaces& operator=(Namespaces&&) noexcept;

  // The options of a channel; errors::kBadRequest for a bad name, errors::kUnknownChannel for an
  // unknown namespace.
  std::variant<model::ReplyError, const ChannelOptions*> resolve(std::string_view channel) const;

  // The same for a channel that resolve() found good: nothing is checked again.
  const ChannelOptions& options_of(std::string_view channel) const;

  bool is_private(std::string_view channel) const;
  // For a user-limited channel, whether `user` is one of its users; nullopt for other channels.
  std::optional<bool> allows_user(std::string_view channel, std::string_view user) const;

 private:
  struct Namespace;
  const Namespace* find(std::string_view channel, std::string_view& rest) const;
  bool valid_name(const Namespace& in, std::string_view channel, std::string_view rest) const;

  ChannelGrammar grammar_;
  std::vector<Namespace> namespaces_;  // the first is the one without a name
};

}  // namespace millrace::hub
