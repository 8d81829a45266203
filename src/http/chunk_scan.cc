#include "http/chunk_scan.h"

#include <algorithm>

#include "http/syntax.h"

namespace millrace::http {

ChunkScan::Verdict ChunkScan::fail(int status, std::string_view reason) {
  error_ = {status, reason};
  return Verdict::kError;
}

ChunkScan::Verdict ChunkScan::scan(std::string_view bytes, size_t& passed) {
  passed = 0;
  while (passed < bytes.size()) {
    if (state_ == State::kData) {
      const uint64_t taken = std::min<uint64_t>(chunk_size_, bytes.size() - passed);
      chunk_size_ -= taken;
      passed += static_cast<size_t>(taken);
      if (chunk_size_ == 0) state_ = State::kDataCr;
      continue;
    }
    const Verdict verdict = step(bytes[passed]);
    if (verdict == Verdict::kError) return verdict;
    ++passed;
    if (verdict == Verdict::kComplete) return verdict;
  }
  return Verdict::kNeedMore;
}

ChunkScan::Verdict ChunkScan::step(char c) {
  switch (state_) {
    case State::kSize:
      return step_size(c);
    case State::kExtension:
      return step_extension(c);
    case State::kSizeEnd:
      size_digits_ = 0;
      return expect(c, '\n', chunk_size_ == 0 ? State::kLine : State::kData);
    case State::kData:
      break;  // scan() takes data as a whole
    case State::kDataCr:
      return expect(c, '\r', State::kDataEnd);
    case State::kDataEnd:
      return expect(c, '\n', State::kSize);
    case State::kLine:
    case State::kTrailerName:
    case State::kTrailerValue:
      return step_trailer(c);
    case State::kTrailerEnd:
      return expect(c, '\n', State::kLine);
    case State::kEnd:
      return c == '\n' ? Verdict::kComplete
                       : fail(400, "a chunked body's line does not end in CRLF");
  }
  return Verdict::kNeedMore;
}

ChunkScan::Verdict ChunkScan::step_size(char c) {
  const int digit = hex_digit(c);
  if (digit < 0) {
    if (size_digits_ == 0 || (c != '\r' && c != ';')) return fail(400, "an illegal chunk size");
    body_bytes_left_ -= chunk_size_;
    state_ = c == '\r' ? State::kSizeEnd : State::kExtension;
    return Verdict::kNeedMore;
  }
  if (size_digits_ == 0) chunk_size_ = 0;
  if (++size_digits_ > kSizeDigitsMax) return fail(400, "an illegal chunk size");
  chunk_size_ = chunk_size_ * 16 + static_cast<uint64_t>(digit);
  return chunk_size_ > body_bytes_left_ ? fail(413, "the body is too large") : Verdict::kNeedMore;
}

ChunkScan::Verdict ChunkScan::step_extension(char c) {
  if (c == '\r') {
    state_ = State::kSizeEnd;
    return Verdict::kNeedMore;
  }
  if (!is_field_char(c)) return fail(400, "a control character in a chunk extension");
  if (++extension_bytes_ > kExtensionBytesMax) return fail(400, "chunk extensions are too large");
  return Verdict::kNeedMore;
}

ChunkScan::Verdict ChunkScan::step_trailer(char c) {
  if (c == '\r' && state_ != State::kTrailerName) {
    state_ = state_ == State::kLine ? State::kEnd : State::kTrailerEnd;
    return Verdict::kNeedMore;
  }
  if (++trailer_bytes_ > kTrailerBytesMax) return fail(431, "the trailers are too large");
  if (state_ == State::kTrailerValue) {
    return is_field_char(c) ? Verdict::kNeedMore : fail(400, "a control character in a trailer");
  }
  if (c == ':' && state_ == State::kTrailerName) {
    state_ = State::kTrailerValue;
    return Verdict::kNeedMore;
  }
  state_ = State::kTrailerName;
  return is_token_char(c) ? Verdict::kNeedMore : fail(400, "an illegal trailer name");
}

ChunkScan::Verdict ChunkScan::expect(char c, char wanted, State next) {
  if (c != wanted) return fail(400, "a chunked body's line does not end in CRLF");
  state_ = next;
  return Verdict::kNeedMore;
}

}  // namespace millrace::http
