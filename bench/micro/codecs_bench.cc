// Commands to bytes and back: what a client's command costs before anybody looks at it, and what a
// publication does once for each wire format.
#include <benchmark/benchmark.h>

#include <string>

#include "base/assert.h"
#include "bench/instructions/messages.h"
#include "model/model.h"
#include "protocol/protocol.h"

namespace millrace::micro {
namespace {

using protocol::Format;

void decode(benchmark::State& state, Format format, const std::string& message) {
  for (auto _ : state) {
    size_t commands = 0;
    const base::Result<> result =
        protocol::decode_commands(format, message, [&](const protocol::Command& command) {
          benchmark::DoNotOptimize(&command);
          ++commands;
          return true;
        });
    MILLRACE_ASSERT(result && commands == 1);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(message.size()));
}

void decode_connect(benchmark::State& state, Format format) {
  decode(state, format, instructions::connect_message(format));
}
void decode_subscribe(benchmark::State& state, Format format) {
  decode(state, format, instructions::subscribe_message(format, 2, "room-1234"));
}
void decode_publish(benchmark::State& state, Format format) {
  const std::string data = instructions::payload(static_cast<size_t>(state.range(0)));
  decode(state, format, instructions::publish_message(format, 3, "room-1234", data));
}

void encode_publication(benchmark::State& state, Format format) {
  const std::string data = instructions::payload(static_cast<size_t>(state.range(0)));
  const model::Publication publication{.offset = model::Offset{4711},
                                       .data = base::SharedBytes::copy_of(data)};
  std::string frame;
  for (auto _ : state) {
    frame.clear();
    protocol::append_push(format, frame, "room-1234",
                          protocol::PublicationPush{.publication = publication});
    benchmark::DoNotOptimize(frame.data());
  }
  MILLRACE_ASSERT(frame.find(data) != std::string::npos);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK_CAPTURE(decode_connect, json, Format::kJson);
BENCHMARK_CAPTURE(decode_connect, protobuf, Format::kProtobuf);
BENCHMARK_CAPTURE(decode_subscribe, json, Format::kJson);
BENCHMARK_CAPTURE(decode_subscribe, protobuf, Format::kProtobuf);
BENCHMARK_CAPTURE(decode_publish, json, Format::kJson)->Arg(125)->Arg(1024);
BENCHMARK_CAPTURE(decode_publish, protobuf, Format::kProtobuf)->Arg(125)->Arg(1024);
BENCHMARK_CAPTURE(encode_publication, json, Format::kJson)->Arg(125)->Arg(1024);
BENCHMARK_CAPTURE(encode_publication, protobuf, Format::kProtobuf)->Arg(125)->Arg(1024);

}  // namespace
}  // namespace millrace::micro
