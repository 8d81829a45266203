// Counters, gauges and histograms of one node: written by each core for itself, read by whoever
// renders /metrics.
//
// A Core is written on its own thread only (one relaxed store, no read-modify-write on a shared
// line); any thread may read. The families are a fixed table (families.h), so a metric costs an
// array index.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/families.h"
#include "metrics/transport.h"  // IWYU pragma: export

namespace millrace::metrics {

#define MILLRACE_ENUMERATOR(name, ...) name,
enum class Counter : uint16_t { MILLRACE_COUNTERS(MILLRACE_ENUMERATOR) kCount };
enum class Gauge : uint16_t { MILLRACE_GAUGES(MILLRACE_ENUMERATOR) kCount };
enum class Histogram : uint16_t { MILLRACE_HISTOGRAMS(MILLRACE_ENUMERATOR) kCount };
// Those that are told apart by transport.
enum class TransportCounter : uint8_t { MILLRACE_TRANSPORT_COUNTERS(MILLRACE_ENUMERATOR) kCount };
enum class TransportGauge : uint8_t { MILLRACE_TRANSPORT_GAUGES(MILLRACE_ENUMERATOR) kCount };
#undef MILLRACE_ENUMERATOR

// Counters that have a protocol code as their label.
enum class CodeCounter : uint8_t { kDisconnects, kReplyErrors, kApiErrors, kCount };

class Core {
 public:
  Core();

  void add(Counter counter, uint64_t n = 1) { bump(counters_[index(counter)], n); }
  void add(Gauge gauge, int64_t n) { bump(gauges_[index(gauge)], static_cast<uint64_t>(n)); }
  void add(TransportCounter counter, Transport transport, uint64_t n = 1) {
    bump(transport_counters_[index(counter, transport)], n);
  }
  void add(TransportGauge gauge, Transport transport, int64_t n) {
    bump(transport_gauges_[index(gauge, transport)], static_cast<uint64_t>(n));
  }
  // Adds `count` observations of `value`.
  void observe(Histogram histogram, double value, uint64_t count = 1);
  // Codes from 0 to 4999; others count as 0.
  void add(CodeCounter counter, uint32_t code);

  uint64_t value(Counter counter) const { return read(counters_[index(counter)]); }
  int64_t value(Gauge gauge) const { return static_cast<int64_t>(read(gauges_[index(gauge)])); }
  uint64_t value(TransportCounter counter, Transport transport) const {
    return read(transport_counters_[index(counter, transport)]);
  }
  int64_t value(TransportGauge gauge, Transport transport) const {
    return static_cast<int64_t>(read(transport_gauges_[index(gauge, transport)]));
  }
  uint64_t value(CodeCounter counter, uint32_t code) const;

 private:
  friend class Registry;
  using Cell = std::atomic<uint64_t>;
  static constexpr size_t kBucketsMax = 12;
  static constexpr size_t kCodes = 5000;
  struct HistogramCells {
    std::array<Cell, kBucketsMax> buckets{};  // not cumulative; the last one used is +Inf
    std::atomic<double> sum{};
  };

  template <class E>
  static constexpr size_t index(E enumerator) {
    return static_cast<size_t>(enumerator);
  }
  static constexpr size_t kLabels = kTransports + 1;  // and Transport::kHttp
  template <class E>
  static constexpr size_t index(E enumerator, Transport transport) {
    return index(enumerator) * kLabels + index(transport);
  }
  static uint64_t read(const Cell& cell) { return cell.load(std::memory_order_relaxed); }
  static void bump(Cell& cell, uint64_t n) {
    cell.store(read(cell) + n, std::memory_order_relaxed);
  }

  std::array<Cell, static_cast<size_t>(Counter::kCount)> counters_{};
  std::array<Cell, static_cast<size_t>(Gauge::kCount)> gauges_{};
  std::array<Cell, static_cast<size_t>(TransportCounter::kCount) * kLabels> transport_counters_{};
  std::array<Cell, static_cast<size_t>(TransportGauge::kCount) * kLabels> transport_gauges_{};
  std::array<HistogramCells, static_cast<size_t>(Histogram::kCount)> histograms_{};
  std::unique_ptr<std::array<std::array<Cell, kCodes>, static_cast<size_t>(CodeCounter::kCount)>>
      codes_;
};

class Registry {
 public:
  struct Options {
    std::string region;     // label `region` of websocket_connections_total
    std::string server_id;  // label `server_id`
    std::string version;
  };

  Registry(size_t cores, Options options);

  size_t cores() const { return cores_.size(); }
  Core& core(size_t i) { return *cores_[i]; }

  // Sums over cores; from any thread.
  uint64_t total(Counter counter) const;
  int64_t total(Gauge gauge) const;
  uint64_t total(TransportCounter counter, Transport transport) const;
  int64_t total(TransportGauge gauge, Transport transport) const;
  int64_t total(TransportGauge gauge) const;  // over all transports

  // The whole page in the Prometheus text format, version 0.0.4, with process_* from /proc.
  std::string render() const;

 private:
  void render_counters(std::string& page) const;
  void render_transport_counters(std::string& page) const;
  void render_codes(std::string& page) const;
  void render_gauges(std::string& page) const;
  void render_transport_gauges(std::string& page) const;
  void render_histograms(std::string& page) const;

  Options options_;
  std::vector<std::unique_ptr<Core>> cores_;
};

// What /proc says of this process; zeros where it says nothing.
struct ProcessStats {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_files = 0;
  uint64_t open_files_max = 0;
  double start_time_seconds = 0;
};
ProcessStats read_process_stats();

}  // namespace millrace::metrics
