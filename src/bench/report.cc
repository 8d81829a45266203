#include "bench/report.h"

#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_text.h"

namespace millrace::bench {
namespace {

constexpr std::array<std::pair<const char*, double>, 4> kQuantiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}};

// The figures that follow from what was counted; none where the scenario has nothing to say.
struct Derived {
  int64_t published = 0;
  int64_t deliveries = 0;
  double deliveries_per_second = 0;
  double server_cpu = 0;
  std::optional<double> ns_per_delivery;
  std::optional<double> ns_per_message;
  std::optional<double> us_per_connection;
  std::optional<double> bytes_per_connection;
  std::optional<double> cores_per_million;
  int64_t received_bytes = 0;
  std::optional<double> bytes_per_delivery;
  int64_t rss_before = 0;
  int64_t rss_after = 0;
  bool flows = false;
};

std::optional<double> ratio(double over, double under) {
  if (under <= 0) return std::nullopt;
  return over / under;
}

Derived derive(const Report& report) {
  const Measured& m = report.measured;
  const ScenarioKind scenario = report.options.scenario;
  const bool connect = scenario == ScenarioKind::kConnect;
  const bool idle = scenario == ScenarioKind::kIdle;
  const bool round_trips = scenario == ScenarioKind::kEcho || scenario == ScenarioKind::kPublish;
  Derived d;
  d.flows = !connect && !idle;
  d.published = m.after.published - m.before.published;
  d.deliveries = m.after.deliveries - m.before.deliveries;
  const auto deliveries = static_cast<double>(d.deliveries);
  d.deliveries_per_second = ratio(deliveries, m.seconds).value_or(0);
  d.received_bytes = m.after.received_bytes - m.before.received_bytes;
  if (d.flows) d.bytes_per_delivery = ratio(static_cast<double>(d.received_bytes), deliveries);
  d.rss_before = (d.flows ? m.server_before : m.server_idle).rss_bytes;
  d.rss_after = (d.flows ? m.server_after : m.server_opened).rss_bytes;
  d.server_cpu = m.server_after.cpu_seconds - m.server_before.cpu_seconds;
  const auto joined = static_cast<double>(m.whole.joined);
  if (round_trips)
    d.ns_per_message = ratio(d.server_cpu * 1e9, deliveries);
  else if (d.flows)
    d.ns_per_delivery = ratio(d.server_cpu * 1e9, deliveries);
  if (connect) d.us_per_connection = ratio(d.server_cpu * 1e6, joined);
  if (!d.flows)
    d.bytes_per_connection = ratio(static_cast<double>(d.rss_after - d.rss_before), joined);
  if (idle && m.seconds > 0) d.cores_per_million = ratio(d.server_cpu / m.seconds * 1e6, joined);
  return d;
}

[[gnu::format(printf, 1, 2)]] std::string print(const char* format, ...) {
  std::array<char, 256> text{};
  va_list arguments;
  va_start(arguments, format);
  const int count = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  return {text.data(), static_cast<size_t>(count)};
}

// 1234567 as 1,234,567
std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  const size_t first = text.starts_with('-') ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string grouped(double number) {
  return grouped(static_cast<int64_t>(std::llround(number)));
}

std::string micro(int64_t ns) {
  return print("%.1f", static_cast<double>(ns) / 1e3);
}

