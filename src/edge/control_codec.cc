// protozero reads, and throws: every call of its reader is in here, under a try.
#include "edge/control_codec.h"

#include <algorithm>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <utility>

namespace millrace::edge {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using Kind = SessionRequest::Kind;

constexpr size_t kContentTypeMax = 128;

enum ControlField : uint32_t { kNode = 1, kCore, kId, kAsk, kAnswer };
enum AskField : uint32_t { kKind = 1, kSlotCore, kSlot, kGeneration, kSecret, kData, kAck };
enum AnswerField : uint32_t { kStatus = 1, kBody, kContentType, kTransport };

// What stands for a kind on the wire.
constexpr uint32_t number_of(Kind kind) {
  switch (kind) {
    case Kind::kCommands:
      return 1;
    case Kind::kPoll:
      return 2;
    case Kind::kLetGo:
      return 3;
    case Kind::kGoodbye:
      return 4;
  }
  return 0;
}

bool read_kind(uint32_t number, Kind& kind) {
  for (const Kind known : {Kind::kCommands, Kind::kPoll, Kind::kLetGo, Kind::kGoodbye}) {
    if (number != number_of(known)) continue;
    kind = known;
    return true;
  }
  return false;
}

std::string_view view(pbf_reader& reader) {
  const protozero::data_view bytes = reader.get_view();
  return {bytes.data(), bytes.size()};
}

void write_head(protozero::pbf_writer& out, const hub::Address& from, uint64_t id) {
  out.add_string(kNode, from.node.data(), from.node.size());
  if (from.core.value() != 0) out.add_uint32(kCore, from.core.value());
  if (id != 0) out.add_uint64(kId, id);
}

// ---- Asks ----

// False: malformed. A kind that is not known leaves `kind` at 0.
bool read_ask(pbf_reader reader, SessionRequest& request, uint32_t& kind) {
  base::ConnectionRef& session = request.session.connection;
  bool has_secret = false;
  bool fits = true;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(kKind, pbf_wire_type::varint):
        kind = reader.get_uint32();
        break;
      case protozero::tag_and_type(kSlotCore, pbf_wire_type::varint): {
        const uint32_t core = reader.get_uint32();
        fits = fits && core <= UINT16_MAX;
        session.core = base::CoreId{static_cast<uint16_t>(core)};
        break;
      }
      case protozero::tag_and_type(kSlot, pbf_wire_type::varint):
        session.slot = reader.get_uint32();
        break;
      case protozero::tag_and_type(kGeneration, pbf_wire_type::varint):
        session.generation = reader.get_uint32();
        break;
      case protozero::tag_and_type(kSecret, pbf_wire_type::length_delimited): {
        const std::string_view secret = view(reader);
        has_secret = secret.size() == request.session.secret.size();
        if (has_secret) std::ranges::copy(secret, request.session.secret.begin());
        break;
      }
      case protozero::tag_and_type(kData, pbf_wire_type::length_delimited):
        request.data = view(reader);
        break;
      case protozero::tag_and_type(kAck, pbf_wire_type::varint):
        request.ack = reader.get_uint64();
        break;
      default:
        reader.skip();
    }
  }
  return fits && has_secret;
}

// ---- Answers ----

bool is_status(uint32_t status) {
  return status == 200 || status == 204 || (status >= 400 && status <= 599);
}

// It becomes a header.
bool is_content_type(std::string_view text) {
  return text.size() <= kContentTypeMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// What another version knows and this one does not counts as plain HTTP.
metrics::Transport transport_of(uint32_t number) {
  return number < metrics::kTransports ? static_cast<metrics::Transport>(number)
                                       : metrics::Transport::kHttp;
}

bool read_answer(pbf_reader reader, SessionAnswer& answer) {
  uint32_t status = 0;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(kStatus, pbf_wire_type::varint):
        status = reader.get_uint32();
        break;
      case protozero::tag_and_type(kBody, pbf_wire_type::length_delimited):
        answer.body = view(reader);
        break;
      case protozero::tag_and_type(kContentType, pbf_wire_type::length_delimited):
        answer.content_type = view(reader);
        break;
      case protozero::tag_and_type(kTransport, pbf_wire_type::varint):
        answer.transport = transport_of(reader.get_uint32());
        break;
      default:
        reader.skip();
    }
  }
  answer.status = static_cast<int>(status);
  return is_status(status) && is_content_type(answer.content_type);
}

