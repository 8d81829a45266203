// Results and replies as JSON text. Fields that Centrifugo always writes are always there; others
// are left out at their default.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/run.h"
#include "model/model.h"

namespace millrace::api {

std::string publish_result(const model::Position& position);
// Takes each channel's result, or error.
std::string broadcast_result(std::span<const Outcome> outcomes);
std::string presence_result(const hub::PresenceAnswer& answer);
std::string presence_stats_result(const hub::PresenceStatsAnswer& answer);
// A payload that is not JSON is in `b64data` instead of `data`.
std::string history_result(const hub::HistoryAnswer& answer);
std::string channels_result(std::span<const std::pair<std::string, size_t>> channels);
std::string info_result(const NodeInfo& node, size_t users);

// {"code":107,"message":"..."}
std::string failure_text(const Failure& failure);
// {"result":{...}} or {"error":{...}}, with the id in front if there is one.
std::string reply_text(const Outcome& outcome, std::optional<int64_t> id = {});
// {"replies":[{"publish":{...}},{"error":{...}}]}: of each outcome, the name of its method.
std::string replies_text(std::span<const std::string_view> names,
                         std::span<const Outcome> outcomes);

}  // namespace millrace::api
