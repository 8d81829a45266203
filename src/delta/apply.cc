#include <algorithm>

#include "delta/delta.h"
#include "delta/format.h"

namespace millrace::delta {
namespace {

std::unexpected<base::Error> invalid(const char* what) {
  return base::fail(base::ErrorCode::kInvalid, std::string("delta: ") + what);
}

// Takes `c` off the front of `text`, if it is there.
bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

base::Result<std::string> apply(std::string_view source, std::string_view patch,
                                size_t target_bytes_max) {
  uint32_t size = 0;
  if (!read_integer(patch, size) || !take(patch, '\n')) return invalid("no size");
  if (size > target_bytes_max) {
    return base::fail(base::ErrorCode::kTooLarge, "delta: the target is too large");
  }
  std::string target;
  for (;;) {
    uint32_t number = 0;
    if (!read_integer(patch, number)) return invalid("expected a number");
    if (take(patch, ';')) {
      if (!patch.empty()) return invalid("there is more behind its end");
      if (target.size() != size) return invalid("the target is shorter than it says");
      if (checksum(target) != number) return invalid("the checksum does not match");
      return target;
    }
    if (number > size - target.size()) return invalid("the target is longer than it says");
    if (take(patch, ':')) {
      if (number > patch.size()) return invalid("it ends within an insert");
      target += patch.substr(0, number);
      patch.remove_prefix(number);
    } else if (take(patch, '@')) {
      uint32_t offset = 0;
      if (!read_integer(patch, offset) || !take(patch, ',')) return invalid("expected an offset");
      if (offset > source.size() || number > source.size() - offset) {
        return invalid("a copy reaches outside of the source");
      }
      target += source.substr(offset, number);
    } else {
      return invalid("unknown command");
    }
  }
}

}  // namespace millrace::delta
