// The strict look at a request's head, byte by byte as it comes, before the library parses it.
//
// The library (and much else on the way of a request) forgives what two parsers can read in two
// ways: a bare LF as a line's end, a space before the colon, a folded line, two lengths. Who
// forgives differently than the proxy in front can be made to see a request that the proxy did not
// (RFC 9112, section 11.2), so nothing of the kind passes here.
//
// The verdict depends on the bytes alone, not on how they were cut: the first wrong byte or line
// decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/http.h"

namespace millrace::http {

class HeadScan {
 public:
  explicit HeadScan(const Options& options) : options_(options) {}

  enum class Verdict : uint8_t { kNeedMore, kComplete, kError };

  // `bytes` begins with the request's first byte, and holds at least what the last call saw.
  Verdict scan(std::string_view bytes);

  const ParseError& error() const { return error_; }

  // The rest is of a complete head.
  size_t size() const { return position_; }
  bool http_1_1() const { return http_1_1_; }
  bool chunked() const { return chunked_; }
  bool expects_continue() const { return expects_continue_; }
  std::optional<uint64_t> content_length() const { return content_length_; }
  size_t header_count() const { return header_count_; }

 private:
  struct Range {
    size_t offset = 0;
    size_t length = 0;
  };

  Verdict fail(int status, std::string_view reason);
  Verdict scan_line(std::string_view bytes);
  Verdict end_line(std::string_view bytes, std::string_view line);
  Verdict check_request_line(std::string_view bytes, std::string_view line);
  Verdict check_version(std::string_view version);
  Verdict check_header(std::string_view bytes, std::string_view line);
  Verdict check_content_length(std::string_view value);
  Verdict check_transfer_encoding(std::string_view value);
  Verdict check_host(std::string_view bytes, std::string_view value);
  Verdict finish(std::string_view bytes);

  const Options& options_;
  size_t position_ = 0;
  size_t line_start_ = 0;
  bool after_cr_ = false;
  bool skipped_empty_line_ = false;
  bool in_headers_ = false;

  bool http_1_1_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool has_host_ = false;
  std::optional<uint64_t> content_length_;
  size_t header_count_ = 0;
  Range authority_;  // of a target in absolute form
  Range host_;
  ParseError error_;
};

}  // namespace millrace::http
