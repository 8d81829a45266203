// permessage-deflate both ways. The bytes as a compressed message: the same result as the slow
// reference's, within the bound. The bytes as a payload: what append_deflated() makes of them comes
// back, with no reference beyond the window.
//
// The first byte chooses the bound, the second level and window.
#include <cstdlib>

#include "base/random.h"
#include "websocket_reference.h"

namespace {

using namespace millrace;  // NOLINT(google-build-using-namespace)

void require(bool condition) {
  if (!condition) std::abort();
}

void inflate(std::string_view bytes, size_t bytes_max) {
  const websocket::Options options{.message_bytes_max = bytes_max, .deflate = true};
  std::string frame;
  websocket::append_client_frame(frame, {.opcode = websocket::Opcode::kBinary, .compressed = true},
                                 bytes);
  static websocket::CoreScratch scratch;
  const fuzz::Events expected = fuzz::WebsocketReference(frame, options).run();
  require(expected.size() == 1);
  require(fuzz::decode_in_pieces(frame, options, scratch, [&] { return frame.size(); }) ==
          expected);
}

void round_trip(std::string_view payload, int level, int window_bits) {
  std::string frame;
  require(websocket::append_deflated(frame, websocket::Opcode::kBinary, payload, level, window_bits)
              .has_value());
  require(frame.size() <= payload.size() + websocket::kHeaderBytesMax);
  const size_t header_bytes = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10;
  const std::string_view sent = std::string_view(frame).substr(header_bytes);
  const bool compressed = (frame[0] & 0x40) != 0;
  require(compressed ? sent.size() < payload.size() : sent == payload);
  if (compressed) {
    const size_t window = size_t{1} << window_bits;
    require(fuzz::InflateReference(sent, payload.size(), window).run() == payload);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 60'000) return 0;
  static constexpr size_t kBytesMax[] = {0, 1, 5, 300, 5000, 16'384, 65'536, 40'000};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  inflate(bytes, kBytesMax[data[0] & 7]);
  round_trip(bytes, 1 + data[1] % 9, 9 + data[1] / 9 % 7);
  return 0;
}
