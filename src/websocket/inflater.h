// Inflates whole messages (RFC 7692, section 7.2.2) into a buffer of its own, which the next
// message overwrites.
//
// One per core. It keeps up to 1 MiB between messages; a larger one is given back.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>

#include "websocket/mistake.h"

namespace millrace::websocket {

class Inflater {
 public:
  Inflater() = default;
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // `compressed` is the joined payload of a message's frames. The result is valid until the next
  // call. Fails with kTooBig as soon as there are more than `bytes_max` bytes, with kInvalidPayload
  // for what is not a DEFLATE stream, and with kInternalError when there is no memory.
  std::expected<std::string_view, Mistake> inflate(std::string_view compressed, size_t bytes_max);

 private:
  bool start();
  std::expected<void, Mistake> consume(std::string_view input, size_t bytes_max);
  bool grow(size_t capacity_max);

  z_stream stream_{};
  bool started_ = false;
  bool ended_ = false;  // the last thing read was a block with BFINAL set
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace millrace::websocket
