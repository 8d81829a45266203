// What each byte that a client sends goes through: unmasking, framing, and the check of its UTF-8.
#include <benchmark/benchmark.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "bench/instructions/messages.h"
#include "websocket/unmask.h"
#include "websocket/utf8.h"
#include "websocket/websocket.h"

namespace millrace::micro {
namespace {

void unmask(benchmark::State& state) {
  // Not where memory begins a new line: a payload stands behind its header.
  constexpr size_t kHeader = 6;
  std::string bytes(kHeader + static_cast<size_t>(state.range(0)), 'x');
  const std::span<char> payload = std::span(bytes).subspan(kHeader);
  for (auto _ : state) {
    benchmark::DoNotOptimize(websocket::unmask(payload, 0x12345678));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

class Counter final : public websocket::Receiver {
 public:
  bool on_message(websocket::Opcode, std::string_view payload) override {
    benchmark::DoNotOptimize(payload.data());
    ++messages;
    return true;
  }
  bool on_ping(std::string_view) override { return true; }
  bool on_pong(std::string_view) override { return true; }
  void on_close(uint16_t, std::string_view) override {}
  void on_error(websocket::CloseCode, std::string_view) override {}

  size_t messages = 0;
};

// Frames of so many bytes that came in one read. Unmasking destroys them, so they are copied each
// time, as a read does.
void decode_frames(benchmark::State& state) {
  const std::string payload = instructions::payload(static_cast<size_t>(state.range(0)));
  const std::string frame = instructions::masked_frame(protocol::Format::kJson, payload);
  std::string input;
  for (int64_t i = 0; i < state.range(1); ++i) input += frame;
  std::string scratch(input.size(), '\0');
  websocket::Decoder decoder;
  websocket::CoreScratch core;
  Counter counter;
  for (auto _ : state) {
    std::memcpy(scratch.data(), input.data(), input.size());
    decoder.feed(scratch, {}, core, counter);
  }
  MILLRACE_ASSERT(counter.messages == static_cast<size_t>(state.iterations() * state.range(1)));
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

void utf8(benchmark::State& state, std::string_view character) {
  std::string text;
  while (text.size() < static_cast<size_t>(state.range(0))) text += character;
  for (auto _ : state) {
    websocket::Utf8Check check;
    const bool valid = check.add(text) && check.complete();
    MILLRACE_ASSERT(valid);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

BENCHMARK(unmask)->RangeMultiplier(8)->Range(16, 64 << 10);
BENCHMARK(decode_frames)->Args({32, 1})->Args({125, 1})->Args({32, 64});
BENCHMARK_CAPTURE(utf8, ascii, "x")->Arg(125)->Arg(16 << 10);
BENCHMARK_CAPTURE(utf8, cyrillic, "\u0436")->Arg(125)->Arg(16 << 10);
BENCHMARK_CAPTURE(utf8, emoji, "\U0001F600")->Arg(125)->Arg(16 << 10);

}  // namespace
}  // namespace millrace::micro
