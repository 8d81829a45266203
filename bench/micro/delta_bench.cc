// Deltas between one publication and the next: once for each publication of a channel that has
// them.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>

#include "base/assert.h"
#include "delta/delta.h"

namespace millrace::micro {
namespace {

// A table of prices, of about so many bytes.
std::string prices(size_t bytes) {
  std::string text = R"({"prices":[)";
  for (size_t i = 0; text.size() < bytes; ++i) {
    if (i > 0) text += ',';
    text += R"({"symbol":"S)" + std::to_string(1000 + i) + R"(","price":)" +
            std::to_string(20'000 + i * 7919 % 10'000) + "}";
  }
  return text + "]}";
}

void create(benchmark::State& state, const std::string& source, const std::string& target) {
  delta::Encoder encoder;
  for (auto _ : state) {
    const std::optional<std::string> patch = encoder.create(source, target, delta::Text::kUtf8);
    MILLRACE_ASSERT(patch.has_value());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(target.size()));
}

// One price has changed.
void delta_of_one_place(benchmark::State& state) {
  const std::string source = prices(static_cast<size_t>(state.range(0)));
  std::string target = source;
  target[target.size() / 2] = '~';
  create(state, source, target);
}

// Every eighth entry has: what the two begin and end with is of no help.
void delta_of_many_places(benchmark::State& state) {
  const std::string source = prices(static_cast<size_t>(state.range(0)));
  std::string target = source;
  for (size_t i = 40; i < target.size(); i += 240) target[i] = '~';
  create(state, source, target);
}

BENCHMARK(delta_of_one_place)->Arg(1024)->Arg(16 << 10);
BENCHMARK(delta_of_many_places)->Arg(1024)->Arg(16 << 10);

}  // namespace
}  // namespace millrace::micro
