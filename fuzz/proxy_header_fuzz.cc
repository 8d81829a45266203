// Arbitrary bytes at the beginning of a connection, whole and cut at arbitrary places: the outcome
// is the same, no more than the header is read, and what is accepted is bounded and an address.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/random.h"
#include "net/testing_proxy_header.h"

namespace {

using millrace::net::ProxyHeaderDecoder;
using millrace::net::ProxyHeaderOutcome;
using millrace::net::read_proxy_header;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace

// The first byte seeds the cuts, so that the engine can vary them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ProxyHeaderOutcome whole = read_proxy_header(bytes);
  const bool text = bytes.starts_with('P');
  require(whole.read <=
              (text ? ProxyHeaderDecoder::kTextBytesMax : 16 + ProxyHeaderDecoder::kBlockBytesMax),
          "a header is bounded");
  const bool error = whole.text.starts_with("error: ");
  const bool done = !error && whole.text != "more";
  require(done || whole.read <= bytes.size(), "nothing is read that is not there");
  if (done) {
    require(!text || bytes.substr(0, whole.read).ends_with("\r\n"), "a line ends with CRLF");
    require(!text || bytes.substr(0, whole.read).find('\n') == whole.read - 1, "at its first one");
    require(read_proxy_header(bytes.substr(0, whole.read)) == whole, "what follows means nothing");
    require(read_proxy_header(bytes.substr(0, whole.read - 1)).text == "more",
            "the last byte is needed");
    if (whole.text != "own") {
      const auto address = millrace::net::IpAddress::parse(whole.text);
      require(address && address->to_string() == whole.text, "an address is written as it is read");
    }
  }
  millrace::base::Prng random(data[0]);
  const uint64_t piece_max = 1 + random.below(64);
  const ProxyHeaderOutcome cut =
      read_proxy_header(bytes, [&] { return static_cast<size_t>(1 + random.below(piece_max)); });
  // Of several mistakes another one may be noticed first.
  const bool also_error = error && cut.text.starts_with("error: ");
  require(also_error || cut == whole, "cuts make no difference");
  return 0;
}
