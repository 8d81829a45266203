// What the readers of the methods' parameters share; calls.h is what others use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/api.h"
#include "api/calls.h"
#include "api/fields.h"
#include "base/shared_bytes.h"

namespace millrace::api {

Failure bad_request(std::string_view why);

struct Payload {
  base::SharedBytes bytes{};  // JSON on one line, or
  bool is_json = true;        // whatever it is
};
// `bytes` wins, if there are any. nullopt: there is neither.
std::optional<Payload> payload_of(const std::optional<std::string>& data,
                                  const std::optional<std::string>& bytes);

Read<Call> read_publish(std::string_view params);
Read<Call> read_broadcast(std::string_view params);
Read<Call> read_subscribe(std::string_view params);
Read<Call> read_unsubscribe(std::string_view params);
Read<Call> read_disconnect(std::string_view params);
Read<Call> read_refresh(std::string_view params);
Read<Call> read_block_user(std::string_view params);
Read<Call> read_unblock_user(std::string_view params);
Read<Call> read_revoke_token(std::string_view params);
Read<Call> read_invalidate_user_tokens(std::string_view params);

}  // namespace millrace::api
