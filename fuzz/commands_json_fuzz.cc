// Commands from JSON: whatever comes, every view can be read to its end, payloads are valid JSON
// from the frame itself, and one that is published arrives as it was, without its line breaks.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "commands.h"
#include "protocol/protocol.h"

namespace {

using namespace millrace;
using namespace millrace::protocol;

void check_payload(std::string_view frame, Payload payload) {
  if (payload.empty()) return;
  MILLRACE_ASSERT(payload.data() >= frame.data());
  MILLRACE_ASSERT(payload.data() + payload.size() <= frame.data() + frame.size());
  MILLRACE_ASSERT(valid_json(payload));
}

// What a subscriber gets is one line of valid JSON, and read back as a command, the payload's same
// text.
void check_published(Payload payload) {
  std::string line;
  append_json_line(line, payload);
  const model::Publication publication{.data = base::SharedBytes::copy_of(line)};
  std::string push;
  append_push(Format::kJson, push, "c", PublicationPush{publication});
  MILLRACE_ASSERT(push == "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":" + line + "}}}");

  const std::string again = "{\"publish\":{\"data\":" + line + "}}";
  const auto decoded = decode_commands(Format::kJson, again, [&](const Command& command) {
    MILLRACE_ASSERT(std::get<PublishRequest>(command.body).data == line);
    return true;
  });
  MILLRACE_ASSERT(decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto decoded = decode_commands(Format::kJson, frame, [&](const Command& command) {
    fuzz::Views::visit(
        command, [](Text text) { fuzz::check_text(text); },
        [&](Payload payload) { check_payload(frame, payload); });
    if (const auto* publish = std::get_if<PublishRequest>(&command.body);
        publish != nullptr && !publish->data.empty()) {
      check_published(publish->data);
    }
    return true;
  });
  if (!decoded) MILLRACE_ASSERT(decoded.error().code == base::ErrorCode::kInvalid);
  const auto alone = decode_publish(frame, [&](const PublishRequest& request) {
    fuzz::check_text(request.channel);
    fuzz::check_text(request.idempotency_key);
    check_payload(frame, request.data);
  });
  if (!alone) MILLRACE_ASSERT(alone.error().code == base::ErrorCode::kInvalid);
  return 0;
}
