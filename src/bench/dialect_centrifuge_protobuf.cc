// The Centrifuge protocol in Protobuf: each message behind its length, several in a frame.
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

#include <exception>
#include <iterator>

#include "bench/centrifuge_ids.h"
#include "bench/dialect.h"

namespace millrace::bench {
namespace {

// Fields of client.proto.
enum Reply : protozero::pbf_tag_type {
  kReplyId = 1,
  kReplyError = 2,
  kReplyPush = 4,
  kReplyConnect = 5,
  kReplySubscribe = 6
};
enum Command : protozero::pbf_tag_type {
  kCommandId = 1,
  kCommandConnect = 4,
  kCommandSubscribe = 5,
  kCommandPublish = 7
};

constexpr char kPush = (kReplyPush << 3) | 2;  // the tag that a push begins with
constexpr std::string_view kProtobufPong{"\0", 1};

// A field counts only with the wire type that it should have; the library takes others for bugs.
using Type = protozero::pbf_wire_type;
constexpr uint32_t number(protozero::pbf_tag_type tag) {
  return protozero::tag_and_type(tag, Type::varint);
}
constexpr uint32_t bytes(protozero::pbf_tag_type tag) {
  return protozero::tag_and_type(tag, Type::length_delimited);
}

std::string_view view(protozero::data_view data) {
  return {data.data(), data.size()};
}

void append_delimited(std::string& out, std::string_view message) {
  protozero::write_varint(std::back_inserter(out), message.size());
  out.append(message);
}

std::string subscribe_command(uint32_t id, const std::string& channel, const Joining& joining) {
  std::string body;
  protozero::pbf_writer request(body);
  request.add_string(1, channel);
  if (joining.since != nullptr) {
    request.add_bool(3, true);
    request.add_string(6, joining.since->epoch);
    request.add_uint64(7, joining.since->offset);
  }
  if (joining.recoverable) request.add_bool(10, true);
  std::string text;
  protozero::pbf_writer command(text);
  command.add_uint32(kCommandId, id);
  command.add_message(kCommandSubscribe, body);
  return text;
}

class CentrifugeProtobuf final : public Dialect {
 public:
  CentrifugeProtobuf(const Options& options, DialectHearer& hearer)
      : Dialect(hearer), positions_(options.scenario == ScenarioKind::kReconnect) {
    std::string body;
    protozero::pbf_writer request(body);
    if (const std::string token = token_of(options); !token.empty()) request.add_string(1, token);
    request.add_string(4, "bench");
    std::string text;
    protozero::pbf_writer command(text);
    command.add_uint32(kCommandId, kConnectId);
    command.add_message(kCommandConnect, body);
    append_delimited(connect_, text);
  }

  void join(Client& client, const Joining& joining, std::string& out) override {
    std::string text = connect_;
    uint32_t id = kConnectId;
    for (const std::string& channel : joining.channels)
      append_delimited(text, subscribe_command(++id, channel, joining));
    client.awaited = id;
    say(client, Opcode::kBinary, text, out);
  }

  void publish(const Client& client, std::string_view channel, std::string_view payload,
               uint32_t id, std::string& out) override {
    body_.clear();
    protozero::pbf_writer request(body_);
    request.add_string(1, channel.data(), channel.size());
    request.add_bytes(2, payload.data(), payload.size());
    command_.clear();
    protozero::pbf_writer command(command_);
    command.add_uint32(kCommandId, kPublishIds + id);
    command.add_message(kCommandPublish, body_);
    frame_.clear();
    append_delimited(frame_, command_);
    append_masked(out, Opcode::kBinary, frame_, client.mask_key);
  }

