// The strict look at a chunked body (RFC 9112, section 7.1), byte by byte as it comes, before the
// library decodes it.
//
//   body  = *( chunk ) 1*"0" [ extension ] CRLF *( field-line CRLF ) CRLF
//   chunk = 1*16HEXDIG [ extension ] CRLF data CRLF
//   extension = ";" *( field characters )
//
// Stricter than the grammar: no white space before an extension. Extensions and trailers are
// bounded, and ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/http.h"

namespace millrace::http {

class ChunkScan {
 public:
  static constexpr size_t kSizeDigitsMax = 16;
  static constexpr size_t kExtensionBytesMax = 4096;  // of all chunks of one body together
  static constexpr size_t kTrailerBytesMax = 4096;

  explicit ChunkScan(const Options& options) : body_bytes_left_(options.body_bytes_max) {}

  enum class Verdict : uint8_t { kNeedMore, kComplete, kError };

  // Looks at the bytes that follow those of the last call. `passed` is set to how many of them are
  // good and belong to this body: all, unless it ends among them or is wrong there.
  Verdict scan(std::string_view bytes, size_t& passed);

  const ParseError& error() const { return error_; }

 private:
  enum class State : uint8_t {
    kSize,       // the digits of a chunk's size
    kExtension,  // from ';' to the line's CR
    kSizeEnd,    // its LF
    kData,
    kDataCr,
    kDataEnd,
    kLine,  // the first byte of a trailer, or the CR of the end
    kTrailerName,
    kTrailerValue,
    kTrailerEnd,
    kEnd,  // the last LF
  };

  Verdict step(char c);
  Verdict step_size(char c);
  Verdict step_extension(char c);
  Verdict step_trailer(char c);
  Verdict expect(char c, char wanted, State next);
  Verdict fail(int status, std::string_view reason);

  State state_ = State::kSize;
  size_t size_digits_ = 0;
  uint64_t chunk_size_ = 0;  // of kData: what is left of it
  uint64_t body_bytes_left_;
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  ParseError error_;
};

}  // namespace millrace::http
