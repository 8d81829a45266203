// Ids and offsets as distinct types, so that one is never taken for another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace millrace::base {

template <class Tag, class T>
class Named {
 public:
  constexpr Named() = default;
  constexpr explicit Named(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  friend constexpr auto operator<=>(const Named&, const Named&) = default;

 private:
  T value_{};
};

// One event-loop thread of this node, counted from 0.
using CoreId = Named<struct CoreIdTag, uint16_t>;

// A connection as seen from anywhere but its own core: where it lives, its slot there, and which of
// the connections that had this slot it is. Resolved only on its core; one that has gone resolves
// to nothing.
struct ConnectionRef {
  CoreId core;
  uint32_t slot = 0;
  uint32_t generation = 0;
  friend constexpr auto operator<=>(const ConnectionRef&, const ConnectionRef&) = default;
};

}  // namespace millrace::base

template <class Tag, class T>
struct std::hash<millrace::base::Named<Tag, T>> {
  size_t operator()(const millrace::base::Named<Tag, T>& named) const noexcept {
    return std::hash<T>{}(named.value());
  }
};
