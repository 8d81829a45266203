// What comes in HTTP responses.
#include <optional>

#include "bench/engine.h"
#include "bench/http_answer.h"

namespace millrace::bench {
namespace {

// The length of the messages that are there in whole, each behind its length; none if what comes
// next is no length.
std::optional<size_t> whole_delimited(std::string_view bytes) {
  size_t whole = 0;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    int shift = 0;
    bool more = true;
    while (more && at < bytes.size()) {
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      length |= uint64_t{byte & 0x7FU} << shift;
      shift += 7;
      more = (byte & 0x80) != 0;
      if (shift > 35) return std::nullopt;
    }
    if (length > kFrameBytesMax) return std::nullopt;
    if (more || bytes.size() - at < length) break;
    at += static_cast<size_t>(length);
    whole = at;
  }
  return whole;
}

}  // namespace

size_t Engine::take_lines(Client& client, std::string_view bytes) {
  const size_t used = bytes.rfind('\n') + 1;  // 0 where there is no line end
  if (bytes.size() - used > kFrameBytesMax) fail(client, "a message is too long");
  if (used > 0 && client.fd >= 0)
    handler_.on_message(client, Opcode::kText, bytes.substr(0, used), out_);
  return used;
}

size_t Engine::take_delimited(Client& client, std::string_view bytes) {
  const std::optional<size_t> used = whole_delimited(bytes);
  if (!used) fail(client, "the server sent a message without a length");
  if (used.value_or(0) > 0)
    handler_.on_message(client, Opcode::kBinary, bytes.substr(0, *used), out_);
  return used.value_or(0);
}

// Comments, ids and the empty lines between events say nothing here.
size_t Engine::take_events(Client& client, std::string_view bytes) {
  constexpr std::string_view kData = "data:";
  size_t used = 0;
  while (client.fd >= 0) {
    const size_t end = bytes.find('\n', used);
    if (end == std::string_view::npos) break;
    std::string_view line = bytes.substr(used, end - used);
    used = end + 1;
    if (!line.starts_with(kData)) continue;
    line.remove_prefix(kData.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    handler_.on_message(client, Opcode::kText, line, out_);
  }
  if (client.fd >= 0 && bytes.size() - used > kFrameBytesMax) fail(client, "an event is too long");
  return used;
}

size_t Engine::take_answers(Client& client, std::string_view bytes) {
  size_t used = 0;
  while (client.fd >= 0) {
    HttpAnswer answer;
    const FrameStatus status = read_answer(bytes.substr(used), answer);
    if (status == FrameStatus::kPartial) break;
    if (status == FrameStatus::kBroken) {
      fail(client, "the server sent an answer that is none");
      break;
    }
    used += answer.bytes;
    if (answer.status >= 300) {
      fail(client, "the server answered " + std::to_string(answer.status));
      break;
    }
    handler_.on_message(client, Opcode::kText, answer.body, out_);
  }
  return used;
}

}  // namespace millrace::bench
