#include <algorithm>

#include "http/http.h"
#include "http/syntax.h"

namespace millrace::http {

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

JoinedHeader Request::joined_header(std::string_view name) const {
  JoinedHeader joined;
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) joined.add(header.value);
  }
  return joined;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decoded(pair.substr(0, equals)) != name) continue;
    return percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

}  // namespace millrace::http
