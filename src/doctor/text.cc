// The report for people.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/doctor.h"
#include "doctor/parse.h"
#include "doctor/words.h"

namespace millrace::doctor {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kTextColumn = 10;  // behind the verdict
constexpr size_t kTitleColumns = 31;

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kChange:
      return "CHANGE";
    case Verdict::kLimit:
      return "LIMIT";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string padded(std::string_view text, size_t columns) {
  std::string out(text);
  out.resize(std::max(columns, out.size() + 1), ' ');
  return out;
}

// Columns that UTF-8 takes on a terminal, for text without wide characters.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// `text` in lines of at most kColumns, each behind `indent` blanks.
std::string paragraph(std::string_view text, size_t indent) {
  std::string out;
  size_t column = 0;
  for (const std::string_view word : words_of(text)) {
    const size_t width = columns_of(word);
    if (column > 0 && column + 1 + width <= kColumns) {
      out += ' ';
      ++column;
    } else {
      out += (column > 0 ? "\n" : "") + std::string(indent, ' ');
      column = indent;
    }
    out += word;
    column += width;
  }
  return out + "\n";
}

std::string indented(std::string_view text, size_t indent) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string shell_text(const Sysctl& sysctl) {
  const bool quoted = sysctl.value.find(' ') != sysctl.value.npos;
  return "sysctl -w " + sysctl.key + "=" + (quoted ? "'" + sysctl.value + "'" : sysctl.value);
}

std::string finding_text(const Finding& finding) {
  constexpr size_t kNowColumn = kTextColumn + kTitleColumns;
  std::string out = "  " + padded(name_of(finding.verdict), kTextColumn - 2) +
                    padded(finding.title, kTitleColumns);
  out += paragraph(finding.now, kNowColumn).substr(kNowColumn);
  if (finding.connections)
    out += paragraph("allows " + grouped(*finding.connections) + " connections", kNowColumn);
  // Good news needs no explanation, unless there is something to know.
  if (finding.verdict == Verdict::kOk && finding.remedies.empty()) return out;
  out += paragraph(finding.explanation, kTextColumn);
  for (const Sysctl& sysctl : finding.sysctls) out += indented(shell_text(sysctl), kTextColumn + 2);
  for (const Remedy& remedy : finding.remedies) {
    out += paragraph(remedy.where + ":", kTextColumn);
    out += indented(remedy.text, kTextColumn + 2);
  }
  return out;
}

// Everything for /etc/sysctl.d in one piece. Not indented: the shell takes it as it is.
std::string sysctl_file(const Report& report) {
  std::string lines;
  for (const Finding& finding : report.findings)
    for (const Sysctl& sysctl : finding.sysctls) lines += sysctl.key + " = " + sysctl.value + "\n";
  if (lines.empty()) return "";
  std::string out = "\nThe kernel's settings for good, as root:\n\n";
  out += "cat > /etc/sysctl.d/90-millrace.conf <<'EOF'\n" + lines + "EOF\nsysctl --system\n";
  if (report.container) {
    out += "\n" + paragraph(
                      "This is a container. It shares its host's kernel: change these settings on "
                      "the host. Only net.core.somaxconn, net.ipv4.ip_local_port_range, "
                      "net.ipv4.tcp_max_syn_backlog and the like can be set for a container alone "
                      "(docker run --sysctl net.core.somaxconn=4096).",
                      0);
  }
  return out;
}

std::string bound_text(const Bound& bound) {
  return "about " + grouped(rounded_down(bound.connections)) +
         " connections (limited by: " + std::string(bound.title) + ")";
}

bool has(const Report& report, Verdict verdict) {
  return std::ranges::find(report.findings, verdict, &Finding::verdict) != report.findings.end();
}

std::string target_text(const Report& report) {
  if (!report.target) return "";
  const std::string wanted = "Wanted: " + grouped(*report.target) + ". ";
  if (report.target_met()) return wanted + "It can hold them.";
  if (!report.now) return wanted + "That cannot be said.";
  const bool later = !report.after || report.after->connections >= *report.target;
  if (later) return wanted + "It cannot hold them as it is; after the changes above it can.";
  return wanted + "It cannot hold them, also after the changes above.";
}

std::string summary_text(const Report& report) {
  if (!report.now) return "How many connections this machine can hold is unknown.";
  std::string out = "This machine can hold " + bound_text(*report.now);
  const bool more = report.after && report.after->connections > report.now->connections;
  if (more) {
    out += "; after the changes above " + bound_text(*report.after);
  } else if (!report.after) {
    out += "; after the changes above nothing that is known limits it";
  }
  out += ".";
  if (has(report, Verdict::kUnknown)) out += " What is unknown above was left out of this.";
  return out;
}

}  // namespace

std::string to_text(const Report& report) {
  std::string out = "How many connections can this machine hold?\n\n";
  for (const Finding& finding : report.findings) out += finding_text(finding);
  out += sysctl_file(report);
  out += "\n" + paragraph(summary_text(report), 0);
  if (const std::string target = target_text(report); !target.empty()) out += paragraph(target, 0);
  return out;
}

}  // namespace millrace::doctor
