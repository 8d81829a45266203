// What clients send in HTTP requests, beside frames. The first byte says which: an emulation
// request in either format, a poll, or a connect request. Whatever comes, every view can be read to
// its end, and a request is handed over once, or never with an error. Commands in a session's data
// are read as the session will read them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/json_text.h"
#include "commands.h"
#include "protocol/protocol.h"

namespace {

using namespace millrace;
using namespace millrace::protocol;

void check_outcome(const base::Result<>& decoded, size_t requests) {
  MILLRACE_ASSERT(requests == (decoded ? 1U : 0U));
  if (decoded) return;
  MILLRACE_ASSERT(decoded.error().code == base::ErrorCode::kInvalid);
  MILLRACE_ASSERT(!decoded.error().message.empty());
}

void check_payload(std::string_view text, Payload payload) {
  if (payload.empty()) return;
  MILLRACE_ASSERT(payload.data() >= text.data());
  MILLRACE_ASSERT(payload.data() + payload.size() <= text.data() + text.size());
  MILLRACE_ASSERT(valid_json(payload));
}

// The same request, written anew, is read as the same.
void check_again(const EmulationRequest& request) {
  std::string body = "{\"data\":";
  base::append_json_string(body, request.data);
  body += ",\"session\":";
  base::append_json_string(body, request.session);
  body += ",\"node\":";
  base::append_json_string(body, request.node);
  body += '}';
  const auto decoded = decode_emulation(Format::kJson, body, [&](const EmulationRequest& again) {
    MILLRACE_ASSERT(again.data == request.data);
    MILLRACE_ASSERT(again.session == request.session);
    MILLRACE_ASSERT(again.node == request.node);
  });
  MILLRACE_ASSERT(decoded);
}

void check_emulation(Format format, std::string_view body) {
  size_t requests = 0;
  const auto decoded = decode_emulation(format, body, [&](const EmulationRequest& request) {
    ++requests;
    fuzz::check_text(request.session);
    fuzz::check_text(request.node);
    if (format == Format::kJson) {
      fuzz::check_text(request.data);
      check_again(request);
    }
    const auto commands = decode_commands(format, request.data, [&](const Command& command) {
      fuzz::Views::visit(
          command, [](Text text) { fuzz::check_text(text); },
          [&](Payload payload) {
            if (format == Format::kJson) check_payload(request.data, payload);
          });
      return true;
    });
    if (!commands) MILLRACE_ASSERT(commands.error().code == base::ErrorCode::kInvalid);
  });
  check_outcome(decoded, requests);
}

void check_poll(std::string_view body) {
  size_t requests = 0;
  const auto decoded = decode_poll(body, [&](const PollRequest& request) {
    ++requests;
    fuzz::check_text(request.session);
    fuzz::check_text(request.node);
  });
  check_outcome(decoded, requests);
}

void check_connect(std::string_view json) {
  size_t requests = 0;
  const auto decoded = decode_connect(json, [&](const ConnectRequest& request) {
    ++requests;
    fuzz::Views::visit(
        Command{.body = request}, [](Text text) { fuzz::check_text(text); },
        [&](Payload payload) { check_payload(json, payload); });
  });
  check_outcome(decoded, requests);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      check_emulation(Format::kJson, body);
      break;
    case 1:
      check_emulation(Format::kProtobuf, body);
      break;
    case 2:
      check_poll(body);
      break;
    default:
      check_connect(body);
  }
  return 0;
}
