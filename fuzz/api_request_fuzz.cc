// What a backend may send to the server API. The first byte says where to: a method, a batch, or
// lines. Whatever comes, what was read keeps to the bounds, payloads can stand in a frame as they
// are, and a refusal can be written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/api.h"
#include "api/calls.h"
#include "api/results.h"
#include "base/assert.h"
#include "protocol/protocol.h"

namespace {

using namespace millrace;
using namespace millrace::api;

bool is_line(std::string_view json) {
  return json.find_first_of("\r\n") == std::string_view::npos && protocol::valid_json(json);
}

void check_payload(const base::SharedBytes& payload, bool is_json) {
  if (is_json) MILLRACE_ASSERT(payload.empty() || is_line(payload.view()));
}

void check_publish(const hub::PublishAsk& what) {
  MILLRACE_ASSERT(!what.data.empty());
  MILLRACE_ASSERT(what.is_json == protocol::valid_json(what.data.view()));
  check_payload(what.data, what.is_json);
  MILLRACE_ASSERT(what.tags.size() <= kTagsMax);
  size_t bytes = 0;
  for (const auto& [name, value] : what.tags) bytes += name.size() + value.size();
  MILLRACE_ASSERT(bytes <= kTagBytesMax);
  MILLRACE_ASSERT(what.idempotency_key.size() <= kIdempotencyKeyBytesMax);
}

struct Check {
  void operator()(const Publish& call) const {
    MILLRACE_ASSERT(!call.channel.empty());
    check_publish(call.what);
  }
  void operator()(const Broadcast& call) const {
    MILLRACE_ASSERT(!call.channels.empty() && call.channels.size() <= kBroadcastChannelsMax);
    check_publish(call.what);
  }
  void operator()(const hub::Order& call) const {
    if (const auto* subscribe = std::get_if<hub::SubscribeOrder>(&call.what)) {
      MILLRACE_ASSERT(!subscribe->channel.empty() && subscribe->how.expire_at >= 0);
      check_payload(subscribe->how.chan_info, true);
      check_payload(subscribe->how.data, subscribe->how.data_is_json);
    }
    if (const auto* disconnect = std::get_if<hub::DisconnectOrder>(&call.what)) {
      MILLRACE_ASSERT(disconnect->code >= 3000 && disconnect->code <= 4999);
      MILLRACE_ASSERT(disconnect->reason.size() <= 123);
      MILLRACE_ASSERT(disconnect->keep.size() <= kWhitelistMax);
    }
    const auto* refresh = std::get_if<hub::RefreshOrder>(&call.what);
    if (refresh != nullptr && refresh->info) check_payload(*refresh->info, true);
  }
  void operator()(const Presence& call) const { MILLRACE_ASSERT(!call.channel.empty()); }
  void operator()(const History& call) const { MILLRACE_ASSERT(!call.channel.empty()); }
  void operator()(const HistoryRemove& call) const { MILLRACE_ASSERT(!call.channel.empty()); }
  void operator()(const Channels& call) const {
    MILLRACE_ASSERT(call.pattern.size() <= kPatternBytesMax);
  }
  void operator()(const Info&) const {}
  void operator()(const hub::Ban& call) const {
    MILLRACE_ASSERT(!call.subject.empty() && call.expire_at >= 0 && call.issued_before >= 0);
  }
  void operator()(const Lift& call) const { MILLRACE_ASSERT(!call.subject.empty()); }
};

void check_refusal(const Failure& failure) {
  constexpr uint32_t kCodes[] = {104, 106, 107, 108};
  MILLRACE_ASSERT(std::ranges::find(kCodes, failure.code) != std::end(kCodes));
  MILLRACE_ASSERT(failure.message.size() < 1024);
  MILLRACE_ASSERT(protocol::valid_json(failure_text(failure)));
}

void check(const Read<Call>& call) {
  if (call) {
    std::visit(Check(), *call);
  } else {
    check_refusal(call.error());
  }
}

void check_batch(std::string_view body) {
  const Read<Batch> batch = read_batch(body);
  if (!batch) return check_refusal(batch.error());
  MILLRACE_ASSERT(batch->commands.size() <= kCommandsMax);
  for (const Command& command : batch->commands) check(command.call);
}

void check_lines(std::string_view body) {
  const Read<std::vector<Line>> lines = read_lines(body);
  if (!lines) {
    if (lines.error().code != 0) check_refusal(lines.error());
    return;
  }
  MILLRACE_ASSERT(!lines->empty() && lines->size() <= kCommandsMax);
  for (const Line& line : *lines) check(line.command.call);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t where = data[0] % (kMethods + 2);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (where == kMethods) {
    check_lines(body);
  } else if (protocol::valid_json(body)) {
    if (where < kMethods) {
      check(read_call(static_cast<Method>(where), body));
    } else {
      check_batch(body);
    }
  }
  return 0;
}
