#include "http/response.h"

#include <http_parser.h>

#include <array>
#include <ctime>

#include "base/clock.h"
#include "http/syntax.h"

namespace millrace::http {
namespace {

void append_two_digits(std::string& out, int number) {
  out.push_back(static_cast<char>('0' + number / 10 % 10));
  out.push_back(static_cast<char>('0' + number % 10));
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  for (const char c : name) out.push_back(is_token_char(c) ? c : '_');
  out += ": ";
  for (const char c : value) out.push_back(is_field_char(c) ? c : ' ');
  out += "\r\n";
}

// Status line, and what every response has.
void append_start(std::string& out, const Response& response, std::string_view date) {
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += status_text(response.status);
  out += "\r\n";
  append_header(out, "Date", date);
  if (!response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
}

// 1xx, 204 and 304 have neither a body nor, here, a Content-Length (RFC 9110, section 8.6).
bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string_view DateLine::at(int64_t wall_clock_ms) {
  const int64_t second = wall_clock_ms / 1000;
  if (second == second_) return text_;
  second_ = second;
  const std::time_t time = static_cast<std::time_t>(second);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  // Not strftime: a program's locale has no say in what goes over the wire.
  constexpr std::array kDays = {"Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "};
  constexpr std::array kMonths = {" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                                  " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
  text_ = kDays[static_cast<size_t>(parts.tm_wday)];
  append_two_digits(text_, parts.tm_mday);
  text_ += kMonths[static_cast<size_t>(parts.tm_mon)];
  text_ += std::to_string(parts.tm_year + 1900);
  text_ += ' ';
  append_two_digits(text_, parts.tm_hour);
  text_ += ':';
  append_two_digits(text_, parts.tm_min);
  text_ += ':';
  append_two_digits(text_, parts.tm_sec);
  text_ += " GMT";
  return text_;
}

std::string_view status_text(int status) {
  const std::string_view text = http_status_str(static_cast<http_status>(status));
  return text == "<unknown>" ? "Unknown" : text;
}

std::string serialized(const Response& response, const Framing& framing, std::string_view date) {
  std::string out;
  out.reserve(256 + response.body.size());
  append_start(out, response, date);
  if (has_body(response.status))
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  if (framing.close) {
    append_header(out, "Connection", "close");
  } else if (!framing.http_1_1) {
    append_header(out, "Connection", "keep-alive");
  }
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  out += "\r\n";
  if (has_body(response.status) && !framing.head) out += response.body;
  return out;
}

std::string Response::endless_head() const {
  DateLine date;
  std::string out;
  append_start(out, *this, date.at(base::wall_clock_ms()));
  append_header(out, "Connection", "close");
  for (const auto& [name, value] : headers) append_header(out, name, value);
  out += "\r\n";
  return out;
}

std::string Response::last() const {
  DateLine date;
  return serialized(*this, {.close = true}, date.at(base::wall_clock_ms()));
}

Response Response::text(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

Response Response::json(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

}  // namespace millrace::http
