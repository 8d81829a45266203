// The ids of a Centrifuge client's commands: connecting is 1, subscribing 2 and on, publishing what
// the scenario says, behind kPublishIds.
#pragma once

#include <cstdint>

namespace millrace::bench {

inline constexpr uint32_t kConnectId = 1;
inline constexpr uint32_t kPublishIds = 1'000'000;

}  // namespace millrace::bench
