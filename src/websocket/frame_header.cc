#include "websocket/frame_header.h"

#include <bit>
#include <cstring>

namespace millrace::websocket {
namespace {

std::unexpected<Mistake> broken(std::string_view reason) {
  return std::unexpected(Mistake{CloseCode::kProtocolError, reason});
}

constexpr uint8_t kFin = 0x80, kRsv1 = 0x40, kRsv23 = 0x30, kMask = 0x80;

std::expected<void, Mistake> check_first_byte(uint8_t byte, const MessageSoFar& message,
                                              const Options& options) {
  if ((byte & kRsv23) != 0) return broken("reserved bits are set");
  const bool rsv1 = (byte & kRsv1) != 0;
  if (rsv1 && !options.deflate) return broken("RSV1 is set but no extension was negotiated");
  switch (static_cast<Opcode>(byte & 0x0F)) {
    case Opcode::kText:
    case Opcode::kBinary:
      if (message.fragments != 0) return broken("a new message begins inside a fragmented one");
      return {};
    case Opcode::kContinuation:
      if (message.fragments == 0) return broken("a continuation without a message");
      if (rsv1) return broken("RSV1 is set on a continuation");
      if (message.fragments >= options.message_fragments_max)
        return std::unexpected(Mistake{CloseCode::kTooBig, "too many fragments"});
      return {};
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      if (rsv1) return broken("RSV1 is set on a control frame");
      if ((byte & kFin) == 0) return broken("a fragmented control frame");
      return {};
  }
  return broken("reserved opcode");
}

template <class T>
T load_big_endian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

std::expected<void, Mistake> check_size(const FrameHeader& header, const MessageSoFar& message,
                                        const Options& options) {
  if (is_control(header.opcode)) return {};
  const bool compressed = header.compressed || message.compressed;
  const uint64_t limit =
      compressed ? compressed_bytes_max(options.message_bytes_max) : options.message_bytes_max;
  // message.bytes passed this check before, so the subtraction does not wrap.
  if (header.payload_bytes > limit - message.bytes)
    return std::unexpected(Mistake{CloseCode::kTooBig, "the message is too big"});
  return {};
}

}  // namespace

std::expected<size_t, Mistake> parse_header(std::span<const char> bytes,
                                            const MessageSoFar& message, const Options& options,
                                            FrameHeader& header) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  if (auto checked = check_first_byte(first, message, options); !checked) [[unlikely]]
    return std::unexpected(checked.error());
  if (bytes.size() < 2) [[unlikely]]
    return 0;
  header.opcode = static_cast<Opcode>(first & 0x0F);
  header.fin = (first & kFin) != 0;
  header.compressed = (first & kRsv1) != 0;

  const auto second = static_cast<uint8_t>(bytes[1]);
  if ((second & kMask) == 0) [[unlikely]]
    return broken("a client's frame must be masked");
  const uint8_t short_length = second & 0x7F;
  if (is_control(header.opcode) && short_length > kControlBytesMax) [[unlikely]]
    return broken("a control frame of more than 125 bytes");

  size_t size = 2;
  header.payload_bytes = short_length;
  if (short_length == 126) {
    size += 2;
    if (bytes.size() < size) return 0;
    header.payload_bytes = load_big_endian<uint16_t>(&bytes[2]);
    if (header.payload_bytes < 126) return broken("a length that is not in its shortest form");
  } else if (short_length == 127) {
    size += 8;
    if (bytes.size() < size) return 0;
    header.payload_bytes = load_big_endian<uint64_t>(&bytes[2]);
    if (header.payload_bytes >> 63 != 0) return broken("a length with its top bit set");
    if (header.payload_bytes <= 0xFFFF) return broken("a length that is not in its shortest form");
  }
  if (auto checked = check_size(header, message, options); !checked) [[unlikely]]
    return std::unexpected(checked.error());
  if (bytes.size() < size + sizeof(header.key)) return 0;
  std::memcpy(&header.key, &bytes[size], sizeof(header.key));
  return size + sizeof(header.key);
}

}  // namespace millrace::websocket
