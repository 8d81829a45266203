// The commands of a connected client, one overload each, and what the parts of a session share.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "edge/session.h"

namespace millrace::edge {

struct Session::Dispatch {
  Session& session;
  Core& core;
  Host& host;
  const uint32_t id;

  void operator()(std::monostate) { host.close(model::disconnects::kBadRequest); }
  void operator()(const protocol::ConnectRequest&) { host.close(model::disconnects::kBadRequest); }
  void operator()(const protocol::PingRequest&) { host.close(model::disconnects::kBadRequest); }
  void operator()(const protocol::SendRequest&) { host.close(model::disconnects::kNotAvailable); }
  void operator()(const protocol::SubscribeRequest& request);
  void operator()(const protocol::UnsubscribeRequest& request);
  void operator()(const protocol::PublishRequest& request);
  void operator()(const protocol::PresenceRequest& request);
  void operator()(const protocol::PresenceStatsRequest& request);
  void operator()(const protocol::HistoryRequest& request);
  void operator()(const protocol::RpcRequest& request);
  void operator()(const protocol::RefreshRequest& request);
  void operator()(const protocol::SubRefreshRequest& request);

 private:
  bool named(std::string_view channel);
  bool subscribed(std::string_view channel) {
    return session.subscription(core, channel) != nullptr;
  }
  void publish(const protocol::PublishRequest& request, Note note);
};

// Whether these can be sent in this format: JSON carries JSON only.
bool carries(protocol::Format format, std::span<const model::Publication> publications);

// Until then, as clients are told it: at least one second, at most a year; 0 for never.
uint32_t ttl_until(int64_t expire_at);

// What a client says about a subscription that it wants.
hub::SubscribeAsk subscribe_ask(const protocol::SubscribeRequest& request);

}  // namespace millrace::edge
