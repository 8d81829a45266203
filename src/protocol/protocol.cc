#include "protocol/protocol.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "protocol/decode.h"
#include "protocol/json_writer.h"
#include "protocol/protobuf_writer.h"

namespace millrace::protocol {
namespace {

template <class Value>
void keep_last_of_each(std::vector<std::pair<Text, Value>>& map) {
  if (map.size() < 2) return;
  std::vector<std::pair<Text, size_t>> places;
  places.reserve(map.size());
  for (size_t i = 0; i < map.size(); ++i) places.emplace_back(map[i].first, i);
  std::ranges::sort(places);

  std::vector<bool> repeated(map.size());
  for (size_t i = 0; i + 1 < places.size(); ++i) {
    if (places[i].first == places[i + 1].first) repeated[places[i].second] = true;
  }
  size_t kept = 0;
  for (size_t i = 0; i < map.size(); ++i) {
    if (repeated[i]) continue;
    if (kept != i) map[kept] = std::move(map[i]);
    ++kept;
  }
  map.erase(map.begin() + static_cast<std::ptrdiff_t>(kept), map.end());
}

// Starts a JSON message behind those that are in the frame.
void separate(std::string& frame) {
  if (!frame.empty()) frame.push_back('\n');
}

template <class Message>
void append_message(Format format, std::string& frame, const Message& message) {
  if (format == Format::kProtobuf) {
    ProtobufWriter(frame).write(message);
    return;
  }
  separate(frame);
  JsonWriter(frame).write(message);
}

}  // namespace

void drop_repeated_entries(Command& command) {
  if (auto* const connect = std::get_if<ConnectRequest>(&command.body)) {
    drop_repeated_entries(*connect);
  }
}

void drop_repeated_entries(ConnectRequest& connect) {
  keep_last_of_each(connect.subs);
  keep_last_of_each(connect.headers);
}

base::Result<> decode_commands(Format format, std::string_view frame,
                               base::FunctionRef<bool(const Command&)> on_command) {
  if (frame.empty()) return base::fail(base::ErrorCode::kInvalid, "an empty frame");
  return format == Format::kJson ? decode_json(frame, on_command)
                                 : decode_protobuf(frame, on_command);
}

base::Result<> decode_emulation(Format format, std::string_view body,
                                base::FunctionRef<void(const EmulationRequest&)> on_request) {
  if (body.empty()) return base::fail(base::ErrorCode::kInvalid, "an empty body");
  return format == Format::kJson ? decode_emulation_json(body, on_request)
                                 : decode_emulation_protobuf(body, on_request);
}

// Within a string a line break is always escaped, so a raw one is white space between tokens, which
// the grammar doesn't need.
void append_json_line(std::string& out, std::string_view json) {
  for (;;) {
    const size_t line_break = json.find_first_of("\r\n");
    out += json.substr(0, line_break);
    if (line_break == std::string_view::npos) return;
    json.remove_prefix(line_break + 1);
  }
}

void append_reply(Format format, std::string& frame, uint32_t id, const ReplyBody& body) {
  append_message(format, frame, Reply{id, body});
}

void append_push(Format format, std::string& frame, std::string_view channel, const PushBody& body,
                 int64_t id, Shape shape) {
  const Push push{.channel = channel, .body = body, .id = id};
  if (shape == Shape::kBare) return append_message(format, frame, push);
  append_message(format, frame, PushReply{push});
}

void append_ping(Format format, std::string& frame) {
  if (format == Format::kProtobuf) {
    frame.push_back('\0');
    return;
  }
  separate(frame);
  frame += "{}";
}

void append_filler(Format format, std::string& out, size_t bytes_min) {
  if (format == Format::kJson) {
    out.append(bytes_min, ' ');
    return;
  }
  constexpr uint32_t kReplyPush = 4;
  constexpr uint32_t kFiller = 100;
  constexpr size_t kBytesAround = 3;  // of a push without the field
  std::string push;
  if (bytes_min > kBytesAround)
    protozero::pbf_writer(push).add_bytes(kFiller, std::string(bytes_min, '\0'));
  std::string reply;
  protozero::pbf_writer(reply).add_message(kReplyPush, push);
  protozero::add_varint_to_buffer(&out, reply.size());
  out += reply;
}

void append_joined(Format format, std::string& frame, std::string_view other) {
  if (other.empty()) return;
  if (format == Format::kJson) separate(frame);
  frame += other;
}

}  // namespace millrace::protocol
