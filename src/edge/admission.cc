#include <algorithm>
#include <cctype>

#include "base/assert.h"
#include "edge/edge.h"

namespace millrace::edge {
namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// '*' stands for any run of characters. Goes back to the last '*' on a mismatch: linear memory, at
// worst quadratic time.
bool glob_matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.substr(p).find_first_not_of('*') == std::string_view::npos;
}

size_t index_of(Transport transport) {
  MILLRACE_ASSERT(transport != Transport::kHttp);
  return static_cast<size_t>(transport);
}

}  // namespace

bool Admission::open_connection(base::MonotonicTime now, Transport transport) {
  if (closed() || !within_rate(now)) return false;
  const size_t index = index_of(transport);
  const size_t own_max = limits_.transport_connections_max[index];
  const size_t all = connections_.fetch_add(1, std::memory_order_relaxed);
  const size_t own = of_transport_[index].fetch_add(1, std::memory_order_relaxed);
  if (all < limits_.connections_max && (own_max == 0 || own < own_max)) return true;
  close_connection(transport);
  return false;
}

void Admission::close_connection(Transport transport) {
  of_transport_[index_of(transport)].fetch_sub(1, std::memory_order_relaxed);
  connections_.fetch_sub(1, std::memory_order_relaxed);
}

size_t Admission::connections(Transport transport) const {
  return of_transport_[index_of(transport)].load(std::memory_order_relaxed);
}

// One connection each 1/rate seconds, with up to a second's worth saved up while nobody came.
bool Admission::within_rate(base::MonotonicTime now) {
  if (limits_.connections_per_second_max == 0) return true;
  const int64_t step =
      std::max<int64_t>(1, 1'000'000 / static_cast<int64_t>(limits_.connections_per_second_max));
  int64_t next = next_slot_us_.load(std::memory_order_relaxed);
  for (;;) {
    const int64_t earliest = std::max(next, now.microseconds - 1'000'000 + step);
    if (earliest > now.microseconds) return false;
    if (next_slot_us_.compare_exchange_weak(next, earliest + step, std::memory_order_relaxed))
      return true;
  }
}

bool origin_allowed(std::string_view origin, std::string_view host,
                    std::span<const std::string> patterns) {
  if (origin.empty()) return true;
  if (patterns.empty()) {
    const size_t scheme = origin.find("://");
    return scheme != std::string_view::npos && equal_without_case(origin.substr(scheme + 3), host);
  }
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return glob_matches(pattern, origin); });
}

}  // namespace millrace::edge
