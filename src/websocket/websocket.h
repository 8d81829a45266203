// WebSocket (RFC 6455) with permessage-deflate (RFC 7692), server side: bytes in, messages out,
// without sockets or threads. Of a client's side, what a load generator and tests need.
//
// Called by edge/, on the connection's core. A Decoder belongs to one connection; it holds no
// buffer while no message is incomplete (what an idle connection costs is sizeof(Decoder)). Nothing
// here blocks.
//
// Limits     Options: message size after inflating, and number of fragments. Control frames carry
//            125 bytes (section 5.5).
//
// Failure    The peer's mistakes come as a CloseCode and a reason, once; then the decoder takes no
//            more bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::websocket {

// ---- Opening handshake (section 4.2) ----

// The fields of an upgrade request that decide. Values as they came, "" where a header is absent;
// several headers of one name joined with ", ".
struct HandshakeRequest {
  std::string_view method;
  bool http_1_1 = true;
  std::string_view upgrade;
  std::string_view connection;
  std::string_view key;
  std::string_view version;
  std::string_view protocols;
  std::string_view extensions;
};

struct HandshakeOptions {
  // In the server's order of preference. The first that the client offers too is chosen; none
  // chosen is not an error.
  std::span<const std::string_view> protocols;
  bool deflate = false;  // accept permessage-deflate, always with no context takeover on both sides
  // The smallest window, as a power of 2, that the caller can compress with: 9..15. An offer that
  // demands a smaller one is declined. Below 15, the caller passes Handshake::deflate_window_bits
  // on to append_deflated().
  int deflate_window_bits_min = 15;
};

struct Handshake {
  std::string response;       // the whole 101 response, to be sent as it is
  std::string_view protocol;  // the chosen subprotocol, one of the options'; "" for none
  bool deflate = false;
  int deflate_window_bits = 15;  // of our compressor, as the client demanded
};

// Fails with the HTTP status to answer in `HandshakeError::status`: 405, 400, or 426 (with
// `Sec-WebSocket-Version: 13`); 500 where accept_key() fails.
struct HandshakeError {
  int status = 400;
  std::string_view reason;
};
std::expected<Handshake, HandshakeError> accept_handshake(const HandshakeRequest& request,
                                                          const HandshakeOptions& options);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2). Empty if OpenSSL, as configured,
// has no SHA-1.
std::string accept_key(std::string_view key);

// ---- Frames (section 5) ----

enum class Opcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

// Section 7.4.1. Codes from 3000 are the application's (model/codes.h).
enum class CloseCode : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupportedData = 1003,
  kNoStatus = 1005,  // never on the wire: the peer's close frame was empty
  kInvalidPayload = 1007,
  kPolicyViolation = 1008,
  kTooBig = 1009,
  kInternalError = 1011,
};

// True for codes that a peer may put into a close frame: 1000-1003, 1007-1014, 3000-4999
// (section 7.4).
bool valid_close_code(uint16_t code);

struct Options {
  // A whole message; for a compressed one after inflating too. At most 1 GiB; 16 MiB is tested.
  size_t message_bytes_max = 65'536;
  size_t message_fragments_max = 65'536;
  bool deflate = false;  // as negotiated
};

// Who hears what a Decoder found. A view is valid only during the call. Returning false stops the
// decoder for good: the connection is being closed, and the rest of the bytes is not for anyone.
class Receiver {
 public:
  // One whole message, unmasked, inflated, and for text valid UTF-8. Must not feed another decoder
  // that shares the scratch.
  virtual bool on_message(Opcode opcode, std::string_view payload) = 0;
  virtual bool on_ping(std::string_view payload) = 0;
  virtual bool on_pong(std::string_view payload) = 0;
  // The peer's close frame: its code (kNoStatus if it had none) and reason. No call follows.
  virtual void on_close(uint16_t code, std::string_view reason) = 0;
  // The peer broke the protocol or a limit: close with this code. No call follows.
  virtual void on_error(CloseCode code, std::string_view reason) = 0;

 protected:
  ~Receiver() = default;
};

// Scratch memory that all decoders of one core share: the inflater. Not thread-safe.
class Inflater;
class CoreScratch {
 public:
  CoreScratch();
  ~CoreScratch();
  Inflater& inflater() { return *inflater_; }

 private:
  std::unique_ptr<Inflater> inflater_;
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Takes the next bytes of the connection, cut anywhere, and tells `receiver` what is complete.
  // Unmasks in place: `bytes` is garbage afterwards. A message that arrived whole is passed on
  // without a copy; of one that did not, the decoder keeps what it has (already unmasked, and text
  // already checked as far as it goes: bad UTF-8 fails at its first bad byte, before the frame's
  // end). `options` must be the same at every call. `receiver` must not destroy the decoder inside
  // a call.
  void feed(std::span<char> bytes, const Options& options, CoreScratch& scratch,
            Receiver& receiver);

  // Whether a message or frame has begun and not ended (for time-outs), and the memory that is held
  // for it: at most twice what has arrived, and some 300 bytes.
  bool in_message() const;
  size_t buffered_bytes() const;
  bool stopped() const { return stopped_; }

 private:
  struct Partial;
  friend class DecoderRun;
  std::unique_ptr<Partial> partial_;  // null while nothing is incomplete
  bool stopped_ = false;
};

// ---- Writing ----

inline constexpr size_t kHeaderBytesMax = 10;  // a server's frames are not masked

// Writes the header of an unfragmented frame to `out` and returns its length: 2, 4 or 10.
// `compressed` sets RSV1.
size_t encode_header(Opcode opcode, size_t payload_bytes, std::span<char, kHeaderBytesMax> out,
                     bool compressed = false);

// Appends header and payload.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);

// Appends a close frame; a reason over 123 bytes is cut at a character's border. kNoStatus gives an
// empty one.
void append_close(std::string& out, uint16_t code, std::string_view reason);

// Appends a text or binary message compressed with permessage-deflate, or uncompressed where that
// is not longer. Level 1..9 as zlib has it; no context is kept. `window_bits` (9..15) as the
// handshake has it: a frame for several connections takes the smallest of theirs. Each thread keeps
// one compressor, up to 270 KB, between calls. Fails only when zlib has no memory.
base::Result<> append_deflated(std::string& out, Opcode opcode, std::string_view payload, int level,
                               int window_bits = 15);

// ---- A client's side, for what measures and tests servers ----

// A frame as a client sends it: masked (section 5.3).
struct ClientFrame {
  Opcode opcode = Opcode::kText;
  bool fin = true;
  bool compressed = false;  // RSV1; the payload is compressed already
  uint32_t key = 0;         // as its four bytes lie in memory
};

// Appends header and payload, masked.
void append_client_frame(std::string& out, const ClientFrame& frame, std::string_view payload);
// Appends the header alone, of a frame that claims so many bytes.
void append_client_header(std::string& out, const ClientFrame& frame, uint64_t payload_bytes);

// Inflates a message that was compressed without context: the joined payloads of its frames. Valid
// until the scratch is used again. Fails with kInvalid, for more than `bytes_max` bytes too.
base::Result<std::string_view> inflate_message(CoreScratch& scratch, std::string_view compressed,
                                               size_t bytes_max);

}  // namespace millrace::websocket
