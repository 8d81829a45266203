#include "doctor/parse.h"

#include <algorithm>
#include <charconv>

namespace millrace::doctor {
namespace {

// Version 1 has no word for "none": it is the largest multiple of a page.
constexpr uint64_t kCgroupNoLimit = uint64_t{1} << 62;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Number number_of(std::string_view digits) {
  uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

Number limit_of(std::string_view word) {
  return word == "unlimited" ? kNoLimit : number_of(word);
}

// What stands behind `start` in the line that begins with it.
std::optional<std::string_view> rest_of_line(std::string_view text, std::string_view start) {
  for (const std::string_view line : split(text, "\n"))
    if (line.starts_with(start)) return line.substr(start.size());
  return std::nullopt;
}

Number quota_millis(Number quota, Number period) {
  if (!quota || !period || *period == 0 || *quota > UINT64_MAX / 1000) return std::nullopt;
  return *quota * 1000 / *period;
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  return split(text, " \t\n");
}

Number parse_number(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  return words.size() == 1 ? number_of(words[0]) : std::nullopt;
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 2) return std::nullopt;
  const Number low = number_of(words[0]);
  const Number high = number_of(words[1]);
  if (!low || !high || *low > *high || *high > UINT16_MAX) return std::nullopt;
  return PortRange{.low = *low, .high = *high};
}

std::optional<Triple> parse_triple(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  Triple triple{};
  if (words.size() != triple.size()) return std::nullopt;
  for (size_t i = 0; i < triple.size(); ++i) {
    const Number value = number_of(words[i]);
    if (!value) return std::nullopt;
    triple[i] = *value;
  }
  return triple;
}

std::optional<KernelVersion> parse_kernel_version(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ".-+ \n");
  if (parts.size() < 2) return std::nullopt;
  const Number major = number_of(parts[0]);
  const Number minor = number_of(parts[1]);
  if (!major || !minor) return std::nullopt;
  return KernelVersion{.major = *major, .minor = *minor};
}

Number parse_cpu_list(std::string_view text) {
  uint64_t count = 0;
  for (const std::string_view range : split(text, ", \t\n")) {
    const size_t dash = range.find('-');
    const Number first = number_of(range.substr(0, dash));
    const Number last = dash == range.npos ? first : number_of(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last > UINT16_MAX) return std::nullopt;
    count += *last - *first + 1;
  }
  return count > 0 ? Number(count) : std::nullopt;
}

std::optional<std::string> parse_chosen(std::string_view text) {
  for (const std::string_view word : words_of(text)) {
    if (word.size() > 2 && word.front() == '[' && word.back() == ']')
      return std::string(word.substr(1, word.size() - 2));
  }
  return std::nullopt;
}

Number parse_meminfo(std::string_view text, std::string_view name) {
  const auto rest = rest_of_line(text, std::string(name) + ":");
  if (!rest) return std::nullopt;
  const std::vector<std::string_view> words = words_of(*rest);
  if (words.size() != 2 || words[1] != "kB") return std::nullopt;
  const Number kilobytes = number_of(words[0]);
  if (!kilobytes || *kilobytes > UINT64_MAX / 1024) return std::nullopt;
  return *kilobytes * 1024;
}

Number parse_stat(std::string_view text, std::string_view name) {
  const auto rest = rest_of_line(text, std::string(name) + " ");
  return rest ? parse_number(*rest) : std::nullopt;
}

std::optional<OpenFiles> parse_open_files(std::string_view text) {
  const auto rest = rest_of_line(text, "Max open files ");
  if (!rest) return std::nullopt;
  const std::vector<std::string_view> words = words_of(*rest);
  if (words.size() < 2) return std::nullopt;
  const Number soft = limit_of(words[0]);
  const Number hard = limit_of(words[1]);
  if (!soft || !hard) return std::nullopt;
  return OpenFiles{.soft = *soft, .hard = *hard};
}

Number parse_cgroup_limit(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 1) return std::nullopt;
  if (words[0] == "max") return kNoLimit;
  const Number limit = number_of(words[0]);
  return limit && *limit >= kCgroupNoLimit ? kNoLimit : limit;
}

Number parse_cpu_max(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 2) return std::nullopt;
  const Number period = number_of(words[1]);
  if (words[0] == "max") return period ? Number(kNoLimit) : std::nullopt;
  return quota_millis(number_of(words[0]), period);
}

Number parse_cpu_quota(std::string_view quota, std::string_view period) {
  const std::vector<std::string_view> words = words_of(quota);
  if (words.size() == 1 && words[0] == "-1") return kNoLimit;
  return quota_millis(parse_number(quota), parse_number(period));
}

std::optional<std::string> parse_cgroup_path(std::string_view text, std::string_view controller) {
  for (const std::string_view line : split(text, "\n")) {
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    const std::vector<std::string_view> controllers = split(names, ",");
    const bool found = controller.empty()
                           ? names.empty() && line.substr(0, first) == "0"
                           : std::ranges::find(controllers, controller) != controllers.end();
    if (found) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

}  // namespace millrace::doctor
