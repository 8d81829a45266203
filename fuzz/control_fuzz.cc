// What nodes send each other. Whatever comes, it is read or refused; and what was read, written
// anew, is read as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "edge/control_codec.h"

namespace {

using namespace millrace;
using namespace millrace::edge;

void check_ask(const ControlAsk& ask) {
  const auto again = decode_control(encode(ask));
  MILLRACE_ASSERT(again.has_value());
  const auto* const same = std::get_if<ControlAsk>(&*again);
  MILLRACE_ASSERT(same != nullptr);
  MILLRACE_ASSERT(same->from == ask.from);
  MILLRACE_ASSERT(same->id == ask.id);
  MILLRACE_ASSERT(same->request.session == ask.request.session);
  MILLRACE_ASSERT(same->request.kind == ask.request.kind);
  MILLRACE_ASSERT(same->request.data == ask.request.data);
  MILLRACE_ASSERT(same->request.ack == ask.request.ack);
}

void check_answer(const ControlAnswer& answer) {
  const int status = answer.answer.status;
  MILLRACE_ASSERT(status == 200 || status == 204 || (status >= 400 && status < 600));
  for (const char c : answer.answer.content_type) MILLRACE_ASSERT(c >= ' ' && c <= '~');
  const auto again = decode_control(encode(answer));
  MILLRACE_ASSERT(again.has_value());
  const auto* const same = std::get_if<ControlAnswer>(&*again);
  MILLRACE_ASSERT(same != nullptr);
  MILLRACE_ASSERT(same->from == answer.from);
  MILLRACE_ASSERT(same->id == answer.id);
  MILLRACE_ASSERT(same->answer.status == status);
  MILLRACE_ASSERT(same->answer.body == answer.answer.body);
  MILLRACE_ASSERT(same->answer.content_type == answer.answer.content_type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto control = decode_control(bytes);
  if (!control) return 0;
  if (const auto* const ask = std::get_if<ControlAsk>(&*control)) check_ask(*ask);
  if (const auto* const answer = std::get_if<ControlAnswer>(&*control)) check_answer(*answer);
  return 0;
}
