// A message's payload lacks the last four bytes of an empty stored block, 00 00 FF FF, which are
// fed behind it. It is whole if zlib then stands between two blocks. Blocks with BFINAL set may
// stand anywhere (section 7.2.3.5): DEFLATE ends there as zlib sees it, and goes on at the next
// byte with the same window. Accepted though the RFC's sender would not make them: a message that
// ends with such a block and nothing behind it, and an empty one of no bytes at all.
//
// Rejected: inflating each frame as it arrives, which would fail corrupt streams earlier but cost
// 40 KiB per connection.
#include "websocket/inflater.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace millrace::websocket {
namespace {

constexpr size_t kFirstBytes = 16 * 1024;
constexpr size_t kKeptBytesMax = 1024 * 1024;
constexpr std::string_view kTail("\x00\x00\xFF\xFF", 4);
constexpr int kBetweenBlocks = 128;  // in z_stream::data_type, as zlib.h has it
constexpr int kRawWindowBits = -15;  // takes whatever window the client compressed with

std::unexpected<Mistake> corrupt() {
  return std::unexpected(Mistake{CloseCode::kInvalidPayload, "corrupt compressed message"});
}
std::unexpected<Mistake> no_memory() {
  return std::unexpected(Mistake{CloseCode::kInternalError, "no memory to inflate a message"});
}

}  // namespace

Inflater::~Inflater() {
  if (started_) ::inflateEnd(&stream_);
}

std::expected<std::string_view, Mistake> Inflater::inflate(std::string_view compressed,
                                                           size_t bytes_max) {
  size_ = 0;
  ended_ = false;
  if (compressed.empty()) return std::string_view{};
  if (capacity_ > kKeptBytesMax) {
    buffer_.reset();
    capacity_ = 0;
  }
  if (!start()) return no_memory();
  if (auto consumed = consume(compressed, bytes_max); !consumed)
    return std::unexpected(consumed.error());
  if (!ended_) {
    if (auto consumed = consume(kTail, bytes_max); !consumed)
      return std::unexpected(consumed.error());
    // Nothing else may be set: the low bits count those left over of the last byte.
    if (stream_.data_type != kBetweenBlocks) return corrupt();
  }
  return std::string_view(buffer_.get(), size_);
}

bool Inflater::start() {
  if (started_) return ::inflateReset(&stream_) == Z_OK;
  started_ = ::inflateInit2(&stream_, kRawWindowBits) == Z_OK;
  return started_;
}

std::expected<void, Mistake> Inflater::consume(std::string_view input, size_t bytes_max) {
  // zlib takes it as not const for historical reasons, and its counts are 32 bits: limits are far
  // below that.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream_.avail_in = static_cast<uInt>(input.size());
  // One byte of room more than may be used, so that a message of just bytes_max is told from a
  // longer one.
  const size_t capacity_max = bytes_max + 1;
  do {
    if (ended_ && ::inflateResetKeep(&stream_) != Z_OK) return corrupt();
    if (size_ == capacity_ && !grow(capacity_max)) return no_memory();
    stream_.next_out = reinterpret_cast<Bytef*>(buffer_.get() + size_);
    const size_t room = std::min(capacity_, capacity_max) - size_;
    stream_.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&stream_, Z_SYNC_FLUSH);
    size_ += room - stream_.avail_out;
    if (size_ > bytes_max)
      return std::unexpected(Mistake{CloseCode::kTooBig, "the message is too big when inflated"});
    if (status == Z_MEM_ERROR) return no_memory();
    ended_ = status == Z_STREAM_END;
    // Z_BUF_ERROR only says that nothing was left to do.
    if (!ended_ && status != Z_OK && status != Z_BUF_ERROR) return corrupt();
    // Where the room was used up, there may be output left that needs no more input; but not
    // between two blocks, where another call would only forget that it stands there.
  } while (stream_.avail_in > 0 ||
           (stream_.avail_out == 0 && !ended_ && (stream_.data_type & kBetweenBlocks) == 0));
  return {};
}

bool Inflater::grow(size_t capacity_max) {
  const size_t capacity = std::min(std::max(kFirstBytes, capacity_ * 2), capacity_max);
  std::unique_ptr<char[]> buffer(new (std::nothrow) char[capacity]);
  if (buffer == nullptr) return false;
  if (size_ > 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
  return true;
}

}  // namespace millrace::websocket
