// Two paths. A whole unfragmented frame that lies in the caller's bytes, and any whole control
// frame, is unmasked where it lies and passed on: no copy, no allocation. Whatever is incomplete
// lives in a Partial until it is not:
//
//          ┌──────────────── whole frame ──────────────────▶ message
//          │                                                     ▲ FIN
//   between frames ─▶ some of a header ─▶ some of a payload ─▶ end of frame
//          ▲                                                     │
//          └──────────── the Partial goes if it is idle ─────────┘
//
//   between frames      take_frame         some of a payload   take_payload
//   some of a header    complete_header    end of frame        end_frame
//
// A Partial's buffers grow with what arrived, never with what a header claims.
#include <algorithm>
#include <array>
#include <utility>

#include <simdjson.h>

#include "base/assert.h"
#include "websocket/close.h"
#include "websocket/frame_header.h"
#include "websocket/inflater.h"
#include "websocket/unmask.h"
#include "websocket/utf8.h"
#include "websocket/websocket.h"

namespace millrace::websocket {

static_assert(sizeof(Decoder) <= 16, "what an idle connection costs");

struct Decoder::Partial {
  // The message, of which all frames but the current one have ended.
  MessageSoFar message;
  Opcode opcode = Opcode::kText;
  Utf8Check utf8;  // for uncompressed text
  std::string payload;

  // The current frame. Its header is incomplete while header_bytes is not 0.
  uint8_t header_bytes = 0;
  bool in_frame = false;
  std::array<char, kMaskedHeaderBytesMax> header_so_far;
  FrameHeader frame;
  uint64_t taken = 0;   // of the frame's payload
  std::string control;  // payload of the current control frame

  bool idle() const { return message.fragments == 0 && header_bytes == 0 && !in_frame; }
};

// One call of feed(). Functions return false when the decoder stops.
class DecoderRun {
 public:
  DecoderRun(Decoder& decoder, const Options& options, CoreScratch& scratch, Receiver& receiver)
      : decoder_(decoder), options_(options), scratch_(scratch), receiver_(receiver) {}

  bool run(std::span<char> bytes) {
    rest_ = bytes;
    while (!rest_.empty()) {
      const Partial* partial = decoder_.partial_.get();
      bool going_on;
      if (partial == nullptr || (partial->header_bytes == 0 && !partial->in_frame)) [[likely]]
        going_on = take_frame();
      else if (partial->in_frame)
        going_on = take_payload();
      else
        going_on = complete_header();
      if (!going_on) return false;
    }
    return true;
  }

 private:
  using Partial = Decoder::Partial;

  bool fail(const Mistake& mistake) {
    receiver_.on_error(mistake.code, mistake.reason);
    return false;
  }

  Partial& partial() {
    if (decoder_.partial_ == nullptr) decoder_.partial_ = std::make_unique<Partial>();
    return *decoder_.partial_;
  }

  // The next bytes begin a frame.
  bool take_frame() {
    static constexpr MessageSoFar kNone;
    const Partial* kept = decoder_.partial_.get();
    FrameHeader header;
    const auto header_bytes =
        parse_header(rest_, kept != nullptr ? kept->message : kNone, options_, header);
    if (!header_bytes) [[unlikely]]
      return fail(header_bytes.error());
    if (*header_bytes == 0) return keep_header();
    rest_ = rest_.subspan(*header_bytes);
    return start_frame(header);
  }

  // `rest_` begins with the frame's payload.
  bool start_frame(const FrameHeader& header) {
    if (header.payload_bytes <= rest_.size()) [[likely]] {
      if (decoder_.partial_ != nullptr && decoder_.partial_->idle()) decoder_.partial_.reset();
      if (is_control(header.opcode)) return whole_control(header);
      if (header.fin && decoder_.partial_ == nullptr) [[likely]]
        return whole_message(header);
    }
    return begin_frame(header);
  }

  // Unmasks the first `size` bytes and takes them off.
  std::string_view take(size_t size, uint32_t key, bool& ascii) {
    const std::span<char> piece = rest_.first(size);
    rest_ = rest_.subspan(size);
    ascii = unmask(piece, key);
    return {piece.data(), piece.size()};
  }

  bool whole_message(const FrameHeader& header) {
    bool ascii;
    const std::string_view payload =
        take(static_cast<size_t>(header.payload_bytes), header.key, ascii);
    if (header.compressed) return inflate_and_deliver(header.opcode, payload);
    if (header.opcode == Opcode::kText && !ascii && !is_utf8(payload)) return fail_utf8();
    return receiver_.on_message(header.opcode, payload);
  }

  bool whole_control(const FrameHeader& header) {
    bool ascii;
    return deliver_control(header.opcode,
                           take(static_cast<size_t>(header.payload_bytes), header.key, ascii));
  }

  bool deliver_control(Opcode opcode, std::string_view payload) {
    if (opcode == Opcode::kPing) return receiver_.on_ping(payload);
    if (opcode == Opcode::kPong) return receiver_.on_pong(payload);
    const auto close = parse_close(payload);
    if (!close) return fail(close.error());
    receiver_.on_close(close->code, close->reason);
    return false;
  }

