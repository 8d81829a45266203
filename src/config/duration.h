// Durations as people write them in a configuration: "25s", "1h30m", "500ms", "1.5h". The same
// notation as Go's, so that values may be copied from a Centrifugo file; nothing finer than a
// millisecond, and not negative.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace millrace::config {

// nullopt if `text` is not a duration, is not whole milliseconds or does not fit.
std::optional<Milliseconds> parse_duration(std::string_view text);

// The shortest notation that parse_duration() reads back: "1h30m", "720h", "0s".
std::string format_duration(Milliseconds duration);

}  // namespace millrace::config