// ---- Both ----

// All that a message may say; of the ask and the answer, what came last counts.
struct Draft {
  hub::Address from;
  uint32_t core = 0;
  uint64_t id = 0;
  std::string_view ask;
  std::string_view answer;
  bool is_ask = false;
  bool is_answer = false;
};

Draft read_draft(pbf_reader reader) {
  Draft draft;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(kNode, pbf_wire_type::length_delimited):
        draft.from.node = view(reader);
        break;
      case protozero::tag_and_type(kCore, pbf_wire_type::varint):
        draft.core = reader.get_uint32();
        break;
      case protozero::tag_and_type(kId, pbf_wire_type::varint):
        draft.id = reader.get_uint64();
        break;
      case protozero::tag_and_type(kAsk, pbf_wire_type::length_delimited):
        draft.ask = view(reader);
        draft.is_ask = true;
        draft.is_answer = false;
        break;
      case protozero::tag_and_type(kAnswer, pbf_wire_type::length_delimited):
        draft.answer = view(reader);
        draft.is_answer = true;
        draft.is_ask = false;
        break;
      default:
        reader.skip();
    }
  }
  draft.from.core = base::CoreId{static_cast<uint16_t>(draft.core)};
  return draft;
}

std::expected<Control, ControlFault> read_control(std::string_view bytes) {
  Draft draft = read_draft(pbf_reader(bytes.data(), bytes.size()));
  if (!broker::is_node_uid(draft.from.node) || draft.core > UINT16_MAX)
    return std::unexpected(ControlFault::kMalformed);
  if (draft.is_ask) {
    ControlAsk ask{.from = std::move(draft.from), .id = draft.id};
    uint32_t kind = 0;
    if (!read_ask(pbf_reader(draft.ask.data(), draft.ask.size()), ask.request, kind))
      return std::unexpected(ControlFault::kMalformed);
    if (!read_kind(kind, ask.request.kind)) return std::unexpected(ControlFault::kUnknown);
    return ask;
  }
  if (!draft.is_answer) return std::unexpected(ControlFault::kUnknown);
  ControlAnswer answer{.from = std::move(draft.from), .id = draft.id};
  if (!read_answer(pbf_reader(draft.answer.data(), draft.answer.size()), answer.answer))
    return std::unexpected(ControlFault::kMalformed);
  return answer;
}

}  // namespace

std::string encode(const ControlAsk& ask) {
  const SessionRequest& request = ask.request;
  const base::ConnectionRef& session = request.session.connection;
  std::string bytes;
  protozero::pbf_writer out(bytes);
  write_head(out, ask.from, ask.id);
  protozero::pbf_writer body(out, kAsk);
  body.add_uint32(kKind, number_of(request.kind));
  body.add_uint32(kSlotCore, session.core.value());
  body.add_uint32(kSlot, session.slot);
  body.add_uint32(kGeneration, session.generation);
  body.add_bytes(kSecret, reinterpret_cast<const char*>(request.session.secret.data()),
                 request.session.secret.size());
  if (!request.data.empty()) body.add_bytes(kData, request.data);
  if (request.ack != 0) body.add_uint64(kAck, request.ack);
  body.commit();
  return bytes;
}

std::string encode(const ControlAnswer& answer) {
  const SessionAnswer& said = answer.answer;
  std::string bytes;
  protozero::pbf_writer out(bytes);
  write_head(out, answer.from, answer.id);
  protozero::pbf_writer body(out, kAnswer);
  body.add_uint32(kStatus, static_cast<uint32_t>(said.status));
  if (!said.body.empty()) body.add_bytes(kBody, said.body);
  if (!said.content_type.empty()) body.add_string(kContentType, said.content_type);
  if (said.transport != metrics::Transport::kHttp)
    body.add_uint32(kTransport, static_cast<uint32_t>(said.transport));
  body.commit();
  return bytes;
}

std::expected<Control, ControlFault> decode_control(std::string_view bytes) {
  try {
    return read_control(bytes);
  } catch (const protozero::exception&) {
    return std::unexpected(ControlFault::kMalformed);
  }
}

}  // namespace millrace::edge
