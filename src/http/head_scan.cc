#include "http/head_scan.h"

#include <algorithm>
#include <cstring>

#include "http/char_set.h"
#include "http/syntax.h"

namespace millrace::http {
namespace {

// What a line may hold, apart from its end.
constexpr CharSet kRequestLineChars(+[](char c) { return is_visible(c) || c == ' '; });
constexpr CharSet kHeaderLineChars(is_field_char);

// How many bytes at the text's beginning are printable ASCII, in words of eight: most of a line, of
// either kind.
size_t printable_words(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t length = 0;
  for (; text.size() - length >= sizeof(uint64_t); length += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + length, sizeof(word));
    // A high bit appears for a byte over 0x7f, or of 0x7f, or below the space. What is carried into
    // another byte comes from one of those.
    if (((word | (word + kOnes) | (word - kOnes * ' ')) & (kOnes * 0x80)) != 0) break;
  }
  return length;
}

}  // namespace

HeadScan::Verdict HeadScan::fail(int status, std::string_view reason) {
  error_ = {status, reason};
  return Verdict::kError;
}

HeadScan::Verdict HeadScan::scan(std::string_view bytes) {
  const std::string_view allowed = bytes.substr(0, options_.head_bytes_max);
  while (position_ < allowed.size()) {
    if (!after_cr_) {
      const Verdict verdict = scan_line(allowed);
      if (verdict == Verdict::kError) return verdict;
      continue;
    }
    if (allowed[position_++] != '\n') return fail(400, "a CR without LF");
    after_cr_ = false;
    const std::string_view line = bytes.substr(line_start_, position_ - 2 - line_start_);
    const Verdict verdict = end_line(bytes, line);
    if (verdict != Verdict::kNeedMore) return verdict;
    line_start_ = position_;
  }
  if (position_ == bytes.size()) return Verdict::kNeedMore;
  return in_headers_ ? fail(431, "the headers are too large")
                     : fail(414, "the request line is too long");
}

// Goes on to the line's CR, or to the end of what is there.
HeadScan::Verdict HeadScan::scan_line(std::string_view bytes) {
  const char first = bytes[position_];
  if (in_headers_ && position_ == line_start_ && (first == ' ' || first == '\t'))
    return fail(400, "a folded header line");
  const CharSet& legal = in_headers_ ? kHeaderLineChars : kRequestLineChars;
  position_ += printable_words(bytes.substr(position_));
  position_ += legal.prefix(bytes.substr(position_));
  if (position_ == bytes.size()) return Verdict::kNeedMore;
  const char c = bytes[position_++];
  after_cr_ = c == '\r';
  if (after_cr_) return Verdict::kNeedMore;
  if (c == '\n') return fail(400, "a LF without CR");
  return fail(400, in_headers_ ? "a control character in a header"
                               : "an illegal character in the request line");
}

HeadScan::Verdict HeadScan::end_line(std::string_view bytes, std::string_view line) {
  if (in_headers_) return line.empty() ? finish(bytes) : check_header(bytes, line);
  if (!line.empty()) return check_request_line(bytes, line);
  // One empty line before a request is forgiven: old clients send it after a body (RFC 9112,
  // section 2.2).
  if (skipped_empty_line_) return fail(400, "empty lines before a request");
  skipped_empty_line_ = true;
  return Verdict::kNeedMore;
}

HeadScan::Verdict HeadScan::check_request_line(std::string_view bytes, std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return fail(400, "a request line without version");
  const std::string_view method = line.substr(0, first);
  if (!is_token(method)) return fail(400, "an illegal method");
  const Verdict verdict = check_version(line.substr(last + 1));
  if (verdict == Verdict::kError) return verdict;
  if (method == "CONNECT") return fail(400, "CONNECT is for proxies");
  const std::optional<Target> target = parse_target(line.substr(first + 1, last - first - 1));
  if (!target) return fail(400, "an illegal request target");
  if (target->absolute) {
    authority_ = {static_cast<size_t>(target->authority.data() - bytes.data()),
                  target->authority.size()};
  }
  in_headers_ = true;
  return Verdict::kNeedMore;
}

HeadScan::Verdict HeadScan::check_version(std::string_view version) {
  http_1_1_ = version == "HTTP/1.1";
  if (http_1_1_ || version == "HTTP/1.0") return Verdict::kNeedMore;
  constexpr std::string_view kName = "HTTP/";
  const bool other = version.starts_with(kName) && version.size() > kName.size() &&
                     std::all_of(version.begin() + kName.size(), version.end(),
                                 [](char c) { return is_digit(c) || c == '.'; });
  return other ? fail(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
               : fail(400, "an illegal version");
}

HeadScan::Verdict HeadScan::check_header(std::string_view bytes, std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail(400, "a header without colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return fail(400, "an illegal header name");
  if (++header_count_ > options_.headers_max) return fail(431, "too many headers");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-length")) return check_content_length(value);
  if (equal_ignoring_case(name, "transfer-encoding")) return check_transfer_encoding(value);
  if (equal_ignoring_case(name, "host")) return check_host(bytes, value);
  if (equal_ignoring_case(name, "expect") && http_1_1_) {
    if (!equal_ignoring_case(value, "100-continue")) return fail(417, "an unknown expectation");
    expects_continue_ = true;
  }
  return Verdict::kNeedMore;
}

HeadScan::Verdict HeadScan::check_content_length(std::string_view value) {
  if (content_length_) return fail(400, "Content-Length twice");
  content_length_ = parse_length(value);
  return content_length_ ? Verdict::kNeedMore : fail(400, "an illegal Content-Length");
}

HeadScan::Verdict HeadScan::check_transfer_encoding(std::string_view value) {
  if (chunked_) return fail(400, "Transfer-Encoding twice");
  if (!equal_ignoring_case(value, "chunked"))
    return fail(400, "a transfer coding other than chunked");
  chunked_ = true;
  return Verdict::kNeedMore;
}

HeadScan::Verdict HeadScan::check_host(std::string_view bytes, std::string_view value) {
  if (has_host_) return fail(400, "Host twice");
  if (!is_host(value)) return fail(400, "an illegal Host");
  has_host_ = true;
  if (!value.empty()) host_ = {static_cast<size_t>(value.data() - bytes.data()), value.size()};
  return Verdict::kNeedMore;
}

HeadScan::Verdict HeadScan::finish(std::string_view bytes) {
  if (http_1_1_ && !has_host_) return fail(400, "no Host");
  if (chunked_ && content_length_) return fail(400, "both Content-Length and Transfer-Encoding");
  if (chunked_ && !http_1_1_) return fail(400, "Transfer-Encoding in HTTP/1.0");
  // The target's authority counts, not Host (RFC 9112, section 3.2.2); where they are the same,
  // nobody can mistake it.
  const std::string_view authority = bytes.substr(authority_.offset, authority_.length);
  if (has_host_ && !authority.empty() &&
      !equal_ignoring_case(authority, bytes.substr(host_.offset, host_.length))) {
    return fail(400, "Host differs from the request target");
  }
  if (content_length_ && *content_length_ > options_.body_bytes_max)
    return fail(413, "the body is too large");
  return Verdict::kComplete;
}

}  // namespace millrace::http