  void read(Client& client, std::string_view message, std::string& out) override {
    try {
      const char* at = message.data();
      const char* const end = at + message.size();
      while (at != end && client.fd >= 0) {
        const uint64_t length = protozero::decode_varint(&at, end);
        if (length > static_cast<uint64_t>(end - at)) return broken(client);
        const std::string_view reply(at, static_cast<size_t>(length));
        at += length;
        if (reply.empty())
          answer_ping(client, Opcode::kBinary, kProtobufPong, out);
        else if (reply.front() == kPush)
          read_push(client, reply);
        else
          read_reply(client, reply);
      }
    } catch (const std::exception&) {  // protozero's
      broken(client);
    }
  }

 protected:
  std::string_view subprotocol() const override { return "centrifuge-protobuf"; }

 private:
  void broken(Client& client) { hearer_.on_broken(client, "the server sent bad Protobuf"); }

  void read_push(Client& client, std::string_view reply) {
    const char* stamp = finder_.find(reply);
    if (stamp == nullptr) return;
    if (positions_) {
      protozero::pbf_reader fields(reply.data(), reply.size());
      if (fields.next(kReplyPush, Type::length_delimited))
        read_offset(client, fields.get_message());
    }
    hearer_.on_delivery(client, read_stamp(stamp));
  }

  void read_offset(Client& client, protozero::pbf_reader push) {
    if (!push.next(4, Type::length_delimited)) return;
    protozero::pbf_reader publication = push.get_message();
    if (publication.next(6, Type::varint))
      hearer_.on_position(client, "", publication.get_uint64());
  }

  void read_reply(Client& client, std::string_view reply) {
    protozero::pbf_reader fields(reply.data(), reply.size());
    uint32_t id = 0;
    while (client.fd >= 0 && fields.next()) {
      switch (fields.tag_and_type()) {
        case number(kReplyId):
          id = fields.get_uint32();
          break;
        case bytes(kReplyError):
          return read_error(client, fields.get_message());
        case bytes(kReplyConnect):
          read_connected(client, fields.get_message());
          break;
        case bytes(kReplySubscribe):
          read_subscribed(client, fields.get_message());
          break;
        default:
          fields.skip();
      }
    }
    if (client.fd < 0) return;
    if (id >= kPublishIds) return hearer_.on_answer(client, id - kPublishIds);
    if (client.awaited > 0 && --client.awaited == 0) hearer_.on_joined(client);
  }

  void read_error(Client& client, protozero::pbf_reader error) {
    std::string text;
    while (error.next()) {
      if (error.tag_and_type() == number(1))
        text = std::to_string(error.get_uint32()) + " " + text;
      else if (error.tag_and_type() == bytes(2))
        text += error.get_string();
      else
        error.skip();
    }
    hearer_.on_refused(client, text);
  }

  void read_connected(Client& client, protozero::pbf_reader result) {
    if (client.carriage == Carriage::kFrames) return;
    SessionName name;
    while (result.next()) {
      if (result.tag_and_type() == bytes(9))
        name.session = result.get_string();
      else if (result.tag_and_type() == bytes(10))
        name.node = result.get_string();
      else
        result.skip();
    }
    hearer_.on_session(client, name);
  }

  // The reply to a subscribe may bring what was missed.
  void read_subscribed(Client& client, protozero::pbf_reader result) {
    if (!positions_) return;
    Position position;
    StampFinder finder;
    while (client.fd >= 0 && result.next()) {
      if (result.tag_and_type() == bytes(6)) {
        position.epoch = result.get_string();
      } else if (result.tag_and_type() == number(9)) {
        position.offset = result.get_uint64();
      } else if (result.tag_and_type() == bytes(7)) {
        if (const char* stamp = finder.find(view(result.get_view())))
          hearer_.on_delivery(client, read_stamp(stamp));
      } else {
        result.skip();
      }
    }
    hearer_.on_position(client, position.epoch, position.offset);
  }

  const bool positions_;
  std::string connect_;
  std::string body_;  // scratch, as are those below
  std::string command_;
  std::string frame_;
};

}  // namespace

std::unique_ptr<Dialect> make_centrifuge_protobuf(const Options& options, DialectHearer& hearer) {
  return std::make_unique<CentrifugeProtobuf>(options, hearer);
}

}  // namespace millrace::bench
