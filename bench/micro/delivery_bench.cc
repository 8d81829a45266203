// From a turn's publications to the bytes in the kernel's hands, without the kernel.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/assert.h"
#include "bench/instructions/messages.h"
#include "bench/instructions/peer.h"
#include "edge/fanout.h"
#include "edge/outbox.h"

namespace millrace::micro {
namespace {

constexpr size_t kPayloadBytes = 125;

class Counter final : public edge::Listener {
 public:
  void on_publications(const base::SharedBytes& frames, uint32_t count) override {
    benchmark::DoNotOptimize(frames.size());
    messages += count;
  }
  void on_not_json() override {}
  void on_interrupted(std::string_view) override {}
  void on_moved(const edge::LocalChannel&, uint32_t) override {}
  bool is_client(std::string_view) const override { return false; }

  size_t messages = 0;
};

void fan_out(benchmark::State& state, protocol::Format format) {
  constexpr size_t kListeners = 1000;
  const auto publications = static_cast<size_t>(state.range(0));
  metrics::Core metrics;
  edge::Fanout fanout({}, metrics);
  std::vector<Counter> listeners(kListeners);
  for (Counter& listener : listeners) {
    fanout.add("news", {.listener = &listener, .variant = {.format = format}});
  }
  const std::string data = instructions::payload(kPayloadBytes);
  const std::vector<hub::Event> events(publications,
                                       {.publication = {.data = base::SharedBytes::copy_of(data)}});
  for (auto _ : state) {
    const size_t deliveries = fanout.deliver("news", events);
    MILLRACE_ASSERT(deliveries == kListeners * publications);
  }
  MILLRACE_ASSERT(listeners.back().messages ==
                  static_cast<size_t>(state.iterations()) * publications);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kListeners * publications));
}

// So many frames in a turn, to a stream that takes everything.
void push_and_flush(benchmark::State& state) {
  instructions::Peer peer;
  const std::unique_ptr<net::Stream> stream = peer.stream();
  const auto frame = base::SharedBytes::copy_of(instructions::payload(kPayloadBytes));
  edge::Outbox outbox;
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) outbox.push(frame, 1);
    const edge::Outbox::Written written = outbox.flush(*stream);
    MILLRACE_ASSERT(written.flushed == edge::Outbox::Flushed::kAll);
  }
  MILLRACE_ASSERT(peer.bytes() ==
                  static_cast<size_t>(state.iterations() * state.range(0)) * kPayloadBytes);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK_CAPTURE(fan_out, json, protocol::Format::kJson)->Arg(1)->Arg(16);
BENCHMARK_CAPTURE(fan_out, protobuf, protocol::Format::kProtobuf)->Arg(1)->Arg(16);
BENCHMARK(push_and_flush)->Arg(1)->Arg(2)->Arg(16);

}  // namespace
}  // namespace millrace::micro
