#include "webhook/question.h"

#include "base/base64.h"
#include "base/json_text.h"
#include "protocol/protocol.h"

namespace millrace::webhook {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (out.size() > 1) out += ',';
  base::append_json_string(out, name);
  out += ':';
  base::append_json_string(out, value);
}

void append_channels(std::string& out, const std::vector<std::string>& channels) {
  if (channels.empty()) return;
  out += R"(,"channels":[)";
  for (size_t i = 0; i < channels.size(); ++i) {
    if (i > 0) out += ',';
    base::append_json_string(out, channels[i]);
  }
  out += ']';
}

}  // namespace

base::Result<std::string> connect_question(std::string_view client, const hub::Visitor& visitor,
                                           bool binary_encoding) {
  std::string out = "{";
  append_member(out, "client", client);
  append_member(out, "transport", visitor.transport);
  append_member(out, "protocol", visitor.binary ? "protobuf" : "json");
  append_member(out, "encoding", binary_encoding ? "binary" : "json");
  if (binary_encoding) {
    std::string encoded;
    base::append_base64(encoded, visitor.data);
    append_member(out, "b64data", encoded);
  } else if (!visitor.data.empty()) {
    // A JSON command's data was checked with the command.
    if (visitor.binary && !protocol::valid_json(visitor.data))
      return base::fail(base::ErrorCode::kInvalid, "the data is not JSON");
    out += R"(,"data":)";
    out += visitor.data;
  }
  append_member(out, "name", visitor.name);
  append_member(out, "version", visitor.version);
  append_channels(out, visitor.channels);
  out += '}';
  return out;
}

}  // namespace millrace::webhook
