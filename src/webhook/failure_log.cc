#include <chrono>
#include <utility>

#include "webhook/webhook.h"

namespace millrace::webhook {

bool FailureLog::may_tell(base::MonotonicTime now, uint64_t& left_out) {
  if (now < next_) {
    ++left_out_;
    return false;
  }
  next_ = now + std::chrono::seconds(1);
  left_out = std::exchange(left_out_, 0);
  return true;
}

}  // namespace millrace::webhook
