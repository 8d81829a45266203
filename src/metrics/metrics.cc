// One pass over the fixed table renders the page. Series of one family stand together in
// families.h, so its HELP and TYPE are written when the family's name changes.
#include "metrics/metrics.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "base/assert.h"

namespace millrace::metrics {
namespace {

struct Series {
  std::string_view family;
  std::string_view labels;
  std::string_view help;
};

struct HistogramSeries {
  Series series;
  std::span<const double> bounds;
};

constexpr Series kCounterSeries[] = {
#define MILLRACE_SERIES(name, family, labels, help) {family, labels, help},
    MILLRACE_COUNTERS(MILLRACE_SERIES)};

constexpr Series kGaugeSeries[] = {MILLRACE_GAUGES(MILLRACE_SERIES)};

constexpr Series kTransportCounterSeries[] = {MILLRACE_TRANSPORT_COUNTERS(MILLRACE_SERIES)};
constexpr Series kTransportGaugeSeries[] = {MILLRACE_TRANSPORT_GAUGES(MILLRACE_SERIES)};
#undef MILLRACE_SERIES

template <class E>
struct Sum {
  E of;
  Series series;
  std::span<const Transport> transports;
};

constexpr Sum<TransportCounter> kCounterSums[] = {
#define MILLRACE_SUM(name, family, labels, help, transports) \
  {TransportCounter::name, {family, labels, help}, transports},
    MILLRACE_COUNTER_SUMS(MILLRACE_SUM)
#undef MILLRACE_SUM
};

constexpr Sum<TransportGauge> kGaugeSums[] = {
#define MILLRACE_SUM(name, family, labels, help, transports) \
  {TransportGauge::name, {family, labels, help}, transports},
    MILLRACE_GAUGE_SUMS(MILLRACE_SUM)
#undef MILLRACE_SUM
};

#define MILLRACE_BOUNDS(name, family, labels, help, ...) \
  constexpr double name##Bounds[] = {__VA_ARGS__};
MILLRACE_HISTOGRAMS(MILLRACE_BOUNDS)
#undef MILLRACE_BOUNDS

constexpr HistogramSeries kHistogramSeries[] = {
#define MILLRACE_SERIES(name, family, labels, help, ...) {{family, labels, help}, name##Bounds},
    MILLRACE_HISTOGRAMS(MILLRACE_SERIES)
#undef MILLRACE_SERIES
};

// It has the labels that its users' dashboards had before us.
constexpr std::string_view kUsersGauge = "websocket_connections_total";

constexpr Series kCodeSeries[] = {
    {"millrace_disconnects_total", "code", "Connections closed by the server, by close code"},
    {"millrace_reply_errors_total", "code", "Commands answered with an error, by code"},
    {"millrace_api_errors_total", "code",
     "Calls of the server API answered with an error, by code"},
};
static_assert(std::size(kCodeSeries) == static_cast<size_t>(CodeCounter::kCount));

void append_head(std::string& page, const Series& series, std::string_view type) {
  fmt::format_to(std::back_inserter(page), "# HELP {0} {1}\n# TYPE {0} {2}\n", series.family,
                 series.help, type);
}

std::string braced(std::string_view labels) {
  return labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
}

// A label's value, escaped as the text format asks (backslash, quote, newline).
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

template <class Number>
void append_sample(std::string& page, std::string_view family, std::string_view labels,
                   Number value) {
  fmt::format_to(std::back_inserter(page), "{}{} {}\n", family, braced(labels), value);
}

std::string with_transport(std::string_view labels, Transport transport) {
  return fmt::format("{}{}transport=\"{}\"", labels, labels.empty() ? "" : ",", name_of(transport));
}

// Plain requests are not messages and open no client connection.
bool counts_plain_requests(TransportCounter counter) {
  return counter == TransportCounter::kBytesInbound || counter == TransportCounter::kBytesOutbound;
}

void append_process(std::string& page) {
  const ProcessStats stats = read_process_stats();
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       auto value) {
    fmt::format_to(std::back_inserter(page), "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name,
                   help, type, value);
  };
  add("process_cpu_seconds_total", "counter", "User and system CPU time in seconds",
      stats.cpu_seconds);
  add("process_resident_memory_bytes", "gauge", "Resident memory in bytes", stats.resident_bytes);
  add("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes", stats.virtual_bytes);
  add("process_open_fds", "gauge", "Open file descriptors", stats.open_files);
  add("process_max_fds", "gauge", "Limit on open file descriptors", stats.open_files_max);
  add("process_start_time_seconds", "gauge", "Start time since the Unix epoch in seconds",
      stats.start_time_seconds);
}

}  // namespace

Core::Core() : codes_(std::make_unique<std::remove_reference_t<decltype(*codes_)>>()) {}

void Core::observe(Histogram histogram, double value, uint64_t count) {
  HistogramCells& cells = histograms_[index(histogram)];
  const std::span<const double> bounds = kHistogramSeries[index(histogram)].bounds;
  const auto bucket = static_cast<size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin());
  bump(cells.buckets[bucket], count);
  const double sum = cells.sum.load(std::memory_order_relaxed) + value * static_cast<double>(count);
  cells.sum.store(sum, std::memory_order_relaxed);
}

void Core::add(CodeCounter counter, uint32_t code) {
  bump((*codes_)[index(counter)][code < kCodes ? code : 0], 1);
}

uint64_t Core::value(CodeCounter counter, uint32_t code) const {
  return read((*codes_)[index(counter)][code < kCodes ? code : 0]);
}

Registry::Registry(size_t cores, Options options) : options_(std::move(options)) {
  MILLRACE_ASSERT(cores > 0);
  for (const HistogramSeries& histogram : kHistogramSeries) {
    MILLRACE_ASSERT(histogram.bounds.size() < Core::kBucketsMax);
  }
  for (size_t i = 0; i < cores; ++i) cores_.push_back(std::make_unique<Core>());
}