// One JSON object, member by member.
class Object {
 public:
  Object& raw(std::string_view name, std::string_view value) {
    text_ += text_.size() > 1 ? "," : "";
    base::append_json_string(text_, name);
    (text_ += ":") += value;
    return *this;
  }
  Object& number(std::string_view name, double value) { return raw(name, print("%.6g", value)); }
  Object& number(std::string_view name, const std::optional<double>& value) {
    return value ? number(name, *value) : *this;
  }
  Object& count(std::string_view name, int64_t value) { return raw(name, std::to_string(value)); }
  Object& count_if_any(std::string_view name, size_t value) {
    return value == 0 ? *this : count(name, static_cast<int64_t>(value));
  }
  Object& string(std::string_view name, std::string_view value) {
    std::string quoted;
    base::append_json_string(quoted, value);
    return raw(name, quoted);
  }
  std::string end() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

std::string latency_json(const Histogram& latency) {
  Object object;
  for (const auto& [name, share] : kQuantiles) object.raw(name, micro(latency.quantile(share)));
  return object.raw("max", micro(latency.max())).end();
}

std::string server_json(const Report& report, const Derived& d) {
  std::string pids;
  for (const pid_t pid : report.options.server_pids)
    pids += (pids.empty() ? "" : ",") + std::to_string(pid);
  return Object()
      .raw("pids", "[" + pids + "]")
      .number("cpu_seconds", d.server_cpu)
      .number("cpu_ns_per_delivery", d.ns_per_delivery)
      .number("cpu_us_per_connection", d.us_per_connection)
      .number("cpu_ns_per_message", d.ns_per_message)
      .count("rss_before_bytes", d.rss_before)
      .count("rss_after_bytes", d.rss_after)
      .number("rss_bytes_per_connection", d.bytes_per_connection)
      .number("cores_per_million_connections", d.cores_per_million)
      .end();
}

class Table {
 public:
  Table& row(std::string_view name, const std::string& value) {
    std::string line = "  " + std::string(name);
    line.resize(std::max(line.size() + 1, size_t{30}), ' ');
    text_ += line + value + "\n";
    return *this;
  }
  Table& row_if(bool there, std::string_view name, const std::string& value) {
    return there ? row(name, value) : *this;
  }
  Table& title(const std::string& text) {
    text_ += text + "\n";
    return *this;
  }
  std::string end() { return std::move(text_); }

 private:
  std::string text_;
};

std::string title_of(const Report& report) {
  const Options& options = report.options;
  std::string text = std::string(name_of(options.scenario));
  if (options.scenario != ScenarioKind::kEcho) {
    text += ", " + std::string(name_of(options.dialect));
    if (options.dialect == DialectKind::kCentrifuge)
      text += options.protobuf ? " protobuf" : " json";
  }
  if (options.transport != TransportKind::kWebSocket)
    text += ", " + std::string(name_of(options.transport));
  if (options.compression) text += ", compressed";
  if (report.processes > 1) text += ", " + std::to_string(report.processes) + " processes";
  if (report.measured.interrupted) text += ", interrupted";
  return text;
}

const char* latency_name(ScenarioKind scenario) {
  switch (scenario) {
    case ScenarioKind::kConnect:
    case ScenarioKind::kIdle:
      return "until ready, us";
    case ScenarioKind::kEcho:
    case ScenarioKind::kPublish:
      return "round trip, us";
    case ScenarioKind::kReconnect:
      return "until back, us";
    default:
      return "latency, us";
  }
}

void add_server(const Report& report, const Derived& d, Table& table) {
  if (report.options.server_pids.empty()) return;
  const double seconds = report.measured.seconds;
  const double share = ratio(d.server_cpu * 100, seconds).value_or(0);
  table.title("server").row("cpu", print("%.2f s (%.0f %% of a core)", d.server_cpu, share));
  const auto add = [&](const char* name, const std::optional<double>& value, int digits) {
    if (value) table.row(name, print("%.*f", digits, *value));
  };
  add("cpu per delivery, ns", d.ns_per_delivery, 0);
  add("cpu per round trip, ns", d.ns_per_message, 0);
  add("cpu per connection, us", d.us_per_connection, 1);
  add("cores per million connections", d.cores_per_million, 3);
  table.row("memory before, bytes", grouped(d.rss_before));
  table.row("memory after, bytes", grouped(d.rss_after));
  add("memory per connection, bytes", d.bytes_per_connection, 0);
}

}  // namespace