  // All the bytes that are left are the beginning of a header.
  bool keep_header() {
    Partial& kept = partial();
    std::ranges::copy(rest_, kept.header_so_far.begin());
    kept.header_bytes = static_cast<uint8_t>(rest_.size());
    rest_ = {};
    return true;
  }

  bool complete_header() {
    Partial& kept = *decoder_.partial_;
    const size_t had = kept.header_bytes;
    const size_t more = std::min(rest_.size(), kMaskedHeaderBytesMax - had);
    std::ranges::copy(rest_.first(more), kept.header_so_far.begin() + static_cast<ptrdiff_t>(had));
    FrameHeader header;
    const auto header_bytes = parse_header(std::span(kept.header_so_far).first(had + more),
                                           kept.message, options_, header);
    if (!header_bytes) return fail(header_bytes.error());
    if (*header_bytes == 0) {
      kept.header_bytes = static_cast<uint8_t>(had + more);
      rest_ = {};
      return true;
    }
    kept.header_bytes = 0;
    rest_ = rest_.subspan(*header_bytes - had);
    return start_frame(header);
  }

  bool begin_frame(const FrameHeader& header) {
    Partial& kept = partial();
    kept.frame = header;
    kept.taken = 0;
    kept.in_frame = true;
    if (!is_control(header.opcode)) {
      if (header.opcode != Opcode::kContinuation) {
        kept.opcode = header.opcode;
        kept.message.compressed = header.compressed;
      }
      ++kept.message.fragments;
    }
    return take_payload();
  }

  bool take_payload() {
    Partial& kept = *decoder_.partial_;
    const uint64_t missing = kept.frame.payload_bytes - kept.taken;
    const auto size = static_cast<size_t>(std::min<uint64_t>(missing, rest_.size()));
    bool ascii;
    const std::string_view piece = take(size, key_at(kept.frame.key, kept.taken), ascii);
    kept.taken += size;
    if (is_control(kept.frame.opcode)) {
      kept.control.append(piece);
    } else {
      const bool checked = kept.opcode == Opcode::kText && !kept.message.compressed;
      if (checked && !(ascii && kept.utf8.complete()) && !kept.utf8.add(piece)) return fail_utf8();
      kept.payload.append(piece);
    }
    return kept.taken < kept.frame.payload_bytes || end_frame();
  }

  bool end_frame() {
    Partial& kept = *decoder_.partial_;
    kept.in_frame = false;
    if (is_control(kept.frame.opcode)) {
      const std::string payload = std::exchange(kept.control, {});
      const Opcode opcode = kept.frame.opcode;
      if (kept.idle()) decoder_.partial_.reset();
      return deliver_control(opcode, payload);
    }
    kept.message.bytes += kept.frame.payload_bytes;
    if (!kept.frame.fin) return true;
    // Taken out first, so that what the receiver sees of the decoder is that the message has ended.
    const std::unique_ptr<Partial> ended = std::move(decoder_.partial_);
    if (ended->message.compressed) return inflate_and_deliver(ended->opcode, ended->payload);
    if (ended->opcode == Opcode::kText && !ended->utf8.complete()) return fail_utf8();
    return receiver_.on_message(ended->opcode, ended->payload);
  }

  bool inflate_and_deliver(Opcode opcode, std::string_view compressed) {
    const auto payload = scratch_.inflater().inflate(compressed, options_.message_bytes_max);
    if (!payload) return fail(payload.error());
    if (opcode == Opcode::kText && !is_utf8(*payload)) return fail_utf8();
    return receiver_.on_message(opcode, *payload);
  }

  static bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
  }

  bool fail_utf8() { return fail({CloseCode::kInvalidPayload, "text that is not UTF-8"}); }

  Decoder& decoder_;
  const Options& options_;
  CoreScratch& scratch_;
  Receiver& receiver_;
  std::span<char> rest_;
};

CoreScratch::CoreScratch() : inflater_(std::make_unique<Inflater>()) {}
CoreScratch::~CoreScratch() = default;

Decoder::Decoder() = default;
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

void Decoder::feed(std::span<char> bytes, const Options& options, CoreScratch& scratch,
                   Receiver& receiver) {
  MILLRACE_DEBUG_ASSERT(options.message_bytes_max <= size_t{1} << 30);
  MILLRACE_DEBUG_ASSERT(options.message_fragments_max >= 1);
  if (stopped_) return;
  if (DecoderRun(*this, options, scratch, receiver).run(bytes)) [[likely]]
    return;
  stopped_ = true;
  partial_.reset();
}

bool Decoder::in_message() const {
  return partial_ != nullptr;
}

size_t Decoder::buffered_bytes() const {
  if (partial_ == nullptr) return 0;
  return sizeof(Partial) + partial_->payload.capacity() + partial_->control.capacity();
}

}  // namespace millrace::websocket
