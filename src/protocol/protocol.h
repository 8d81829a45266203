// The Centrifuge client protocol in its two wire formats: bytes <-> commands. No sockets, no state,
// no threads.
//
// A frame holds a batch of messages: JSON objects separated by newlines, or Protobuf messages each
// behind its length as a varint. Source of each fact: the Centrifuge protocol's client.proto and
// its JSON mapping (proto3 names, defaults left out).
//
// Called by edge/ on the connection's core. Commands are views into the frame that was decoded, but
// for JSON strings with escapes, which decode_commands() keeps until it returns: copy what must
// live on. (A tags filter has strings of its own.) Payloads (`data` and the like) are the bytes as
// they came: in JSON the exact text of the value, validated and never rebuilt; in Protobuf the
// bytes of the field.
//
// Limits     Nesting of JSON: kJsonDepthMax. Entries of a connect's map: kConnectEntriesMax. Tags
//            filters: kFilterDepthMax, kFilterItemsMax. The frame's size is bounded by the
//            transport.
// Failure    kInvalid with what was wrong and where; the connection is closed with 3501 (bad
//            request). Unknown fields are skipped; in JSON a duplicated key's last value counts, as
//            everywhere in proto3. A JSON `null` is as if the key was not there (but a payload can
//            be `null`); JSON numbers must be whole, in range, and not in quotes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "model/model.h"

