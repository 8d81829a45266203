// One compressor per thread, reset for each message: making one costs more than most messages do.
// It writes straight into the caller's string, into no more room than the uncompressed form would
// take: what does not fit there is sent as it is.
#include <zlib.h>

#include <cstring>

#include "base/assert.h"
#include "websocket/websocket.h"

namespace millrace::websocket {
namespace {

constexpr size_t kTailBytes = 4;  // 00 00 FF FF, which RFC 7692, section 7.2.1 takes off
constexpr int kMemoryLevel = 8;   // zlib's default

class Deflater {
 public:
  Deflater() = default;
  ~Deflater() { end(); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // False when zlib has no memory.
  bool start(int level, int window_bits) {
    if (level_ == level && window_bits_ == window_bits) return ::deflateReset(&stream_) == Z_OK;
    end();
    if (::deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, kMemoryLevel,
                       Z_DEFAULT_STRATEGY) != Z_OK)
      return false;
    level_ = level;
    window_bits_ = window_bits;
    return true;
  }

  // Returns how many bytes it wrote to `out`, or 0 if they do not fit.
  size_t deflate(std::string_view payload, std::span<char> out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
    stream_.avail_in = static_cast<uInt>(payload.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int status = ::deflate(&stream_, Z_SYNC_FLUSH);
    // With room left, the flush is known to be complete.
    if (status != Z_OK || stream_.avail_in != 0 || stream_.avail_out == 0) return 0;
    return out.size() - stream_.avail_out;
  }

 private:
  void end() {
    if (level_ != 0) ::deflateEnd(&stream_);
    level_ = 0;
  }

  z_stream stream_{};
  int level_ = 0;  // 0: not started
  int window_bits_ = 0;
};

}  // namespace

base::Result<> append_deflated(std::string& out, Opcode opcode, std::string_view payload, int level,
                               int window_bits) {
  MILLRACE_ASSERT(opcode == Opcode::kText || opcode == Opcode::kBinary);
  MILLRACE_ASSERT(level >= 1 && level <= 9);
  MILLRACE_ASSERT(window_bits >= 9 && window_bits <= 15);  // zlib has no raw stream with 8
  thread_local Deflater deflater;
  if (!deflater.start(level, window_bits))
    return base::fail(base::ErrorCode::kUnavailable, "no memory to compress a message");

  const size_t begin = out.size();
  const size_t room = payload.size() + kTailBytes;
  size_t written = 0;
  out.resize_and_overwrite(begin + kHeaderBytesMax + room, [&](char* data, size_t) {
    written = deflater.deflate(payload, {data + begin + kHeaderBytesMax, room});
    return begin + kHeaderBytesMax + written;
  });
  if (written == 0) {
    out.resize(begin);
    append_frame(out, opcode, payload);
    return {};
  }
  MILLRACE_DEBUG_ASSERT(written > kTailBytes && written < room);
  const size_t compressed_bytes = written - kTailBytes;
  char header[kHeaderBytesMax];
  const size_t header_bytes = encode_header(opcode, compressed_bytes, header, true);
  char* const frame = out.data() + begin;
  std::memcpy(frame, header, header_bytes);
  std::memmove(frame + header_bytes, frame + kHeaderBytesMax, compressed_bytes);
  out.resize(begin + header_bytes + compressed_bytes);
  return {};
}

}  // namespace millrace::websocket