uint64_t Registry::total(Counter counter) const {
  uint64_t sum = 0;
  for (const auto& core : cores_) sum += core->value(counter);
  return sum;
}

int64_t Registry::total(Gauge gauge) const {
  int64_t sum = 0;
  for (const auto& core : cores_) sum += core->value(gauge);
  return sum;
}

uint64_t Registry::total(TransportCounter counter, Transport transport) const {
  uint64_t sum = 0;
  for (const auto& core : cores_) sum += core->value(counter, transport);
  return sum;
}

int64_t Registry::total(TransportGauge gauge, Transport transport) const {
  int64_t sum = 0;
  for (const auto& core : cores_) sum += core->value(gauge, transport);
  return sum;
}

int64_t Registry::total(TransportGauge gauge) const {
  int64_t sum = 0;
  for (const Transport transport : kAllTransports) sum += total(gauge, transport);
  return sum;
}

void Registry::render_counters(std::string& page) const {
  std::string_view family;
  for (size_t i = 0; i < std::size(kCounterSeries); ++i) {
    const Series& series = kCounterSeries[i];
    if (series.family != family) append_head(page, series, "counter");
    family = series.family;
    append_sample(page, series.family, series.labels, total(static_cast<Counter>(i)));
  }
}

void Registry::render_transport_counters(std::string& page) const {
  std::string_view family;
  for (const auto& [of, series, transports] : kCounterSums) {
    if (series.family != family) append_head(page, series, "counter");
    family = series.family;
    uint64_t sum = 0;
    for (const Transport transport : transports) sum += total(of, transport);
    append_sample(page, family, series.labels, sum);
  }
  for (size_t i = 0; i < std::size(kTransportCounterSeries); ++i) {
    const Series& series = kTransportCounterSeries[i];
    const auto counter = static_cast<TransportCounter>(i);
    if (series.family != family) append_head(page, series, "counter");
    family = series.family;
    const auto append = [&](Transport transport) {
      append_sample(page, family, with_transport(series.labels, transport),
                    total(counter, transport));
    };
    std::ranges::for_each(kAllTransports, append);
    if (counts_plain_requests(counter)) append(Transport::kHttp);
  }
}

void Registry::render_codes(std::string& page) const {
  for (size_t i = 0; i < std::size(kCodeSeries); ++i) {
    append_head(page, kCodeSeries[i], "counter");
    for (size_t code = 0; code < Core::kCodes; ++code) {
      uint64_t sum = 0;
      for (const auto& core : cores_) sum += Core::read((*core->codes_)[i][code]);
      if (sum == 0) continue;
      fmt::format_to(std::back_inserter(page), "{}{{code=\"{}\"}} {}\n", kCodeSeries[i].family,
                     code, sum);
    }
  }
}

void Registry::render_gauges(std::string& page) const {
  for (size_t i = 0; i < std::size(kGaugeSeries); ++i) {
    const Series& series = kGaugeSeries[i];
    append_head(page, series, "gauge");
    append_sample(page, series.family, series.labels, total(static_cast<Gauge>(i)));
  }
}

void Registry::render_transport_gauges(std::string& page) const {
  const std::string node = fmt::format("region=\"{}\",server_id=\"{}\"", escaped(options_.region),
                                       escaped(options_.server_id));
  for (const auto& [of, series, transports] : kGaugeSums) {
    append_head(page, series, "gauge");
    int64_t sum = 0;
    for (const Transport transport : transports) sum += total(of, transport);
    const bool users = series.family == kUsersGauge;
    append_sample(page, series.family, users ? std::string_view(node) : series.labels, sum);
  }
  for (size_t i = 0; i < std::size(kTransportGaugeSeries); ++i) {
    const Series& series = kTransportGaugeSeries[i];
    append_head(page, series, "gauge");
    for (const Transport transport : kAllTransports) {
      append_sample(page, series.family, with_transport(series.labels, transport),
                    total(static_cast<TransportGauge>(i), transport));
    }
  }
}

void Registry::render_histograms(std::string& page) const {
  for (size_t i = 0; i < std::size(kHistogramSeries); ++i) {
    const auto& [series, bounds] = kHistogramSeries[i];
    append_head(page, series, "histogram");
    uint64_t cumulative = 0;
    double sum = 0;
    for (const auto& core : cores_) sum += core->histograms_[i].sum.load(std::memory_order_relaxed);
    for (size_t bucket = 0; bucket <= bounds.size(); ++bucket) {
      for (const auto& core : cores_)
        cumulative += Core::read(core->histograms_[i].buckets[bucket]);
      const std::string bound = bucket < bounds.size() ? fmt::format("{}", bounds[bucket]) : "+Inf";
      fmt::format_to(std::back_inserter(page), "{}_bucket{{{}{}le=\"{}\"}} {}\n", series.family,
                     series.labels, series.labels.empty() ? "" : ",", bound, cumulative);
    }
    fmt::format_to(std::back_inserter(page), "{0}_sum{1} {2}\n{0}_count{1} {3}\n", series.family,
                   braced(series.labels), sum, cumulative);
  }
}

std::string Registry::render() const {
  std::string page;
  page.reserve(16'384);
  render_counters(page);
  render_transport_counters(page);
  render_codes(page);
  render_gauges(page);
  render_transport_gauges(page);
  render_histograms(page);
  fmt::format_to(
      std::back_inserter(page),
      "# HELP millrace_build_info The version that runs\n# TYPE millrace_build_info gauge\n"
      "millrace_build_info{{version=\"{}\"}} 1\n",
      escaped(options_.version));
  append_process(page);
  return page;
}

}  // namespace millrace::metrics
