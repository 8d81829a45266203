#include <sys/resource.h>

#include <algorithm>

#include "net/net.h"

namespace millrace::net {

FileBudget FileBudget::raise_to_hard_limit(size_t reserve) {
  FileBudget budget;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return budget;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  budget.limit_ = limit.rlim_cur;
  budget.connections_max_ = connections_of(budget.limit_, reserve);
  return budget;
}

size_t FileBudget::connections_of(size_t limit, size_t reserve) {
  // However small the limit, half of it is for clients.
  return limit - std::min(reserve, limit / 2);
}

}  // namespace millrace::net
