// The parameters of what is done to clients: subscribe, unsubscribe, disconnect, refresh.
#include "api/read.h"
#include "protocol/protocol.h"

namespace millrace::api {
namespace {

// Whose connections: a user's, "" being the anonymous ones.
void read_whom(Field& field, hub::Selector& whom) {
  field.text("user", whom.user);
  field.text("client", whom.client);
  field.text("session", whom.session);
}

void read_override(Field& field, auth::Override& to) {
  field.object("override", [&](Field& option) {
    const auto value = [&](std::string_view name, std::optional<bool>& flag) {
      option.object(name, [&](Field& inner) { inner.boolean("value", flag); });
    };
    value("presence", to.presence);
    value("join_leave", to.join_leave);
    value("force_push_join_leave", to.force_push_join_leave);
    value("force_recovery", to.force_recovery);
    value("force_positioning", to.force_positioning);
  });
}

// Info stands in pushes to JSON clients, so it has to be JSON; "" if there was none.
std::optional<Failure> take_info(const std::optional<std::string>& info,
                                 const std::optional<std::string>& bytes, base::SharedBytes& to) {
  const std::optional<Payload> payload = payload_of(info, bytes);
  if (!payload) return std::nullopt;
  if (!payload->is_json) return bad_request("b64info must be JSON in base64");
  to = payload->bytes;
  return std::nullopt;
}

Read<Call> checked(std::optional<Failure> wrong, hub::Order order) {
  if (wrong) return std::unexpected(*std::move(wrong));
  return order;
}

std::optional<Failure> check_disconnect(hub::DisconnectOrder& how) {
  constexpr int kReasonBytesMax = 123;  // what fits into a close frame (RFC 6455, section 5.5)
  if (how.code < 3000 || how.code > 4999) {
    return bad_request("disconnect.code must be from 3000 to 4999");
  }
  if (how.reason.size() > kReasonBytesMax) {
    return bad_request("disconnect.reason has more than 123 bytes");
  }
  return std::nullopt;
}

}  // namespace

Read<Call> read_subscribe(std::string_view params) {
  hub::Order order;
  hub::SubscribeOrder subscribe{.channel = {}, .how = {.server_side = true}};
  hub::SubscribeAsk& how = subscribe.how;
  std::optional<std::string> info;
  std::optional<std::string> info_bytes;
  std::optional<std::string> data;
  std::optional<std::string> data_bytes;
  std::optional<model::Position> since;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    read_whom(field, order.whom);
    read_override(field, how.override);
    field.text("channel", subscribe.channel);
    field.integer("expire_at", how.expire_at);
    field.payload("info", info);
    field.base64("b64info", info_bytes);
    field.payload("data", data);
    field.base64("b64data", data_bytes);
    field.position("recover_since", since);
  });
  if (!wrong && subscribe.channel.empty()) wrong = bad_request("channel is needed");
  if (!wrong && how.expire_at < 0) wrong = bad_request("expire_at must not be negative");
  if (!wrong) wrong = take_info(info, info_bytes, how.chan_info);
  if (wrong) return std::unexpected(*std::move(wrong));
  if (const std::optional<Payload> payload = payload_of(data, data_bytes)) {
    how.data = payload->bytes;
    how.data_is_json = payload->is_json;
  }
  if (since) {
    how.recover = true;
    how.since = *std::move(since);
  }
  order.what = std::move(subscribe);
  return order;
}

Read<Call> read_unsubscribe(std::string_view params) {
  hub::Order order;
  hub::UnsubscribeOrder how;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    read_whom(field, order.whom);
    field.text("channel", how.channel);
  });
  order.what = std::move(how);
  return checked(std::move(wrong), std::move(order));
}

Read<Call> read_disconnect(std::string_view params) {
  hub::Order order;
  hub::DisconnectOrder how;
  int64_t code = 0;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    read_whom(field, order.whom);
    field.texts("whitelist", how.keep, kWhitelistMax);
    field.object("disconnect", [&](Field& inner) {
      inner.integer("code", code);
      inner.text("reason", how.reason);
    });
  });
  if (code == 0) {
    how.code = model::disconnects::kForceDisconnect.code;
    if (how.reason.empty()) how.reason = model::disconnects::kForceDisconnect.reason;
  } else {
    how.code = code < 0 || code > 4999 ? uint16_t{0} : static_cast<uint16_t>(code);
  }
  if (!wrong) wrong = check_disconnect(how);
  order.what = std::move(how);
  return checked(std::move(wrong), std::move(order));
}

Read<Call> read_refresh(std::string_view params) {
  hub::Order order;
  hub::RefreshOrder how;
  std::optional<std::string> info;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    read_whom(field, order.whom);
    field.boolean("expired", how.expired);
    field.integer("expire_at", how.expire_at);
    field.payload("info", info);
  });
  if (!wrong && how.expire_at < 0) wrong = bad_request("expire_at must not be negative");
  if (info) how.info = base::SharedBytes::copy_of(*info);
  order.what = std::move(how);
  return checked(std::move(wrong), std::move(order));
}

}  // namespace millrace::api
