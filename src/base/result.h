// How a fallible function answers: a value, or an Error that says what went wrong in words an
// operator can read.
//
// For what the peer or the environment did wrong. A bug is an assertion (base/assert.h), and no
// exception is thrown.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace millrace::base {

enum class ErrorCode : uint8_t {
  kInvalid,      // the input is malformed or not allowed; the same input will fail again
  kTooLarge,     // a size limit was exceeded
  kNotFound,     // what was named does not exist
  kLimit,        // a bound on count or rate was reached; may be retried later
  kUnavailable,  // an outside part does not answer; may be retried
  kIo,           // the operating system refused; the message holds its reason
  kClosed,       // the other side, or this object, is already closed
};

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// Passes on the error of another Result.
template <class T>
[[nodiscard]] std::unexpected<Error> fail(std::expected<T, Error>& from) {
  return std::unexpected(std::move(from.error()));
}

}  // namespace millrace::base
