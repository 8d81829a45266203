// From a Response to the bytes that leave.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/http.h"

namespace millrace::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7), made once a second. One per core.
class DateLine {
 public:
  std::string_view at(int64_t wall_clock_ms);

 private:
  int64_t second_ = -1;
  std::string text_;
};

// How a response travels, which depends on the request and on the connection.
struct Framing {
  bool head = false;     // answers HEAD: everything but the body
  bool http_1_1 = true;  // of the request; the older one must be told that the connection stays
  bool close = false;
};

// Status line, headers and body. A control character in a header, which would let a peer's bytes
// forge another one, leaves as a space.
std::string serialized(const Response& response, const Framing& framing, std::string_view date);

// "Bad Request" for 400; "Unknown" for a code that is not registered.
std::string_view status_text(int status);

}  // namespace millrace::http
