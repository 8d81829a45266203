// The parameters of publish and broadcast.
#include "api/read.h"
#include "protocol/protocol.h"

namespace millrace::api {
namespace {

// What the two have in common.
struct Publication {
  hub::PublishAsk what;
  std::optional<std::string> data;
  std::optional<std::string> bytes;

  void read(Field& field) {
    field.payload("data", data);
    field.base64("b64data", bytes);
    field.tags("tags", what.tags, kTagsMax, kTagBytesMax);
    field.text("idempotency_key", what.idempotency_key, kIdempotencyKeyBytesMax);
    field.natural("version", what.version);
    field.text("version_epoch", what.version_epoch, kVersionEpochBytesMax);
    field.boolean("skip_history", what.skip_history);
    field.boolean("delta", what.delta);
    field.text("exclude", what.exclude, kClientBytesMax);
  }

  std::optional<Failure> finish() {
    const std::optional<Payload> payload = payload_of(data, bytes);
    if (!payload) return bad_request("data is needed");
    what.data = payload->bytes;
    what.is_json = payload->is_json;
    return std::nullopt;
  }
};

}  // namespace

std::optional<Payload> payload_of(const std::optional<std::string>& data,
                                  const std::optional<std::string>& bytes) {
  if (!bytes || bytes->empty()) {
    if (!data) return std::nullopt;
    return Payload{base::SharedBytes::copy_of(*data), true};
  }
  if (!protocol::valid_json(*bytes)) return Payload{base::SharedBytes::copy_of(*bytes), false};
  std::string line;
  protocol::append_json_line(line, *bytes);
  return Payload{base::SharedBytes::copy_of(line), true};
}

Read<Call> read_publish(std::string_view params) {
  Publish publish;
  Publication publication;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    field.text("channel", publish.channel);
    publication.read(field);
  });
  if (!wrong && publish.channel.empty()) wrong = bad_request("channel is needed");
  if (!wrong) wrong = publication.finish();
  if (wrong) return std::unexpected(*std::move(wrong));
  publish.what = std::move(publication.what);
  return publish;
}

Read<Call> read_broadcast(std::string_view params) {
  Broadcast broadcast;
  Publication publication;
  std::optional<Failure> wrong = read_object(params, [&](Field& field) {
    field.texts("channels", broadcast.channels, kBroadcastChannelsMax);
    publication.read(field);
  });
  if (!wrong && broadcast.channels.empty()) wrong = bad_request("channels are needed");
  if (!wrong) wrong = publication.finish();
  if (wrong) return std::unexpected(*std::move(wrong));
  broadcast.what = std::move(publication.what);
  return broadcast;
}

}  // namespace millrace::api
