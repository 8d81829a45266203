// Bytes of a connection against a slow reference: whole, byte by byte, and cut at random, the
// events must be the same.
//
// The first byte chooses the options, the second how the bytes are cut.
#include <cstdio>
#include <cstdlib>

#include "base/random.h"
#include "websocket_reference.h"

namespace {

using namespace millrace;  // NOLINT(google-build-using-namespace)

void expect_same(const fuzz::Events& events, const fuzz::Events& expected, const char* how) {
  if (events == expected) return;
  std::fprintf(stderr, "%s:\n", how);
  for (const std::string& event : events)
    std::fprintf(stderr, "  told      %.60s\n", event.c_str());
  for (const std::string& event : expected)
    std::fprintf(stderr, "  reference %.60s\n", event.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static constexpr size_t kBytesMax[] = {0, 1, 125, 300, 5000, 70'000, 65'536, 16 << 20};
  static constexpr size_t kFragmentsMax[] = {1, 2, 5, 65'536};
  const websocket::Options options{.message_bytes_max = kBytesMax[data[0] & 7],
                                   .message_fragments_max = kFragmentsMax[data[0] >> 3 & 3],
                                   .deflate = (data[0] & 0x80) != 0};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  static websocket::CoreScratch scratch;

  const fuzz::Events expected = fuzz::WebsocketReference(bytes, options).run();
  expect_same(fuzz::decode_in_pieces(bytes, options, scratch, [&] { return bytes.size(); }),
              expected, "whole");
  expect_same(fuzz::decode_in_pieces(bytes, options, scratch, [] { return size_t{1}; }), expected,
              "byte by byte");
  base::Prng random(data[1]);
  const size_t piece_max = 1 + random.below(bytes.size() + 1);
  expect_same(
      fuzz::decode_in_pieces(bytes, options, scratch, [&] { return 1 + random.below(piece_max); }),
      expected, "cut at random");
  return 0;
}
