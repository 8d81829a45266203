// "Did you mean …": the known name that is nearest to one that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::config {

// How many letters must be typed, left out, replaced or swapped with their neighbour to make `a` of
// `b`.
size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or "" if none is near. Names have parts, divided by the first of
// `separators`, and all of these count as the same sign; then the end of a candidate is near to it,
// too ("ping_interval" to "client.ping_interval").
std::string nearest(std::string_view word, std::span<const std::string> candidates,
                    std::string_view separators = "");

// ", did you mean X?" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates,
                         std::string_view separators = "");

}  // namespace millrace::config
