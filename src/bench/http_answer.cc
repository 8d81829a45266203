#include "bench/http_answer.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace millrace::bench {
namespace {

bool same_name(std::string_view left, std::string_view right) {
  constexpr auto kLower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  return std::ranges::equal(left, right, {}, kLower, kLower);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  return value;
}

// The value of a header; none if it is absent.
std::optional<std::string_view> header(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_name(line.substr(0, colon), name)) continue;
    const size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    return line.substr(begin);
  }
  return std::nullopt;
}

}  // namespace

FrameStatus read_answer(std::string_view bytes, HttpAnswer& answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return bytes.size() > kHttpHeadBytesMax ? FrameStatus::kBroken : FrameStatus::kPartial;
  const std::string_view head = bytes.substr(0, end);
  if (!head.starts_with(kVersion)) return FrameStatus::kBroken;
  const auto status = number<int>(head.substr(kVersion.size()));
  if (!status || *status < 100 || *status > 599) return FrameStatus::kBroken;
  answer.status = *status;
  size_t length = 0;
  if (*status != 204) {
    const auto said = header(head, "Content-Length");
    const auto count = number<size_t>(said.value_or(""));
    if (!count || *count > kFrameBytesMax) return FrameStatus::kBroken;
    length = *count;
  }
  const std::string_view behind = bytes.substr(end + 4);
  if (behind.size() < length) return FrameStatus::kPartial;
  answer.body = behind.substr(0, length);
  answer.bytes = end + 4 + length;
  return FrameStatus::kWhole;
}

}  // namespace millrace::bench
