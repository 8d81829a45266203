// Commands from Protobuf: whatever comes, every view lies within the frame, strings are UTF-8, and
// a payload that is published arrives as it was.
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>

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

void check_within(std::string_view frame, std::string_view view) {
  if (view.empty()) return;
  MILLRACE_ASSERT(view.data() >= frame.data());
  MILLRACE_ASSERT(view.data() + view.size() <= frame.data() + frame.size());
}

std::string_view field(std::string_view message, uint32_t number) {
  protozero::pbf_reader reader(message.data(), message.size());
  MILLRACE_ASSERT(reader.next(number, protozero::pbf_wire_type::length_delimited));
  const protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

// What a subscriber gets is one Reply, whose push's publication's data are these bytes.
void check_published(Payload payload) {
  const model::Publication publication{.data = base::SharedBytes::copy_of(payload),
                                       .is_json = false};
  std::string frame;
  append_push(Format::kProtobuf, frame, "c", PublicationPush{publication});
  const char* at = frame.data();
  const char* const end = at + frame.size();
  MILLRACE_ASSERT(protozero::decode_varint(&at, end) == static_cast<uint64_t>(end - at));
  const std::string_view reply(at, static_cast<size_t>(end - at));
  const std::string_view push = field(reply, 4);
  MILLRACE_ASSERT(field(push, 2) == "c");
  MILLRACE_ASSERT(field(field(push, 4), 4) == payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto decoded = decode_commands(Format::kProtobuf, frame, [&](const Command& command) {
    fuzz::Views::visit(
        command,
        [&](Text text) {
          check_within(frame, text);
          fuzz::check_text(text);
        },
        [&](Payload payload) { check_within(frame, payload); });
    if (const auto* publish = std::get_if<PublishRequest>(&command.body);
        publish != nullptr && !publish->data.empty()) {
      check_published(publish->data);
    }
    return true;
  });
  if (!decoded) MILLRACE_ASSERT(decoded.error().code == base::ErrorCode::kInvalid);
  return 0;
}
