#include "bench/instructions/messages.h"

#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

#include "base/assert.h"
#include "websocket/websocket.h"

namespace millrace::instructions {
namespace {

using protocol::Format;

// Field numbers of client.proto.
enum Field : protozero::pbf_tag_type {
  kCommandId = 1,
  kCommandConnect = 4,
  kCommandSubscribe = 5,
  kCommandPublish = 7,
  kConnectName = 4,
  kChannel = 1,
  kPublishData = 2,
};

template <class Fill>
std::string protobuf_command(uint32_t id, Field body, Fill&& fill) {
  std::string fields;
  protozero::pbf_writer body_writer(fields);
  fill(body_writer);
  std::string command;
  protozero::pbf_writer writer(command);
  writer.add_uint32(kCommandId, id);
  writer.add_message(body, fields);
  std::string message;
  protozero::add_varint_to_buffer(&message, command.size());
  return message + command;
}

std::string json_command(uint32_t id, std::string_view body) {
  return "{" + std::string(body) + ",\"id\":" + std::to_string(id) + "}";
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

}  // namespace

std::string upgrade_request(Format format, bool compressed) {
  std::string request =
      "GET /connection/websocket HTTP/1.1\r\n"
      "Host: localhost:8000\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n";
  if (format == Format::kProtobuf) request += "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n";
  if (compressed) request += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  return request + "\r\n";
}

std::string events_request(std::string_view channel) {
  const std::string body =
      json_command(1, R"("connect":{"name":"bench","subs":{)" + quoted(channel) + ":{}}}");
  return "POST /connection/sse HTTP/1.1\r\n"
         "Host: localhost:8000\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string connect_message(Format format) {
  if (format == Format::kJson) return json_command(1, R"("connect":{"name":"bench"})");
  return protobuf_command(1, kCommandConnect,
                          [](auto& writer) { writer.add_string(kConnectName, "bench"); });
}

std::string subscribe_message(Format format, uint32_t id, std::string_view channel) {
  if (format == Format::kJson)
    return json_command(id, R"("subscribe":{"channel":)" + quoted(channel) + "}");
  return protobuf_command(id, kCommandSubscribe, [&](auto& writer) {
    writer.add_string(kChannel, channel.data(), channel.size());
  });
}

std::string publish_message(Format format, uint32_t id, std::string_view channel,
                            std::string_view data) {
  if (format == Format::kJson) {
    return json_command(
        id, R"("publish":{"channel":)" + quoted(channel) + R"(,"data":)" + std::string(data) + "}");
  }
  return protobuf_command(id, kCommandPublish, [&](auto& writer) {
    writer.add_string(kChannel, channel.data(), channel.size());
    writer.add_bytes(kPublishData, data.data(), data.size());
  });
}

std::string pong_message(Format format) {
  return format == Format::kJson ? "{}" : std::string(1, '\0');
}

std::string masked_frame(Format format, std::string_view message) {
  constexpr uint32_t kMask = 0x7856'3412;
  const auto opcode =
      format == Format::kJson ? websocket::Opcode::kText : websocket::Opcode::kBinary;
  std::string frame;
  websocket::append_client_frame(frame, {.opcode = opcode, .key = kMask}, message);
  return frame;
}

std::string payload(size_t bytes) {
  constexpr std::string_view kBegin = R"({"text":")";
  constexpr std::string_view kEnd = R"("})";
  MILLRACE_ASSERT(bytes > kBegin.size() + kEnd.size());
  std::string result(kBegin);
  for (size_t i = 0; result.size() + kEnd.size() < bytes; ++i) {
    result += static_cast<char>('a' + i % 26);
  }
  return result += kEnd;
}

}  // namespace millrace::instructions