bool is_clean(const Report& report) {
  const Measured& m = report.measured;
  return m.complete && m.whole.joined > 0 && m.whole.failed == 0 && m.whole.disconnects == 0 &&
         m.whole.lost == 0 && m.whole.duplicated == 0 && m.whole.out_of_order == 0 &&
         m.whole.refused == 0;
}

std::string table_of(const Report& report) {
  const Measured& m = report.measured;
  const Derived d = derive(report);
  Table table;
  table.title(title_of(report))
      .row("measured, s", print("%.2f", m.seconds))
      .row("connections made", grouped(m.whole.joined))
      .row_if(report.options.scenario == ScenarioKind::kConnect, "connections per second",
              grouped(ratio(static_cast<double>(m.after.joined), m.seconds).value_or(0)))
      .row("connections failed", grouped(m.whole.failed))
      .row("connections cut off", grouped(m.whole.disconnects));
  if (d.flows) {
    table.row("published", grouped(d.published))
        .row("deliveries", grouped(d.deliveries))
        .row("deliveries per second", grouped(d.deliveries_per_second))
        .row("bytes per delivery", print("%.1f", d.bytes_per_delivery.value_or(0)))
        .row("lost", grouped(m.whole.lost))
        .row("duplicated", grouped(m.whole.duplicated))
        .row("out of order", grouped(m.whole.out_of_order));
  }
  table.row_if(m.whole.refused > 0, "commands refused", grouped(m.whole.refused));
  if (report.latency.count() > 0) {
    std::string text;
    for (const auto& [name, share] : kQuantiles)
      text += std::string(name) + " " + micro(report.latency.quantile(share)) + "  ";
    table.row(latency_name(report.options.scenario), text + "max " + micro(report.latency.max()));
  }
  add_server(report, d, table);
  table.title("generator")
      .row("cpu", print("%.2f s (%.0f %% of a core)", m.generator_cpu_seconds,
                        ratio(m.generator_cpu_seconds * 100, m.seconds).value_or(0)));
  return table.end();
}

std::string json_of(const Report& report) {
  const Options& options = report.options;
  const Measured& m = report.measured;
  const Derived d = derive(report);
  Object object;
  object.string("scenario", name_of(options.scenario)).string("dialect", name_of(options.dialect));
  if (options.dialect == DialectKind::kCentrifuge)
    object.string("format", options.protobuf ? "protobuf" : "json");
  object.string("transport", name_of(options.transport));
  if (options.compression) object.raw("compression", "true");
  object.count("connections", static_cast<int64_t>(options.connections_in_all()))
      .count_if_any("subscribers", options.subscribers)
      .count_if_any("publishers", options.publishers)
      .count_if_any("channels", options.channels)
      .count_if_any("payload_bytes", options.payload_bytes)
      .count_if_any("window", options.window);
  if (options.rate > 0) object.number("rate", options.rate);
  object.number("seconds", m.seconds).count("joined", m.whole.joined);
  if (d.flows) {
    object.count("published", d.published)
        .count("deliveries", d.deliveries)
        .number("deliveries_per_second", d.deliveries_per_second)
        .count("received_bytes", d.received_bytes)
        .number("bytes_per_delivery", d.bytes_per_delivery)
        .count("lost", m.whole.lost)
        .count("duplicated", m.whole.duplicated)
        .count("out_of_order", m.whole.out_of_order);
  }
  object.count("failed_connections", m.whole.failed).count("disconnects", m.whole.disconnects);
  object.count("refused", m.whole.refused);
  if (m.interrupted) object.raw("interrupted", "true");
  if (!m.problem.empty()) object.string("problem", m.problem);
  if (report.latency.count() > 0) object.raw("latency_us", latency_json(report.latency));
  if (!options.server_pids.empty()) object.raw("server", server_json(report, d));
  return object
      .raw("generator", Object()
                            .number("cpu_seconds", m.generator_cpu_seconds)
                            .count("processes", static_cast<int64_t>(report.processes))
                            .end())
      .end();
}

}  // namespace millrace::bench
