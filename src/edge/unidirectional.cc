#include "edge/unidirectional.h"

#include <algorithm>
#include <string>
#include <vector>

#include "edge/framing.h"

namespace millrace::edge {
namespace {

protocol::SubscribeRequest& wanted(protocol::ConnectRequest& connect, std::string_view channel) {
  const auto found =
      std::ranges::find(connect.subs, channel, &decltype(connect.subs)::value_type::first);
  if (found != connect.subs.end()) return found->second;
  return connect.subs.emplace_back(channel, protocol::SubscribeRequest{.recoverable = true}).second;
}

}  // namespace

base::Result<> read_unidirectional(
    const http::Request& request,
    base::FunctionRef<void(const protocol::ConnectRequest&)> on_connect) {
  const std::string asked = request.parameter("cf_connect").value_or("");
  std::string_view json = asked.empty() ? request.body : asked;
  if (json.empty()) json = "{}";
  const std::string token = request.parameter("token").value_or("");
  const std::vector<std::string> channels = request.parameters("channel");
  std::string last_seen(request.header("Last-Event-ID"));
  if (last_seen.empty()) last_seen = request.parameter("last_event_id").value_or("");
  return protocol::decode_connect(json, [&](const protocol::ConnectRequest& said) {
    protocol::ConnectRequest connect = said;
    if (connect.token.empty()) connect.token = token;
    for (const std::string& channel : channels) wanted(connect, channel);
    if (const auto id = parse_event_id(last_seen)) {
      protocol::SubscribeRequest& resumed = wanted(connect, id->channel);
      resumed.recover = true;
      resumed.offset = id->offset;
      resumed.epoch = id->epoch;
    }
    on_connect(connect);
  });
}

}  // namespace millrace::edge
