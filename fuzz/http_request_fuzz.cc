// Arbitrary bytes, whole and cut at arbitrary places: the outcome is the same, and what is accepted
// keeps its promises.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/random.h"
#include "http/http.h"
#include "http/syntax.h"
#include "http/testing_parse.h"

namespace {

using millrace::http::Outcome;
using millrace::http::ParsedRequest;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// The only value of a header that is there at most once.
const std::string* single(const ParsedRequest& request, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [header_name, value] : request.headers) {
    if (!millrace::http::equal_ignoring_case(header_name, name)) continue;
    require(found == nullptr, "a header that may be there once is there twice");
    found = &value;
  }
  return found;
}

void check(const ParsedRequest& request, const millrace::http::Options& options) {
  require(millrace::http::is_token(request.method), "the method is a token");
  require(request.path.starts_with('/'), "the path starts with a slash");
  for (const char c : request.target)
    require(millrace::http::is_visible(c), "the target is visible ASCII");
  require(request.path.find_first_of("?#") == std::string::npos, "the path ends before the query");
  require(request.headers.size() <= options.headers_max, "headers are bounded");
  require(request.body.size() <= options.body_bytes_max, "bodies are bounded");
  size_t head_bytes = request.method.size() + request.target.size();
  for (const auto& [name, value] : request.headers) {
    require(millrace::http::is_token(name), "a name is a token");
    for (const char c : value)
      require(millrace::http::is_field_char(c), "a value has no control character");
    require(millrace::http::trimmed(value).size() == value.size(),
            "a value has no white space around it");
    head_bytes += name.size() + value.size() + 3;
  }
  require(head_bytes <= options.head_bytes_max, "the head is bounded");
  const std::string* host = single(request, "host");
  require(host != nullptr || !request.http_1_1, "HTTP/1.1 names its host");
  require(host == nullptr || millrace::http::is_host(*host), "the host is one");
  const std::string* length = single(request, "content-length");
  const std::string* coding = single(request, "transfer-encoding");
  require(length == nullptr || coding == nullptr, "the length is told in one way");
  require(length == nullptr || millrace::http::parse_length(*length) == request.body.size(),
          "the body has the length told");
  require(coding == nullptr ||
              (request.http_1_1 && millrace::http::equal_ignoring_case(*coding, "chunked")),
          "chunked only");
  require(length != nullptr || coding != nullptr || request.body.empty(),
          "no body without a length");
  require(!request.upgrade || request.http_1_1, "HTTP/1.0 does not upgrade");
}

}  // namespace

// The first byte seeds the cuts, so that the engine can vary them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  millrace::http::Options options;
  options.head_bytes_max = 512;
  options.headers_max = 8;
  options.body_bytes_max = 256;
  const Outcome whole = millrace::http::parse(bytes, options);
  for (const ParsedRequest& request : whole.requests) check(request, options);
  if (whole.error != 0)
    require(whole.error >= 400 && whole.error <= 505 && !whole.reason.empty(),
            "an error says what to answer");
  millrace::base::Prng random(data[0]);
  const uint64_t piece_max = 1 + random.below(64);
  const Outcome cut =
      millrace::http::parse(bytes, options, [&] { return 1 + random.below(piece_max); });
  require(cut == whole, "cuts make no difference");
  return 0;
}
