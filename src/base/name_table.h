// A table of things that have a name, looked up by it.
//
// Each is allocated apart, so its address is good until it is erased, whatever else comes and goes;
// and what the table itself needs for one, full or empty, is little more than a pointer. That
// matters where there are millions.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/string_hash.h"

namespace millrace::base {

// T has a `name` that converts to std::string_view, and never changes.
template <class T>
class NameTable {
 public:
  size_t size() const { return things_.size(); }

  // Null if there is none of this name.
  T* find(std::string_view name) const {
    const auto found = things_.find(name);
    return found == things_.end() ? nullptr : found->get();
  }

  // Of its name there is none yet.
  T& insert(std::unique_ptr<T> thing) {
    const auto [place, is_new] = things_.insert(std::move(thing));
    MILLRACE_ASSERT(is_new);
    return **place;
  }

  void erase(const T& thing) {
    const auto found = things_.find(std::string_view(thing.name));
    MILLRACE_ASSERT(found != things_.end() && found->get() == &thing);
    things_.erase(found);
  }

  // Calls `action` with each, in no order, while it says true. It must not change the table.
  template <class F>
  void for_each(F&& action) const {
    for (const auto& thing : things_) {
      if (!action(*thing)) return;
    }
  }

 private:
  static std::string_view name_of(std::string_view name) { return name; }
  static std::string_view name_of(const std::unique_ptr<T>& thing) { return thing->name; }
  struct Hash {
    using is_transparent = void;
    size_t operator()(const auto& named) const { return StringHash{}(name_of(named)); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return name_of(a) == name_of(b); }
  };
  absl::flat_hash_set<std::unique_ptr<T>, Hash, Equal> things_;
};

}  // namespace millrace::base
