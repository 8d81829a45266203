// The report for programs.
#include <string>

#include "base/json_text.h"
#include "doctor/assumptions.h"
#include "doctor/doctor.h"

namespace millrace::doctor {
namespace {

std::string_view json_name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kChange:
      return "change";
    case Verdict::kLimit:
      return "limit";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

// {"a":1,"b":"x"}: `add` writes the value behind the name.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::string& name(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    base::append_json_string(out_, name);
    return out_ += ':';
  }
  void text(std::string_view key, std::string_view value) {
    base::append_json_string(name(key), value);
  }
  void number(std::string_view key, Number value) {
    name(key) += value ? std::to_string(*value) : "null";
  }
  void flag(std::string_view key, bool value) { name(key) += value ? "true" : "false"; }

 private:
  std::string& out_;
  bool first_ = true;
};

template <class Items, class Append>
void append_array(std::string& out, const Items& items, Append append) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
  out += ']';
}

void append_finding(std::string& out, const Finding& finding) {
  Object object(out);
  object.text("id", finding.id);
  object.text("title", finding.title);
  object.text("verdict", json_name_of(finding.verdict));
  object.text("now", finding.now);
  object.text("explanation", finding.explanation);
  object.number("connections", finding.connections);
  object.number("connections_after", finding.after);
  {
    Object sysctls(object.name("sysctls"));
    for (const Sysctl& sysctl : finding.sysctls) sysctls.text(sysctl.key, sysctl.value);
  }
  append_array(object.name("remedies"), finding.remedies, [&](const Remedy& remedy) {
    Object one(out);
    one.text("where", remedy.where);
    one.text("text", remedy.text);
  });
}

void append_bound(Object& object, std::string_view prefix, const std::optional<Bound>& bound) {
  object.number(prefix, bound ? Number(bound->connections) : std::nullopt);
  std::string& out = object.name(std::string(prefix) + "_limited_by");
  if (bound) {
    base::append_json_string(out, bound->id);
  } else {
    out += "null";
  }
}

}  // namespace

std::string to_json(const Report& report) {
  std::string out;
  {
    Object object(out);
    append_bound(object, "connections", report.now);
    append_bound(object, "connections_after", report.after);
    object.number("target", report.target);
    object.flag("target_met", report.target_met());
    object.flag("container", report.container);
    object.flag("tls", report.tls);
    {
      Object assumptions(object.name("assumptions"));
      assumptions.number("user_bytes", kUserBytes);
      assumptions.number("tls_bytes", kTlsBytes);
      assumptions.number("kernel_bytes", kKernelBytes);
      assumptions.number("connections_per_buffer_page", kConnectionsPerBufferPage);
      assumptions.number("ping_microseconds", kPingMicroseconds);
    }
    append_array(object.name("findings"), report.findings,
                 [&](const Finding& finding) { append_finding(out, finding); });
  }
  return out + "\n";
}

}  // namespace millrace::doctor
