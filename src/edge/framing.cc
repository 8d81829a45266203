#include "edge/framing.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"

namespace millrace::edge {
namespace {

constexpr std::string_view kEventStart = "data: ";
constexpr std::string_view kEventEnd = "\n\n";
constexpr std::string_view kLineEnd = "\n";

// Around the messages, where that does not depend on their size. Protobuf messages bring their
// length themselves.
std::pair<std::string_view, std::string_view> around(Variant variant) {
  if (variant.framing == Framing::kEvents) return {kEventStart, kEventEnd};
  return {{}, variant.format == protocol::Format::kJson ? kLineEnd : std::string_view()};
}

bool in_websocket_frames(Framing framing) {
  return framing == Framing::kFrames || framing == Framing::kFrameEach;
}

}  // namespace

void append_framed(std::string& out, Variant variant, std::string_view messages) {
  if (in_websocket_frames(variant.framing))
    return websocket::append_frame(out, opcode_of(variant.format), messages);
  const auto [before, behind] = around(variant);
  out.append(before).append(messages).append(behind);
}

base::SharedBytes framed(Variant variant, std::string_view messages) {
  if (in_websocket_frames(variant.framing)) {
    std::array<char, websocket::kHeaderBytesMax> header;
    const size_t size =
        websocket::encode_header(opcode_of(variant.format), messages.size(), header);
    return base::SharedBytes::joined({{header.data(), size}, messages});
  }
  const auto [before, behind] = around(variant);
  return base::SharedBytes::joined({before, messages, behind});
}

const base::SharedBytes& filler(Variant variant) {
  const auto made = [](Variant of) { return base::SharedBytes::copy_of(padding(of, 1)); };
  static const base::SharedBytes event = made({.framing = Framing::kEvents});
  static const base::SharedBytes json = made({.framing = Framing::kLines});
  static const base::SharedBytes protobuf =
      made({.format = protocol::Format::kProtobuf, .framing = Framing::kLines});
  if (variant.framing == Framing::kEvents) return event;
  return variant.format == protocol::Format::kJson ? json : protobuf;
}

std::string padding(Variant variant, size_t bytes) {
  MILLRACE_DEBUG_ASSERT(!in_websocket_frames(variant.framing));
  std::string out;
  if (bytes == 0) return out;
  if (variant.framing != Framing::kEvents) {
    protocol::append_filler(variant.format, out, bytes);
    return out;
  }
  // A comment (HTML standard, section 9.2.6).
  constexpr std::string_view kAround = ":\n\n";
  out = ":";
  if (bytes > kAround.size()) out.append(bytes - kAround.size(), ' ');
  return out + "\n\n";
}

void append_event_id(std::string& out, model::Offset offset, std::string_view epoch,
                     std::string_view channel) {
  constexpr std::string_view kEndsLineOrId("\r\n\0", 3);
  if (epoch.empty() || channel.find_first_of(kEndsLineOrId) != std::string_view::npos) return;
  out += "id: ";
  out += std::to_string(offset.value());
  out.append(":").append(epoch).append(":").append(channel).append("\n");
}

std::optional<EventId> parse_event_id(std::string_view text) {
  EventId id;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, id.offset);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != ':') return std::nullopt;
  const std::string_view rest(number.ptr + 1, end);
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  id.epoch = rest.substr(0, colon);
  id.channel = rest.substr(colon + 1);
  return id;
}

}  // namespace millrace::edge