namespace millrace::protocol {

enum class Format : uint8_t { kJson, kProtobuf };
inline constexpr size_t kFormats = 2;
inline constexpr size_t kJsonDepthMax = 128;
// `subs` and `headers` of a ConnectRequest: an empty entry takes 8 bytes of a frame but 40 times as
// much in memory.
inline constexpr size_t kConnectEntriesMax = 16'384;
// Nodes of a tags filter within each other, and nodes and values of all filters of one command: an
// empty node takes 2 bytes of a frame but 90 times as much in memory.
inline constexpr size_t kFilterDepthMax = 32;
inline constexpr size_t kFilterItemsMax = 4096;

// A string: valid UTF-8, unescaped. Half a surrogate pair in JSON (`\ud800`) becomes U+FFFD.
using Text = std::string_view;
// A payload: raw JSON text (`null` too), or bytes. "" when absent.
using Payload = std::string_view;

// ---- Commands (client to server) ----

struct SubscribeRequest {
  Text channel{};
  Text token{};
  bool recover = false;
  Text epoch{};
  uint64_t offset = 0;
  Payload data{};
  bool positioned = false;
  bool recoverable = false;
  bool join_leave = false;
  Text delta{};
  std::optional<model::FilterNode> tags_filter{};  // `tf`; filter/ says whether it is a valid one
  int64_t flag = 0;
  int32_t type = 0;  // 0 stream; 1-3 map, 4 shared poll are answered "not available"
};

struct ConnectRequest {
  Text token{};
  Payload data{};
  std::vector<std::pair<Text, SubscribeRequest>> subs{};
  Text name{};
  Text version{};
  std::vector<std::pair<Text, Text>> headers{};
  int64_t flag = 0;
};

struct UnsubscribeRequest {
  Text channel{};
};

struct PublishRequest {
  Text channel{};
  Payload data{};
  int32_t type = 0;
  Text key{};
  bool removed = false;
  // Ours: a publish with a key that was used before is answered as the first one was, and not
  // delivered again.
  Text idempotency_key{};
  bool exclude_self = false;  // ours: the publisher does not hear it
};

struct PresenceRequest {
  Text channel{};
};

struct PresenceStatsRequest {
  Text channel{};
};

struct StreamPosition {
  uint64_t offset = 0;
  Text epoch{};
};

struct HistoryRequest {
  using Since = StreamPosition;
  Text channel{};
  int32_t limit = 0;
  std::optional<Since> since{};
  bool reverse = false;
};

struct PingRequest {};

struct SendRequest {
  Payload data{};
};

struct RpcRequest {
  Payload data{};
  Text method{};
};

struct RefreshRequest {
  Text token{};
};

struct SubRefreshRequest {
  Text channel{};
  Text token{};
  int32_t type = 0;
};

// std::monostate: no known sub-message was set. With several set, the first in the order of
// client.proto's field numbers counts, as listed here.
using CommandBody =
    std::variant<std::monostate, ConnectRequest, SubscribeRequest, UnsubscribeRequest,
                 PublishRequest, PresenceRequest, PresenceStatsRequest, HistoryRequest, PingRequest,
                 SendRequest, RpcRequest, RefreshRequest, SubRefreshRequest>;

struct Command {
  uint32_t id = 0;
  CommandBody body;
};

// Calls `on_command` for each command of a frame, in order. It returns false to stop early (which
// is not an error). Commands before a malformed one have been handed over when the error is
// returned. An empty frame, or one of white space only, is an error. JSON frames must be valid
// UTF-8 (checked here, before the first command: a JSON frame may come as a binary message). A
// Protobuf command's sub-messages are merged when they come twice; groups are an error.
base::Result<> decode_commands(Format format, std::string_view frame,
                               base::FunctionRef<bool(const Command&)> on_command);

// ---- Requests that stand alone ----
// Each is the whole of its text: one JSON object, or the bytes of one Protobuf message without a
// length before it. Read as in a command: the same bounds, views that live until the callback
// returns, and kInvalid if it is not that. An empty text is an error.

// A PublishRequest as an RPC carries it.
base::Result<> decode_publish(std::string_view json,
                              base::FunctionRef<void(const PublishRequest&)> on_request);

// The one thing that a client of a unidirectional transport says: a ConnectRequest.
base::Result<> decode_connect(std::string_view json,
                              base::FunctionRef<void(const ConnectRequest&)> on_request);

// What a client says to the session whose messages it gets as an HTTP response. `data` is a frame
// of commands, which is not looked into here: in JSON the text of a string, unescaped; in Protobuf
// bytes.
struct EmulationRequest {
  Text node{};
  Text session{};
  std::string_view data{};
};
base::Result<> decode_emulation(Format format, std::string_view body,
                                base::FunctionRef<void(const EmulationRequest&)> on_request);

// Ours, JSON only: asks a long-polling session for its next messages, or says goodbye to it.
struct PollRequest {
  Text node{};
  Text session{};
  uint64_t ack = 0;  // how many of the session's responses have arrived
  bool close = false;
};
base::Result<> decode_poll(std::string_view body,
                           base::FunctionRef<void(const PollRequest&)> on_request);

// Whether `text` is exactly one valid JSON value in valid UTF-8, white space around it allowed (RFC
// 8259).
bool valid_json(std::string_view text);

// Appends `json` (valid) without its raw line breaks, which would end a message early in a
// newline-delimited frame, or one of server-sent events.
void append_json_line(std::string& out, std::string_view json);

// ---- Results (server to client) ----

struct SubscribeResult {
  bool expires = false;
  uint32_t ttl = 0;
  bool recoverable = false;
  std::string epoch{};
  std::vector<model::Publication> publications{};
  bool recovered = false;
  model::Offset offset{};
  bool positioned = false;
  base::SharedBytes data{};
  bool was_recovering = false;
  bool delta = false;  // payloads of publications are carried as PublicationPush says
  int64_t id = 0;      // stands for the channel in pushes
};

struct ConnectResult {
  std::string_view client{};
  std::string_view version{};
  bool expires = false;
  uint32_t ttl = 0;  // seconds
  std::string_view data{};
  std::vector<std::pair<std::string, SubscribeResult>> subs{};
  uint32_t ping = 0;  // seconds
  bool pong = false;
  std::string_view session{};
  std::string_view node{};
  int64_t time = 0;  // Unix time in milliseconds
};

struct UnsubscribeResult {};
// Ours, for a publish with an idempotency_key; other clients see the empty message that they know.
struct PublishResult {
  model::Offset offset{};
  std::string_view epoch{};
};
struct PingResult {};

struct PresenceResult {
  std::vector<std::shared_ptr<const model::ClientInfo>> members{};  // none is null
};

struct PresenceStatsResult {
  uint32_t num_clients = 0;
  uint32_t num_users = 0;
};

struct HistoryResult {
  std::vector<model::Publication> publications{};
  std::string epoch{};
  model::Offset offset{};
};

struct RpcResult {
  std::string_view data{};
};

struct RefreshResult {
  std::string_view client{};
  std::string_view version{};
  bool expires = false;
  uint32_t ttl = 0;
};

struct SubRefreshResult {
  bool expires = false;
  uint32_t ttl = 0;
};

using ReplyBody = std::variant<model::ReplyError, ConnectResult, SubscribeResult, UnsubscribeResult,
                               PublishResult, PresenceResult, PresenceStatsResult, HistoryResult,
                               PingResult, RpcResult, RefreshResult, SubRefreshResult>;

// ---- Pushes (server to client, unasked) ----

struct PublicationPush {
  const model::Publication& publication;
  // Sent instead of the data; valid UTF-8 if that is JSON.
  std::string_view patch{};
  // The subscription is one with deltas: in JSON, the data is the text of a string.
  bool delta = false;
};
struct JoinPush {
  const model::ClientInfo& info;
};
struct LeavePush {
  const model::ClientInfo& info;
};
struct UnsubscribePush {
  model::Unsubscribe why;
};
struct MessagePush {
  std::string_view data{};
};
struct DisconnectPush {
  model::Disconnect why;
};

// The server subscribed the client to the push's channel.
struct SubscribePush {
  bool recoverable = false;
  std::string_view epoch{};
  model::Offset offset{};
  bool positioned = false;
  std::string_view data{};
};
// The connection's token was refreshed by the server; the push has no channel.
struct RefreshPush {
  bool expires = false;
  uint32_t ttl = 0;  // seconds
};

// The first message of a unidirectional transport, where no command is answered. Its `pong` is
// never set: nobody there could send one.
struct ConnectPush {
  const ConnectResult& result;
};

using PushBody = std::variant<PublicationPush, JoinPush, LeavePush, UnsubscribePush, MessagePush,
                              DisconnectPush, SubscribePush, RefreshPush, ConnectPush>;

// How a push travels: within a Reply, or by itself, as unidirectional transports have it.
enum class Shape : uint8_t { kReply, kBare };

// Appends one message to a frame being built: what separates it from the one before (a newline, if
// `frame` is not empty) or its length, and the message. Frames made this way can themselves be
// joined with append_joined(). In JSON, payloads are placed as they are: each must be valid JSON
// that went through append_json_line(). So no JSON message has a raw CR or LF in it.
void append_reply(Format format, std::string& frame, uint32_t id, const ReplyBody& body);
// The channel is named by its id instead, if that is not 0.
void append_push(Format format, std::string& frame, std::string_view channel, const PushBody& body,
                 int64_t id = 0, Shape shape = Shape::kReply);

// The server's ping: `{}`, or one zero byte, in either shape. A client's pong is the same, and
// decodes as a Command with id 0 and no body.
void append_ping(Format format, std::string& frame);

// Bytes that mean nothing to a client, at least as many as asked for: not a message, so they stand
// between lines, or between messages with their length. JSON: blanks, which may stand before any
// value. Protobuf: a reply with a push of nothing, where an empty reply would be a ping, and with a
// field that nobody knows where more bytes are wanted. Source: centrifuge-js 5, whose parsers skip
// both; an empty line ends older ones.
void append_filler(Format format, std::string& out, size_t bytes_min);

// Appends the messages of another frame of the same format.
void append_joined(Format format, std::string& frame, std::string_view other);

}  // namespace millrace::protocol
